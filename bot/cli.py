"""`firstfive ...`: arguments in, one call, an exit code out (0 done, 1 failed, 2 bad invocation, 3 refused).

The bot takes a second to load; a command that needs it loads it itself, `demo`, `agent` and `--help` do without.
"""

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot import demo as demo_
from bot.domain.checks import Check, State
from bot.domain.errors import CommandRejected, FirstFiveError
from bot.domain.run import RunStatus
from bot.domain.timeline import Audit

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer(
    name="firstfive",
    help="The first five minutes of an incident on a Go service, and the paper trail after it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_EXIT = {RunStatus.DONE: 0, RunStatus.REFUSED: 3}


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"firstfive: {message}\n")
    raise SystemExit(code)


def _tell(message: str) -> None:
    sys.stderr.write(f"firstfive: {message}\n")


def _settings() -> "Settings":
    from bot import settings as settings_  # noqa: PLC0415 - see above

    try:
        return settings_.read()
    except settings_.ConfigRefused as error:
        _stop(str(error), 2)


def _do(act: Callable[[], Any]) -> Any:
    """Run something; what FirstFive can explain becomes one line and an exit code."""
    try:
        return act()
    except CommandRejected as error:
        _stop(str(error), 2)
    except FirstFiveError as error:
        _stop(str(error), 1)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float, str], None]]:
    """Show on a terminal that something goes on, and for how long, and which share is done; in a pipe say nothing."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, told: progress.update(task, total=1.0, completed=done, description=f"{what}: {told}")


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="The local Slack's page; the bot takes the next one.")] = 4390,
    lab_port: Annotated[int, typer.Option(help="The first of the lab's ports.")] = 6060,
    folder: Annotated[Path, typer.Option(help="Its files; emptied at every start.")] = Path("data/demo"),
    fault: Annotated[
        str, typer.Option(help="What its canary does wrong from the start; empty: nothing.")
    ] = "error-ratio",
) -> None:
    """Show the whole product on this machine: a local Slack, a sick Go service, the bot."""
    _do(lambda: demo_.run(demo_.Places(port, lab_port, folder.absolute(), fault)))


@app.command()
def doctor(
    *,
    live: Annotated[bool, typer.Option("--live", help="Also have Slack check a sample of each message.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Check everything FirstFive needs, a line each: ok, warn or fail, and what mends it."""
    from bot import doctor as doctor_  # noqa: PLC0415 - see above
    from bot import settings as settings_  # noqa: PLC0415 - see above

    try:
        settings = settings_.read()
    except settings_.ConfigRefused as error:
        checks = doctor_.refused(str(error))
    else:
        with _progress("looking"):
            checks = asyncio.run(doctor_.Doctor(settings).checks(live=live))
    well = doctor_.is_well(checks)
    if as_json:
        rows = [asdict(check) for check in checks]
        sys.stdout.write(json.dumps({"ok": well, "checks": rows}, ensure_ascii=False) + "\n")
    else:
        _print_checks(checks)
    raise SystemExit(0 if well else 1)


_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


