"""`firstfive demo`: the whole product on this machine alone. A local Slack, a lab service with a sick canary, the bot.

Every part is a process of its own that ends when its standard input does, so that nothing outlives this one, however
it ends.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bot.adapters.slack.manifest import COMMANDS, EVENTS, SCOPES, SHORTCUTS
from bot.domain.errors import FirstFiveError

# The first start of a fresh clone compiles all it loads; a part that dies is told at once.
_READY_S = 90.0
_LOOK_S = 0.05
_END_S = 5.0
_BUILD_S = 900.0
_TOLD_S, _AGAIN_S = 10.0, 0.2


class DemoFailed(FirstFiveError):
    """A part of the demo could not start; says which, why and what to do."""


@dataclass(frozen=True)
class Places:
    """Where the parts of the demo listen, all on loopback, where its files are, and what its canary does wrong."""

    port: int
    lab_port: int
    folder: Path
    fault: str = "error-ratio"

    @property
    def slack(self) -> str:
        """The address of the local Slack's page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def bot(self) -> str:
        """The address of the bot."""
        return f"http://127.0.0.1:{self.port + 1}"


def run(places: Places) -> None:
    """Start every part, print where to look, and stay until interrupted.

    :raises DemoFailed: a port is taken or a part does not start.
    """
    began = time.monotonic()
    for port in (places.port, places.port + 1):
        _check_free(port)
    shutil.rmtree(places.folder, ignore_errors=True)
    places.folder.mkdir(parents=True)
    with ExitStack() as parts:
        lab = _lab(parts, places)
        _say("starting a local Slack and the bot")
        environment = _environment(places)
        _write_config(places, lab)
        watched = [_slack(parts, places, lab, environment), _bot(parts, places, environment)]
        _await(f"{places.slack}/", "the local Slack", watched[0])
        _await(f"{places.bot}/health/ready", "the bot", watched[1])
        _tell_deploys(places, lab, environment["FIRSTFIVE_DEPLOYS_TOKEN"])
        _say(_welcome(places, time.monotonic() - began, has_canary="router" in lab and bool(places.fault)))
        _stay(watched)


@dataclass
class _Part:
    """A running process of the demo, and where it writes what goes wrong."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def last_words(self) -> str:
        """Say why it ended: the last line it wrote for people, or the signal that ended it; the rest is in its log."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        told = [line.removeprefix("lab: ").strip() for line in lines if not line.startswith("{")]
        code = self.process.poll()
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}; its log is {self.log}"
        return told[-1] if told else f"exit code {code}; its log is {self.log}"


