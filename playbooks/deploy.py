"""Record what was deployed: when, by whom, of which commit."""

import re
from dataclasses import replace

from pydantic import field_validator

from bot.engine import (
    VIA_DEPLOYS,
    CommandRejected,
    Deploy,
    Field,
    Keyed,
    Moment,
    Params,
    Playbook,
    Reply,
    ServiceName,
    Tools,
    deploys_of,
    gates,
    moment,
    record_deploy,
    running,
)

_GO = re.compile(r"go1\.[0-9]+[\w.+-]{0,30}([ -]X:[\w,]{1,60})?")
_BUILD = re.compile(r"[\w./+=-]{7,200}")


class RecordDeploy(Params):
    """Which release of a service went out; when (now if left out), of which commit, by whom (you).

    `go` and `build` (its link id) say how it was built, so that what runs can be held against it.
    """

    service: ServiceName
    release: gates.ReleaseName
    commit: gates.CommitName = ""
    at: Moment = Field("", title="When was it?", description="HH:MM, UTC; now if left out")
    by: Keyed = Field("", max_length=100)
    go: Keyed = ""
    build: Keyed = ""

    @field_validator("go")
    @classmethod
    def _is_a_toolchain(cls, go: str) -> str:
        if go and not _GO.fullmatch(go):
            raise ValueError("a toolchain is written as `go version` does, such as go1.27.3")
        return go

    @field_validator("build")
    @classmethod
    def _is_a_link_id(cls, build: str) -> str:
        if build and not _BUILD.fullmatch(build):
            raise ValueError("a link id is one word of 7 to 200 characters, as `file` or pprof shows it")
        return build


playbook = Playbook("deploy", "Record what was deployed, and when.", RecordDeploy)


@playbook.step("Record the deploy")
async def record(tools: Tools, params: RecordDeploy) -> Reply:
    """Record it for the service and its open incidents; the same one again changes nothing."""
    service, now = tools.service(params.service), tools.now()
    at = moment(params.at, now) if params.at else now
    if at > now:
        raise CommandRejected(f"{at:%Y-%m-%d %H:%M:%S} UTC is still to come. Tell of a deploy when it has happened.")
    typed = tools.run_row.source.via != VIA_DEPLOYS
    by = params.by or (tools.actor.name if typed else "")
    deploy = Deploy(service.name, params.release, at, by, params.commit, "typed" if typed else "webhook")
    deploy = replace(deploy, go=params.go, build=params.build)
    others = [each for each in await deploys_of(tools, service) if each.release != deploy.release]
    before = running(others, at).last
    record_deploy(tools, deploy)
    was = f" Before it ran {before.words}." if before else ""
    return Reply(f"*{service.name}*: {deploy.words} was deployed at {at:%H:%M:%S} UTC.{was}")
