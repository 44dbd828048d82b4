"""Take part in an incident, or bring somebody in: invited to its channel, and let see it when it is private."""

from bot.engine import Choice, Incident, Kind, Mention, Params, Playbook, Reply, Tools


class Join(Params):
    """Who takes part; you, if nobody is named."""

    person: Mention = "me"


playbook = Playbook("join", "Take part in it, or bring somebody in.", Join, needs_incident=True)


@playbook.step("Join")
async def join(tools: Tools, params: Join) -> Reply:
    """Record who takes part from now on; whoever does already is told where."""
    incident = await tools.incident()
    person = await tools.person(params.person)
    if incident.merged_into:
        into = incident.merged_into
        return Reply(f"{incident.id} is part of {into} now.", (Choice(f"Join {into}", f"join incident={into}"),))
    name = "You take" if person.id == tools.actor.id else f"{person.name} takes"
    if person.id in {each.id for each in incident.people}:
        return Reply(f"{name} part in {incident.id} already.{_where(incident)}")
    tools.record(Kind.JOINED, person=person.id, name=person.name, how="asked")
    return Reply(f"{name} part in {incident.id}: {incident.title}.{_where(incident)}")


def _where(incident: Incident) -> str:
    return f" Its channel is <#{incident.channel}>." if incident.channel else ""
