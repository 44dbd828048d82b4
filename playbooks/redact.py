"""Take the words of an entry off the timeline, for ever, when a second person agrees."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.engine import (
    BLANK,
    CommandRejected,
    Danger,
    Entry,
    Field,
    Kind,
    Params,
    Person,
    Playbook,
    Reply,
    Rest,
    Tools,
    fold,
)


class Redact(Params):
    """The number of the entry, as the incident's page shows it, and why its words must go: that stays."""

    entry: int = Field(title="Number of the entry", description="As the incident's page shows it")
    reason: Rest = Field(
        title="Why must its words go?",
        description="They go for ever, if a second person agrees. What you write here stays: name nobody",
    )


@dataclass(frozen=True)
class Marked:
    """The entry, without its words; `summary` is what the second person is shown."""

    seq: int
    sha256: str
    summary: str


playbook = Playbook(
    "redact",
    "Blank an entry of the timeline for ever.",
    Redact,
    needs_incident=True,
    approvals=1,
    form="Blank an entry",
)

# These carry state and no words of somebody's (but why an entry was blanked, and which commit brought its author in);
# without them nobody could tell any more what the incident was.
_STAY = {
    Kind.CHANNEL_OPENED,
    Kind.ROLE_SET,
    Kind.MILESTONE,
    Kind.SEVERITY_SET,
    Kind.SERVICE_SET,
    Kind.STEP_STARTED,
    Kind.BLANKED,
    Kind.MADE_PRIVATE,
    Kind.MERGED,
    Kind.JOINED,
    Kind.LEFT,
}
# Of these the words go, and who decided or did what stays.
_TYPED: Mapping[str, tuple[str, ...]] = {
    Kind.APPROVAL_DECIDED: ("reason",),
    Kind.BROKE_GLASS: ("reason", "frozen"),
    Kind.TRAFFIC_SET: ("reason",),
}


@playbook.step("Find the entry")
async def find(tools: Tools, params: Redact) -> Marked:
    """Look at what is to be blanked; what it says is not repeated."""
    found = _entry(await tools.entries(), params.entry)
    if found is None:
        raise CommandRejected(f"{tools.incident_id} has no entry {params.entry}.")
    if found.body is None:
        raise CommandRejected(f"Entry {found.seq} of {tools.incident_id} is blank already.")
    if _stays(found):
        raise CommandRejected(f"Entry {found.seq} ({found.kind}) says only what the incident is; it stays.")
    what = f"Entry {found.seq}: {found.kind}, {found.at:%Y-%m-%d %H:%M:%S} UTC, {found.actor_name}"
    return Marked(found.seq, found.body_sha256, f"{what}, {len(found.body)} characters.")


@playbook.step("Blank it", danger=Danger.MUTATING)
async def blank(tools: Tools, params: Redact, marked: Marked) -> Reply:
    """Take the words out of the entry and out of the run that wrote it; repeat the state that it carried."""
    entries = await tools.entries()
    found = _entry(entries, marked.seq)
    if found is None or found.body_sha256 != marked.sha256:
        raise CommandRejected(f"Entry {marked.seq} is not the one that was looked at; nothing was blanked.")
    by = tools.approved_by.name if tools.approved_by else ""
    tools.also(tools.blanking(tools.incident_id, [marked.seq], reason=params.reason, approved_by=by))
    _keep_decision(tools, found)
    _keep_state(tools, entries, marked.seq)
    return Reply(
        f"Entry {marked.seq} of {tools.incident_id} is blank; the chain still verifies. What Slack shows of it, and "
        f"files that were kept, must be removed there."
    )


def _entry(entries: list[Entry], seq: int) -> Entry | None:
    return next((entry for entry in entries if entry.seq == seq), None)


def _stays(entry: Entry) -> bool:
    """Tell whether an entry has nothing to take out of it: only what the incident is."""
    if entry.kind in _TYPED:
        return not _typed(entry)
    return entry.kind in _STAY or (entry.kind == Kind.RUN_STARTED and not entry.tells_params)


def _typed(entry: Entry) -> list[str]:
    """Name the facts of a decision, or of what was done, that are somebody's words."""
    return [key for key in _TYPED.get(entry.kind, ()) if entry.facts.get(key) not in {None, "", BLANK}]


def _keep_decision(tools: Tools, entry: Entry) -> None:
    """Record again who decided or did what, and when, without why; `again` tells that everybody knows it already."""
    if typed := _typed(entry):
        said = {**entry.facts, **dict.fromkeys(typed, BLANK), "again": entry.seq}
        tools.record_as(Person(entry.actor, entry.actor_name), entry.at, Kind(entry.kind), **said)


def _keep_state(tools: Tools, entries: list[Entry], seq: int) -> None:
    """Record again what only this entry said about the incident's state."""
    before = fold(entries)
    after = fold(replace(entry, body=None) if entry.seq == seq else entry for entry in entries)
    if after.severity != before.severity:
        tools.record(Kind.SEVERITY_SET, severity=before.severity.value, was=before.severity.value)
    if after.service != before.service:
        tools.record(Kind.SERVICE_SET, service=before.service)
    if after.status != before.status:
        tools.record(Kind.STATUS_SET, status=before.status.value, was=before.status.value, text="")
    if after.private != before.private:
        tools.record(Kind.MADE_PRIVATE)
    if before.cancelled and not after.cancelled:
        tools.record(Kind.CANCELLED, reason=BLANK)
    for item in before.actions:
        if item not in after.actions:
            text = next((each.text for each in after.actions if each.number == item.number), BLANK)
            tools.record(Kind.ACTION, **replace(item, text=text).facts)
