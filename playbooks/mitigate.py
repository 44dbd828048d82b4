"""Say that users are safe again; the five minutes end."""

from bot.engine import (
    Kind,
    Milestone,
    Moment,
    Params,
    Playbook,
    Reply,
    Rest,
    Status,
    Tools,
    check_milestone,
    check_transition,
    moment,
    to_us,
)


class Mitigate(Params):
    """What was done, and when users were safe (UTC; now if left out)."""

    at: Moment = ""
    text: Rest = ""


playbook = Playbook("mitigate", "Say that users are safe again.", Mitigate, needs_incident=True)


@playbook.step("Mark as mitigated")
async def mark(tools: Tools, params: Mitigate) -> Reply:
    """Record the new status and its moment; tell the SOP."""
    incident = await tools.incident()
    check_transition(incident, Status.MITIGATED)
    now = tools.now()
    at = moment(params.at, now) if params.at else now
    check_milestone(incident.milestones, Milestone.MITIGATED, at, now)
    tools.record(Kind.STATUS_SET, status=Status.MITIGATED.value, was=incident.status.value, text=params.text)
    tools.record(Kind.MILESTONE, milestone=Milestone.MITIGATED.value, at=to_us(at), source=tools.actor.name)
    tools.tell("sop", "mitigated", tools.actor.name)
    return Reply(f"{incident.id} is mitigated. When the cause is gone too: `/incident resolve`.")
