"""Tell everybody in the channel where things stand."""

from bot.engine import Field, Kind, Params, Playbook, Reply, Rest, Tools


class Update(Params):
    """Where things stand."""

    text: Rest = Field(title="Update", description="Where do things stand?")


playbook = Playbook(
    "update", "Tell the channel where things stand.", Update, needs_incident=True, form="Send an update"
)


@playbook.step("Record the update")
async def tell(tools: Tools, params: Update) -> Reply:
    """Record it; the channel shows what is recorded."""
    incident = await tools.incident()
    tools.record(Kind.UPDATE, text=params.text)
    return Reply(f"The update is on {incident.id} and goes to its channel.")