def _lab(parts: ExitStack, places: Places) -> dict[str, Any]:
    """Build the lab if need be (its progress goes to the terminal), start it and give its one line of answer."""
    _say("preparing the lab: a Go service with three targets, one of them sick")
    if _made("prepare"):
        raise DemoFailed("The lab could not be built; the line above says what to do.")
    serve = [*_module("bot.lab"), "serve", "--port-base", str(places.lab_port), *_router(places.fault)]
    part = parts.enter_context(_started("the lab", serve, places.folder / "lab.log", {}, answers=True))
    line = part.process.stdout.readline() if part.process.stdout else ""
    if not line:
        part.process.wait(_END_S)
        raise DemoFailed(f"The lab did not start: {part.last_words()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _made(part: str, stdout: int | None = None) -> int:
    """Have the lab fetch or build a part of it; give the exit code.

    :raises DemoFailed: it takes too long.
    """
    try:
        return subprocess.run([*_module("bot.lab"), part], check=False, timeout=_BUILD_S, stdout=stdout).returncode
    except subprocess.TimeoutExpired:
        raise DemoFailed(
            f"The lab was not ready within {_BUILD_S / 60:.0f} minutes: this machine is busy, or its network slow. "
            "What was fetched and built is kept: run make demo again."
        ) from None


def _router(fault: str) -> list[str]:
    """Tell the lab to put its router in front, with a canary that fails; without Envoy (it says why) there is none."""
    if _made("envoy", stdout=subprocess.DEVNULL):
        _say("going on without a router: no canary, and nothing to roll back")
        return []
    return ["--router", *(["--fault", fault] if fault else [])]


def _slack(parts: ExitStack, places: Places, lab: Mapping[str, Any], environment: Mapping[str, str]) -> _Part:
    labs = [word for target in lab["targets"] for word in ("--lab", f"{target['name']}={target['admin']}")]
    labs += ["--lab", f"lab={lab['lab']}"]
    command = [*_module("bot.emulator"), "--port", str(places.port), "--app-url", f"{places.bot}/slack/events", *labs]
    command += [*app_options(), "--redirect-url", places.bot, "--exit-with-stdin"]
    return parts.enter_context(_started("the local Slack", command, places.folder / "slack.log", environment))


def app_options() -> list[str]:
    """Write what the app is for the local Slack, which knows nothing of ours: what the manifest says and no more."""
    commands = [word for one in COMMANDS for word in ("--command", f"{one.name}={one.hint}")]
    shortcuts = [word for one in SHORTCUTS for word in ("--shortcut", f"{one.callback_id}={one.name}")]
    return [*commands, *shortcuts, "--scopes", ",".join(SCOPES), "--events", ",".join(EVENTS)]


def _bot(parts: ExitStack, places: Places, environment: Mapping[str, str]) -> _Part:
    command = [*_module("bot.cli"), "serve", "--exit-with-stdin"]
    return parts.enter_context(_started("the bot", command, places.folder / "bot.log", environment))


def _environment(places: Places) -> dict[str, str]:
    return {
        "FIRSTFIVE_CONFIG": str(places.folder / "firstfive.toml"),
        "DATABASE_URL": f"sqlite:///{places.folder / 'firstfive.db'}",
        "ARTIFACTS_URL": str(places.folder / "artifacts"),
        "PORT": str(places.port + 1),
        "SLACK_API_URL": f"{places.slack}/api/",
        "SLACK_BOT_TOKEN": f"xoxb-emulator-{secrets.token_hex(8)}",
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        "SLACK_APP_TOKEN": "",
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": f"emulator-{secrets.token_hex(16)}",
        "FIRSTFIVE_DEPLOYS_TOKEN": secrets.token_hex(16),
    }


def _write_config(places: Places, lab: Mapping[str, Any]) -> None:
    """Write the bot's configuration: what a platform team would write for this service."""
    lines = [
        f'url = "{places.bot}"',
        'on_call = ["@ben", "@chen"]',
        'announcements = "#announcements"',
        "",
        "[[services]]",
        'name = "checkout"',
        f'repository = "{lab["repository"]}"',
        "lab = true",
        f'lab_switches = "{lab["lab"]}"',
        f'pods = {{ api = "{lab["lab"]}", namespace = "lab", selector = "app=checkout" }}',
        f'links = [{{ title = "Runbook", url = "{places.bot}/" }}]',
    ]
    for target in lab["targets"]:
        lines += ["[[services.targets]]", f'name = "{target["name"]}"']
        lines += [f'{key} = "{target[key]}"' for key in ("pprof", "url", "binary", "https", "ca", "server_name")]
        lines += ["h2 = true"]
    lines += _canary(lab["router"]) if "router" in lab else []
    lines += ["[services.people]", 'approve = ["U0ADA0001", "U0BEN0002", "U0CHEN003"]', 'break_glass = ["U0CHEN003"]']
    lines += ["[bisect]", f'go = "{lab["go"]}"', "[sign_in]", 'by = "slack"']
    (places.folder / "firstfive.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _canary(router: Mapping[str, str]) -> list[str]:
    """Write how the service's requests are shared, and where the numbers of both tracks are: the router counts them."""
    return [
        "[services.front]",
        f'url = "{router["url"]}"',
        "[services.router]",
        'kind = "envoy"',
        *(f'{key} = "{router[key]}"' for key in ("admin", "weight_key", "dyed_key")),
        "[services.canary]",
        f'exposition = "{router["admin"]}/stats/prometheus?filter=upstream_rq_"',
        'requests = "envoy_cluster_upstream_rq"',
        'latency = "envoy_cluster_upstream_rq_time_bucket"',
        'latency_unit = "ms"',
        'track_label = "envoy_cluster_name"',
        *(f'{track} = "{router[track]}"' for track in ("canary", "baseline")),
    ]


def _tell_deploys(places: Places, lab: Mapping[str, Any], token: str) -> None:
    """Tell the bot of the releases as a pipeline would: of what ran for days, and what the canary has just become.

    Without a router nobody says that there is a canary: that two of three targets run another release would be a drift.
    """
    if "router" not in lab:
        return
    days_ago = datetime.now(UTC) - timedelta(days=3)
    _tell_deploy(places, lab["targets"][0], token, by="Noor Haddad", at=days_ago.isoformat())
    _tell_deploy(places, lab["targets"][-1], token, by="Jun Ito")


def _tell_deploy(places: Places, target: Mapping[str, Any], token: str, **more: str) -> None:
    with urllib.request.urlopen(f"{target['url']}/version") as answer:  # noqa: S310 - as above
        build = json.load(answer)
    told = {"service": "checkout", "release": build["version"], "commit": build["revision"], **more}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{places.bot}/api/deploys", json.dumps(told).encode(), headers)  # noqa: S310 - as above
    _send(request, time.monotonic() + _TOLD_S)


def _send(request: urllib.request.Request, deadline: float) -> None:
    """Send something to the bot; again for a while when it says that it cannot take it just now, as when it starts."""
    while True:
        try:
            with urllib.request.urlopen(request):  # noqa: S310 - as above
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() >= deadline:
                raise
        time.sleep(_AGAIN_S)


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


@contextmanager
def _started(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], *, answers: bool = False
) -> Iterator[_Part]:
    """Run a part in a session of its own (Ctrl-C is ours to pass on) and end it afterwards, gently first."""
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if answers else file,
            stderr=file,
            env={**os.environ, **environment},
            start_new_session=True,
            text=True,
        )
        try:
            yield _Part(name, process, log)
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _check_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoFailed(
                f"Port {port} is taken. Stop what uses it, or choose others: make demo PORT={port + 100}"
            ) from None