def _print_checks(checks: Sequence[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        # Colours are for terminals; what typer writes elsewhere has none.
        typer.echo(typer.style(check.state.value.ljust(4), fg=_COLOURS[check.state]) + check.as_text(width)[4:])


@app.command()
def serve(
    *, exit_with_stdin: Annotated[bool, typer.Option("--exit-with-stdin", help="End when standard input does.")] = False
) -> None:
    """Run the bot: Slack, pages, probes and the worker."""
    # Nearly all that loads stays, and a tenth of the start would go to looking through it; the server turns it on.
    gc.disable()
    from bot import server  # noqa: PLC0415 - see above

    settings = _settings()
    _do(lambda: server.serve(settings, exit_with_stdin=exit_with_stdin))


@app.command()
def agent(  # noqa: PLR0913 - its flags are all that it may tell of
    *,
    port: Annotated[list[int], typer.Option(help="A port of the process; its pprof port, its users' port, ...")],
    listen: Annotated[str, typer.Option(help="Where the bot reaches it, HOST:PORT.")] = "127.0.0.1:9464",
    log: Annotated[Path | None, typer.Option(help="The process's log; its last lines are told.")] = None,
    packets: Annotated[
        bool, typer.Option("--packets", help="Headers of packets at these ports may be captured.")
    ] = False,
    binary: Annotated[
        Path | None, typer.Option(help="The program that is started; told even where it cannot start.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Its certificate (PEM), for HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
) -> None:
    """Tell the bot what only this machine knows of a process: sockets, limits, build, log, packets."""
    from bot import agent as agent_  # noqa: PLC0415 - see above

    allowed = agent_.Allowed(tuple(port), log, packets, binary)
    token = os.environ.pop("FIRSTFIVE_AGENT_TOKEN", "")
    _do(lambda: agent_.run(allowed, agent_.Listen(listen, cert, key), token))


@app.command()
def gate(  # noqa: PLR0913 - what a build shows is in several files
    service: Annotated[str, typer.Argument(help="What is to be deployed.")],
    release: Annotated[str, typer.Argument(help="Which release, such as v1.12.3.")],
    *,
    digest: Annotated[str, typer.Option(help="Its artifact, sha256:...")],
    proofs: Annotated[list[Path] | None, typer.Option(help="A file of signatures, attestations, bundles.")] = None,
    sbom: Annotated[Path | None, typer.Option(help="Its bill of materials, as a file.")] = None,
    sbom_signature: Annotated[Path | None, typer.Option(help="That file's signature.")] = None,
    commit: Annotated[str, typer.Option(help="The commit it was made of.")] = "",
    by: Annotated[str, typer.Option(help="Who deploys it.")] = "",
    to: Annotated[str, typer.Option(help="A bot's address; without one, it is decided here.")] = "",
    key: Annotated[str, typer.Option("--id", help="With --to: the same question again has the same answer.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask whether a build may be deployed; 0 is yes, 3 no, 1 that nobody could decide."""
    from bot import gating  # noqa: PLC0415 - see above

    files = (tuple(proofs or ()), sbom, sbom_signature)
    question = gating.Question(service, release, digest, commit, by, *files, key)
    if to:
        answer = _do(lambda: gating.ask(to, question))
        sys.stdout.write((json.dumps(dict(answer.document)) if as_json else answer.text) + "\n")
        raise SystemExit(answer.code)
    _run_here("gate", _do(question.whole), as_json=as_json)


@app.command()
def lint_logs(
    path: Annotated[Path, typer.Argument(help="A folder of Go, or one file.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0, for code hosts.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Command line tools may not print either.")] = False,
) -> None:
    """Find what Go source prints, logs without fields, or should never log; 0 is clean, 1 found, 2 could not look."""
    from bot import linting  # noqa: PLC0415 - see above

    form = linting.Form.SARIF if as_sarif else linting.Form.JSON if as_json else linting.Form.TEXT
    try:
        with _progress("reading") as show:
            linted = asyncio.run(linting.lint(path, strict=strict, tell=lambda done: show(done, f"{done:.0%}")))
    except linting.LintRefused as refused:
        _stop(str(refused), 2)
    for each in linted.read.unseen:
        _tell(f"not read: {each}")
    linting.printed(linted.told(form))
    raise SystemExit(linted.code)


@app.command()
def stamp(  # noqa: PLR0913 - its flags are what a pipeline may know better
    folder: Annotated[Path, typer.Argument(help="The folder of the main package.")] = Path(),
    *,
    env: Annotated[str, typer.Option("--env", help="The environment that it is built for, such as prod.")],
    build_id: Annotated[str, typer.Option(help="The pipeline's id of the build; else made of the commit.")] = "",
    go: Annotated[str, typer.Option("--go", help="The toolchain, such as go1.27.3; else `go` is asked.")] = "",
    commit: Annotated[str, typer.Option(help="The commit; else git is asked, and for changes too.")] = "",
    package: Annotated[str, typer.Option(help="The package that has the variables.")] = "main",
    clean: Annotated[bool, typer.Option("--clean", help="Fail where the work tree has changes.")] = False,
) -> None:
    """Print the -ldflags that stamp build id, commit, Go version and environment into a Go program."""
    from bot import stamping  # noqa: PLC0415 - see above
    from bot.domain.stamp import ldflags  # noqa: PLC0415

    made = _do(lambda: asyncio.run(stamping.stamp(folder, env, build_id, go, commit)))
    if made.modified:
        _tell(f"{folder.absolute()} has changes that no commit holds: the stamp says {made.commit}.")
        if clean:
            raise SystemExit(1)
    sys.stdout.write(_do(lambda: ldflags(made, package)) + "\n")


@app.command()
def migrate(
    down_to: Annotated[str, typer.Option(help="Go back to this revision; `base` removes every table.")] = "",
) -> None:
    """Bring the database's schema up to this release."""
    from bot import schema  # noqa: PLC0415 - see above

    settings = _settings()
    sys.stdout.write(_do(lambda: schema.migrate(settings, down_to)) + "\n")


@app.command()
def playbooks() -> None:
    """List the playbooks and how they are used."""
    from bot import main as bot_  # noqa: PLC0415 - see above

    for line in bot_.manual():
        sys.stdout.write(line + "\n")


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="The timeline.json of a bundle, instead of the database.")] = None,
) -> None:
    """Check every timeline's hash chain, by itself and against the anchors; say where one breaks."""
    from bot import verification  # noqa: PLC0415 - see above

    if file is not None:
        audit = _do(lambda: verification.verify_file(file))
        _print_audits([audit])
        raise SystemExit(1 if audit.breaks else 0)
    settings = _settings()
    audits, anchored = _do(lambda: asyncio.run(verification.verify_chains(settings)))
    _print_audits(audits)
    last = anchored.last
    newest = f"the newest of {last.at:%Y-%m-%d %H:%M} UTC" if last else "none yet; `firstfive run anchor` writes one"
    sys.stdout.write(f"{'BROKEN' if anchored.flaws else 'ok':6} {len(anchored.anchors)} anchors, {newest}\n")
    for flaw in anchored.flaws:
        sys.stdout.write(f"       {flaw}\n")
    broken = sum(bool(audit.breaks) for audit in audits)
    if broken:
        _stop(f"{broken} of {len(audits)} timelines were changed after they were written.", 1)
    if anchored.flaws:
        _stop("The log of anchors was changed after it was written.", 1)


def _print_audits(audits: Sequence[Audit]) -> None:
    for audit in audits:
        blanked = f", {audit.blanked} blanked" if audit.blanked else ""
        verdict = "BROKEN" if audit.breaks else "ok"
        sys.stdout.write(f"{verdict:6} {audit.incident_id}  {audit.entries} entries{blanked}  head {audit.head[:16]}\n")
        for flaw in audit.breaks:
            sys.stdout.write(f"       {flaw}\n")


@app.command()
def run(
    playbook: Annotated[str, typer.Argument(help="Its name; `firstfive playbooks` lists them.")],
    words: Annotated[list[str] | None, typer.Argument(metavar="key=value ...", help="Its params.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Run a playbook here, with the same engine, timeline and policies as in Slack."""
    params: dict[str, Any] = {}
    for word in words or []:
        key, is_pair, value = word.partition("=")
        if not is_pair:
            _stop(f"{word!r}: write params as key=value, for instance service=checkout.", 2)
        params[key] = value
    _run_here(playbook, params, as_json=as_json)


def _run_here(playbook: str, params: Mapping[str, Any], *, as_json: bool) -> None:
    from bot import headless  # noqa: PLC0415 - see above

    settings = _settings()
    with _progress(playbook) as show:
        report = _do(lambda: asyncio.run(headless.run(settings, playbook, params, _tell, show)))
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(report.as_text() + "\n")
    raise SystemExit(_EXIT.get(report.run.status, 1))


def main() -> None:
    """Enter by the console script."""
    app()


if __name__ == "__main__":
    main()
