"""Say that it is over."""

from bot.engine import (
    Choice,
    Keyed,
    Kind,
    Milestone,
    Params,
    Playbook,
    Reply,
    Rest,
    Status,
    Tools,
    check_transition,
    to_us,
)


class Resolve(Params):
    """What ended it. `saw`: the status when a button was drawn."""

    text: Rest = ""
    saw: Keyed = ""


playbook = Playbook("resolve", "Say that it is over.", Resolve, needs_incident=True)


@playbook.step("Mark as resolved")
async def mark(tools: Tools, params: Resolve) -> Reply:
    """Record the new status and its moment; tell the SOP."""
    incident = await tools.incident()
    check_transition(incident, Status.RESOLVED)
    if params.saw == Status.MITIGATED and incident.status is Status.OPEN:
        return Reply(
            f"{incident.id} is open again since this button was drawn. Nothing was changed.",
            (Choice("Resolve it all the same", f"resolve incident={incident.id}"),),
        )
    tools.record(Kind.STATUS_SET, status=Status.RESOLVED.value, was=incident.status.value, text=params.text)
    tools.record(Kind.MILESTONE, milestone=Milestone.RESOLVED.value, at=to_us(tools.now()), source=tools.actor.name)
    tools.tell("sop", "mitigated", tools.actor.name)
    hint = (
        ""
        if Milestone.MITIGATED in incident.milestones
        else (" When were users safe? `/incident milestone mitigated at=HH:MM` records it.")
    )
    return Reply(
        f"{incident.id} is resolved.{hint}", (Choice("Write the postmortem", f"postmortem incident={incident.id}"),)
    )
