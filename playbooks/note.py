"""Put a note on the timeline."""

from bot.engine import Field, Kind, Params, Playbook, Reply, Rest, Tools


class Note(Params):
    """What to remember."""

    text: Rest = Field(title="Note", description="What should be remembered?")


playbook = Playbook("note", "Put a note on the timeline.", Note, needs_incident=True, form="Add a note")


@playbook.step("Write it down")
async def write(tools: Tools, params: Note) -> Reply:
    """Record the words as they are."""
    incident = await tools.incident()
    tools.record(Kind.NOTE, text=params.text)
    return Reply(f"Noted on {incident.id}.")
