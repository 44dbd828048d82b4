"""Show where an incident stands."""

from bot.engine import Incident, Params, Playbook, Reply, Tools


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
        f"{incident.severity.value}, {incident.status.value}.{_why(incident)}",
        f"Commander: {commander}. Service: {incident.service or 'not named yet'}.",
        *([f"Impact: {incident.impact}"] if incident.impact else []),
        *(f"{phase.title}: {phase.state.value}. {phase.summary}".strip() for phase in incident.phases),
        ", ".join(f"{m.name} {m.text}" for m in incident.measures),
    ]
    return Reply("\n".join(filter(None, lines)), incident_id=incident.id)


def _why(incident: Incident) -> str:
    """Say what else there is to know of its status."""
    called_off = f" Called off: {incident.cancelled}" if incident.cancelled else ""
    merged = f" It is part of {incident.merged_into} now." if incident.merged_into else ""
    private = " Private: only who takes part sees it." if incident.private else ""
    return f"{called_off}{merged}{private}"
