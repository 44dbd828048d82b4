"""Tell everybody where things stand, and by when they hear more."""

from datetime import datetime

from bot.engine import Field, Incident, Kind, Params, Playbook, Reply, Rest, Said, Tools, Within, impact_of, span, to_us


class Update(Params):
    """Where things stand; who is hit, if that has changed; within what time the next update comes (0m: no promise)."""

    text: Rest = Field(title="Update", description="Where do things stand?")
    impact: Said = Field("", title="Who is hit, and how?", description="Left empty, it stays as it is")
    next: Within = Field("", title="Next update within", description="30m, 2h; 0m promises none")


playbook = Playbook(
    "update",
    "Tell everybody where things stand, and by when they hear more.",
    Update,
    needs_incident=True,
    form="Send an update",
)


@playbook.step("Record the update")
async def tell(tools: Tools, params: Update) -> Reply:
    """Record it; the channel and the announcement show what is recorded."""
    incident = await tools.incident()
    next_at, impact = _next(tools, incident, params.next), impact_of(params.impact)
    tools.record(Kind.UPDATE, text=params.text, **({"next_at": to_us(next_at)} if next_at else {}))
    if params.impact and impact != incident.impact:
        tools.record(Kind.IMPACT_SET, text=impact)
    promise = f" The next one is promised for {next_at:%H:%M} UTC." if next_at else ""
    return Reply(f"The update is on {incident.id} and goes to its channel.{promise}")


def _next(tools: Tools, incident: Incident, words: str) -> datetime | None:
    """Give when the next update is to come: as said, else as the severity asks for; None when nobody waits for one."""
    usual = getattr(tools.catalog.updates, f"{incident.severity.value.lower()}_min")
    within = span(words or f"{usual}m")
    return tools.now() + within if within and not incident.is_over else None
