"""Write the postmortem from the timeline."""

from bot.engine import Kind, Params, Playbook, Reply, Tools, size


class Write(Params):
    """Nothing to say: the timeline says it."""


playbook = Playbook("postmortem", "Write the postmortem from the timeline.", Write, needs_incident=True)


@playbook.step("Write the postmortem")
async def write(tools: Tools, params: Write) -> Reply:  # noqa: ARG001 - every step takes its params
    """Keep the Markdown as an artifact; the same timeline gives the same bytes."""
    incident, entries = await tools.incident(), await tools.entries()
    name = f"postmortem-{incident.opened_at:%Y%m%d}-{incident.id.lower()}.md"
    stored = await tools.ports.artifacts.put(name, tools.ports.documents.postmortem(incident, entries).encode())
    tools.record(Kind.POSTMORTEM, artifact=stored.sha256, name=name, bytes=stored.bytes)
    return Reply(f"The postmortem of {incident.id} is written ({size(stored.bytes)}).", artifact=stored.sha256)
