"""Give somebody a role."""

from bot.engine import Choice, Incident, Keyed, Kind, Mention, Params, Person, Playbook, Reply, Role, Tools

_AT_ONCE_S = 10.0


class SetRole(Params):
    """Which role, and whose it is; yours if nobody is named. `was`: whose it was in what a button was drawn from."""

    role: Role
    person: Mention = "me"
    was: Keyed = ""


playbook = Playbook("role", "Give somebody a role, or take it.", SetRole, needs_incident=True, form="Give a role")


@playbook.step("Give the role")
async def give(tools: Tools, params: SetRole) -> Reply:
    """Record who has the role from now on; a button that was drawn before somebody else had it asks first."""
    incident = await tools.incident()
    person = await tools.person(params.person)
    was = incident.roles.get(params.role)
    if was is not None and was.id == person.id:
        return Reply(f"{person.name} is {params.role.value} of {incident.id} already. Nothing was changed.")
    if params.was and was is not None and was.id != params.was:
        return _ask(incident, params, was)
    if params.was and not await _is_first(tools, incident, params):
        return Reply(
            f"Somebody else pressed the same at the same moment. Look at {incident.id} before you press again."
        )
    tools.record(Kind.ROLE_SET, role=params.role.value, person=person.id, name=person.name)
    handed = f", handed over by {was.name}" if was else ""
    return Reply(f"{person.name} is {params.role.value} of {incident.id} now{handed}.")


def _ask(incident: Incident, params: SetRole, holder: Person) -> Reply:
    words = f"role {params.role.value} {params.person} was={holder.id} incident={incident.id}"
    label = "Take over" if params.person == "me" else "Change it"
    return Reply(
        f"{holder.name} became {params.role.value} of {incident.id} since this button was drawn. Nothing was changed.",
        (Choice(f"{label} from {holder.name}", words),),
    )


async def _is_first(tools: Tools, incident: Incident, params: SetRole) -> bool:
    """Tell whether no other press on the same sight of things is being recorded just now."""
    key = f"role:{incident.id}:{params.role.value}:{params.was}"
    return await tools.hold(key, _AT_ONCE_S) == tools.run_id
