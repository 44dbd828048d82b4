"""Say who is hit, and how; the card shows it until somebody says otherwise."""

from bot.engine import Field, Kind, Params, Playbook, Reply, Rest, Tools, impact_of


class Impact(Params):
    """Who is hit, and how; `none` when nobody is any more."""

    text: Rest = Field(title="Who is hit, and how?", description="1 in 5 checkouts fails, in Europe only")


playbook = Playbook("impact", "Say who is hit, and how.", Impact, needs_incident=True, form="Say who is hit")


@playbook.step("Record the impact")
async def record(tools: Tools, params: Impact) -> Reply:
    """Record it, if it is news."""
    incident = await tools.incident()
    text = impact_of(params.text)
    if text == incident.impact:
        return Reply(f"{incident.id} says so already. Nothing was changed.")
    tools.record(Kind.IMPACT_SET, text=text)
    return Reply(f"{incident.id} shows whom it hits." if text else f"{incident.id} shows that it hits nobody now.")
