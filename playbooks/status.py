"""Show where an incident stands."""

from bot.engine import Params, Playbook, Reply, Tools, measure


class Show(Params):
    """Nothing to say."""


playbook = Playbook("status", "Show where the incident stands.", Show, needs_incident=True)


@playbook.step("Show it")
async def show(tools: Tools, params: Show) -> Reply:  # noqa: ARG001 - every step takes its params
    """Sum the incident up; the card comes with it where there is room."""
    incident = await tools.incident()
    commander = incident.commander.name if incident.commander else "nobody yet"
    lines = [
        f"*{incident.id} {incident.title}*",
        f"{incident.severity.value}, {incident.status.value}.",
        f"Commander: {commander}. Service: {incident.service or 'not named yet'}.",
        *(f"{phase.title}: {phase.state.value}. {phase.summary}".strip() for phase in incident.phases),
        ", ".join(f"{m.name} {m.text}" for m in measure(incident.milestones)),
    ]
    return Reply("\n".join(lines), incident_id=incident.id)
