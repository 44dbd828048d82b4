"""Look who is on call and bring them in; `start` does so by itself."""

from bot.engine import Kind, OnCall, Params, Playbook, Reply, Tools


class LookOnCall(Params):
    """Nothing to say: the incident's service has its rota."""


playbook = Playbook("oncall", "Look who is on call, and bring them in.", LookOnCall, needs_incident=True, quiet=True)


@playbook.step("Look who is on call")
async def look(tools: Tools, params: LookOnCall) -> Reply:  # noqa: ARG001 - every step takes its params
    """Record who is; whoever is recorded is invited. An answer that is no news is not recorded again."""
    incident = await tools.incident()
    found = await tools.ports.rota.on_call(incident.service)
    if found.people != incident.on_call or (found.note and not incident.on_call):
        people = [{"id": person.id, "name": person.name} for person in found.people]
        tools.record(Kind.ON_CALL, people=people, source=found.source, note=found.note)
    return Reply(_said(found))


def _said(found: OnCall) -> str:
    names = ", ".join(person.name for person in found.people)
    note = f" ({found.note})" if found.note else ""
    if not names:
        return f"Nobody is on call{note}. `on_call` or `[rota]` in the configuration says who."
    return f"On call by {found.source}: {names}{note}."
