"""Look through something of a service before it hurts: where it is not as it should be, and what would be better."""

from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from bot.engine import (
    CommandRejected,
    Kind,
    Local,
    Missing,
    Params,
    Playbook,
    RunFailed,
    ServiceName,
    Stored,
    Tools,
    VerifiedSums,
    audits,
    deploys_of,
    running,
    sums_key,
)

_SHOWN = 8
_SUBJECT: TypeAdapter[audits.Subject] = TypeAdapter(audits.Subject)


class Audit(Params):
    """Of what, and of which service (the incident's, if left out).

    `repo`: a repository of this machine instead, on the command line only.
    """

    what: audits.Audited
    service: ServiceName = ""
    repo: Local = ""


@dataclass(frozen=True)
class Looked:
    """What was found, kept as it is."""

    found: Stored
    summary: str


@dataclass(frozen=True)
class Report:
    """Everything that should be otherwise, what matters most first."""

    what: audits.Audited
    remarks: tuple[audits.Remark, ...]
    unseen: tuple[str, ...]
    artifact: str
    summary: str


playbook = Playbook("audit", "Say what of a service should be otherwise, before it hurts.", Audit)


@playbook.step("Look")
async def look(tools: Tools, params: Audit) -> Looked:
    """Read what is to be judged, and keep it."""
    wanted = await _wanted(tools, params)
    subject = await tools.ports.audits.look(params.what, wanted)
    if isinstance(subject, Missing):
        raise RunFailed(f"There was nothing to audit: {subject.reason}.")
    if wanted.service and (proven := audits.verified_sums(subject.document)).sums:
        tools.keep(sums_key(wanted.service.name), VerifiedSums, proven)  # for a diagnosis, which asks nobody far away
    found = await tools.ports.artifacts.put(f"audit-{params.what}-found.json", _SUBJECT.dump_json(subject, indent=1))
    return Looked(found, subject.looked_at)


@playbook.step("Judge")
async def judge(tools: Tools, params: Audit, looked: Looked) -> Report:
    """Say what should be otherwise."""
    subject = _SUBJECT.validate_json(await tools.ports.artifacts.get(looked.found.sha256) or b"")
    remarks = audits.judge(params.what, subject.document)
    report = TypeAdapter(tuple[audits.Remark, ...]).dump_json(remarks, indent=1)
    stored = await tools.ports.artifacts.put(f"audit-{params.what}.json", report)
    tools.record(Kind.ARTIFACT, **asdict(stored), what=f"audit of {params.what}: {_count(len(remarks))}")
    return Report(params.what, remarks, subject.unseen, stored.sha256, _told(subject, remarks))


async def _wanted(tools: Tools, params: Audit) -> audits.Wanted:
    if params.repo:
        if tools.run_row.source.via != "cli":
            raise CommandRejected("repo= is for the command line; here name a service: its repository is configured.")
        return audits.Wanted(None, repository=params.repo)
    name = params.service or ((await tools.incident()).service if tools.incident_id else "")
    service = tools.service(name)
    deployed = running(await deploys_of(tools, service), tools.now()).last
    targets = tuple((await tools.targets(service)).targets)
    hops = {each: tuple((await tools.targets(tools.service(each))).targets) for each in service.hops}
    return audits.Wanted(service, targets, service.repository or "", deployed.commit if deployed else "", hops)


def _told(subject: audits.Subject, remarks: tuple[audits.Remark, ...]) -> str:
    """Say in a few lines what matters most; the report holds all of it."""
    lines = [f"{subject.looked_at}: {_count(len(remarks))}."]
    lines += [f"• *{each.grade}* `{each.where}`: {each.what}. Better: {each.better}." for each in remarks[:_SHOWN]]
    if len(remarks) > _SHOWN:
        lines.append(f"{len(remarks) - _SHOWN} more are in the report.")
    lines += [f"Not seen: {each}." for each in subject.unseen]
    return "\n".join(lines)


def _count(number: int) -> str:
    return "1 remark" if number == 1 else f"{number or 'no'} remarks"
