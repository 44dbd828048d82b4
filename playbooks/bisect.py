"""Name the commit that broke a test, or mended it: run it at commits of the service's repository, many at once."""

from dataclasses import asdict

from bot.engine import (
    CommandRejected,
    File,
    Kind,
    Local,
    Params,
    Playbook,
    Said,
    ServiceName,
    Tools,
    bisection,
)


class Bisect(Params):
    """Of which service (the incident's, if left out): `test` in the folder `package`, or `command`; or its own.

    It is good at an older commit (looked for, if left out) and bad at a newer one (the head); with find=fix the other
    way round. `overlay`: a test file that is put into the package at each commit. `timeout`: seconds that one run may
    take. `fresh`: do not answer from the record. `repo`: a repository of this machine, on the command line only.
    """

    service: ServiceName = ""
    test: Said = ""
    package: Said = "."
    good: Said = ""
    bad: Said = ""
    find: bisection.Find = bisection.Find.BREAK
    command: Said = ""
    overlay: File = ""
    first_parent: bool = False
    timeout: int = 60
    fresh: bool = False
    repo: Local = ""


playbook = Playbook("bisect", "Name the commit that broke a test.", Bisect)


@playbook.step("Name the ends")
async def ask(tools: Tools, params: Bisect) -> bisection.Asked:
    """Find the repository, the commits that were named and what is to be run, and refuse what cannot be searched."""
    service = params.service or ((await tools.incident()).service if tools.incident_id else "")
    place = _repository(tools, params, service)
    _check_way_in(tools, params)
    test, package, command = _regression(tools, params, service)
    words = bisection.words(command) if command else ()
    subject = bisection.Subject(test, package, words, timeout_s=float(params.timeout))
    return await bisection.ask(
        tools,
        bisection.Asked(
            place,
            old="",
            new="",
            good=params.good,
            bad=params.bad,
            find=params.find,
            test=subject.test,
            package=subject.package,
            command=subject.command,
            overlay=params.overlay,
            timeout_s=subject.timeout_s,
            first_parent=params.first_parent,
            service=service,
        ),
    )


@playbook.step("Run the test")
async def search(tools: Tools, params: Bisect, asked: bisection.Asked) -> bisection.Found:
    """Run it where it tells most, until one commit is left; or give what was found when the same was asked before."""
    known = None if params.fresh else await tools.recall(bisection.record_of(asked), bisection.Found)
    return known or await bisection.search(tools, asked)


@playbook.step("Say what it was")
async def say(tools: Tools, params: Bisect, found: bisection.Found) -> bisection.Bisected:  # noqa: ARG001 - every step takes its params
    """Tell the commit, who made it and what for."""
    told = await bisection.told(tools, found)
    if found.log:
        tools.record(Kind.ARTIFACT, **asdict(found.log), what=f"{found.asked.subject}: for git bisect replay")
    tools.record(Kind.BISECTED, service=found.asked.service, artifact=told.log, **bisection.of(told).facts())
    broke = told.culprit if told.asked.find is bisection.Find.BREAK else None
    if tools.catalog.bisect.invite and broke and told.confidence >= bisection.SURE:
        await _invite(tools, broke)
    return told


def _regression(tools: Tools, params: Bisect, service: str) -> tuple[str, str, str]:
    """Give the test, its package and the command: those that were named, or else the service's own."""
    usual = None if params.repo else tools.service(service).regression
    if usual is None or params.test or params.command:
        return params.test, params.package, params.command
    return usual.test, usual.package, usual.command


async def _invite(tools: Tools, culprit: str) -> None:
    """Bring the author in, unless who may know of the incident is for people to say."""
    if tools.incident_id and not (await tools.incident()).private:
        tools.begin("author", {"commit": culprit})


def _check_way_in(tools: Tools, params: Bisect) -> None:
    """Refuse from the chat what reads or runs anything of this machine."""
    if tools.run_row.source.via == "cli":
        return
    if params.repo:
        raise CommandRejected("repo= is for the command line; here name a service: its repository is configured.")
    if params.overlay.startswith("/"):
        raise CommandRejected("overlay= names a test file of the repository here, such as payment/payment_test.go.")
    if params.command and tools.catalog.bisect.trusted:
        raise CommandRejected("command= is for the command line, as bisect.sandbox is none: it would run as the bot.")


def _repository(tools: Tools, params: Bisect, service: str) -> str:
    """Give the path or address of the repository: any of this machine for who works on it, else the configured one."""
    if params.repo:
        return params.repo
    repository = tools.service(service).repository
    if not repository:
        raise CommandRejected(
            f"{service} has no repository: set `repository` in its [[services]] of firstfive.toml, or name one with "
            f"repo= on the command line."
        )
    return repository