def _await(url: str, name: str, part: _Part) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if part.process.poll() is not None:
            raise DemoFailed(f"{name[:1].upper()}{name[1:]} did not start: {part.last_words()}")
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - an address of ours on loopback
                return
        except OSError:
            time.sleep(_LOOK_S)
    raise DemoFailed(f"{name[:1].upper()}{name[1:]} is not ready after {_READY_S:.0f} s; see {part.log}")


def _stay(watched: Sequence[_Part]) -> None:
    """Stay until interrupted; say so if a part ends before."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            for part in watched:
                if part.process.poll() is not None:
                    name = f"{part.name[:1].upper()}{part.name[1:]}"
                    raise DemoFailed(f"{name} ended, so all of it was stopped: {part.last_words()}")
            time.sleep(0.5)
    except KeyboardInterrupt:
        _say("stopping")


def _welcome(places: Places, took_s: float, *, has_canary: bool) -> str:
    typed = "/incident start sev2 checkout 5xx after deploy"
    do = [f"  and type    {typed}"]
    told = "checkout-3 is sick: watch the card find out."
    if has_canary:
        do = ["  and wait    seconds: checkout's canary fails, an incident opens by itself", f"  or type     {typed}"]
        told = "checkout-3, the canary, is sick. Press Roll back on the card, be Ben, approve: its traffic goes."
    lines = [
        f"  Open        {places.slack}",
        *do,
        f"  Incidents   {places.bot}/sign-in/begin",
        "              and choose who to be: you sign in with the local Slack, where nobody has a password",
        "",
        f"  {told} Ctrl-C ends everything.",
    ]
    return "\n".join([f"ready after {took_s:.1f} s", "", *lines])


def _say(text: str) -> None:
    sys.stderr.write(f"firstfive: {text}\n")
    sys.stderr.flush()
