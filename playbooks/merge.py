"""Make two incidents one, when they turn out to be the same."""

from bot.engine import (
    Choice,
    IncidentName,
    Params,
    Playbook,
    Reply,
    Status,
    Tools,
    check_merge,
    check_transition,
    merge_into,
)

_OFFERED = 5


class Merge(Params):
    """Which incident it becomes part of."""

    into: IncidentName = ""


playbook = Playbook("merge", "Make it part of another incident, and close it.", Merge, needs_incident=True)


@playbook.step("Merge it")
async def merge(tools: Tools, params: Merge) -> Reply:
    """Close the one, and let the other take over its people and alerts; both timelines tell of it, together."""
    if not params.into:
        return await _ask(tools)
    incident, into = await tools.incident(), await tools.incident_named(params.into)
    if incident.merged_into == into.id:
        return Reply(f"{incident.id} is part of {into.id} already. Nothing was changed.")
    check_merge(incident, into)
    merge_into(tools, incident.id, into.id)
    tools.tell("sop", "mitigated", tools.actor.name)
    where = f" Go on in <#{into.channel}>." if into.channel else ""
    graver = incident.severity < into.severity
    label, words = f"Make {into.id} {incident.severity.value}", f"severity {incident.severity.value} incident={into.id}"
    return Reply(
        f"{incident.id} is part of {into.id} now, with its people and alerts.{where}",
        (Choice(label, words),) if graver else (),
    )


async def _ask(tools: Tools) -> Reply:
    """Ask which one, the latest as buttons."""
    incident = await tools.incident()
    check_transition(incident, Status.CLOSED)
    others = [
        row
        for row in await tools.incidents(limit=_OFFERED + 1)
        if row.id != incident.id and row.private == incident.private
    ]
    if not others:
        return Reply(f"No other incident is open that {incident.id} could become part of.")
    choices = [
        Choice(f"{row.id} {row.title}"[:70], f"merge into={row.id} incident={incident.id}") for row in others[:_OFFERED]
    ]
    return Reply(f"Which incident does {incident.id} become part of?", tuple(choices))
