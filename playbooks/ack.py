"""Acknowledge an incident; whoever does so leads until somebody else takes over."""

from bot.engine import Kind, Milestone, Params, Playbook, Reply, Role, Tools, TransitionRefused, to_us


class Ack(Params):
    """Nothing to say but that you are here."""


playbook = Playbook("ack", "Say that you are on it; you take command if nobody has it.", Ack, needs_incident=True)


@playbook.step("Acknowledge")
async def acknowledge(tools: Tools, params: Ack) -> Reply:  # noqa: ARG001 - every step takes its params
    """Record the first acknowledgement; later ones change nothing."""
    incident = await tools.incident()
    at = incident.milestones.get(Milestone.ACKNOWLEDGED)
    if at is None and incident.is_over:
        raise TransitionRefused(f"{incident.id} is {incident.status.value}; there is nothing left to acknowledge.")
    if at is None:
        tools.record(
            Kind.MILESTONE, milestone=Milestone.ACKNOWLEDGED.value, at=to_us(tools.now()), source=tools.actor.name
        )
        said = f"You acknowledged {incident.id}."
    else:
        said = f"{incident.id} was acknowledged at {at:%H:%M:%S} UTC."
    if incident.commander is None:
        tools.record(Kind.ROLE_SET, role=Role.COMMANDER.value, person=tools.actor.id, name=tools.actor.name)
        return Reply(f"{said} You command it until somebody else does: `/incident role commander @somebody`.")
    return Reply(f"{said} {incident.commander.name} commands.")
