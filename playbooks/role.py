"""Give somebody a role, or give one up; whoever takes it over is told where things stand."""

from bot.engine import Choice, Holder, Incident, Keyed, Kind, Params, Person, Playbook, Reply, Role, Tools, brief

_AT_ONCE_S = 10.0
_NOBODY = Person("", "nobody")


class SetRole(Params):
    """Which role, and whose it is: yours if nobody is named. `was`: whose it was in what a button was drawn from."""

    role: Role
    person: Holder = "me"
    was: Keyed = ""


playbook = Playbook(
    "role", "Give somebody a role, take it, or give it up.", SetRole, needs_incident=True, form="Give a role"
)


@playbook.step("Give the role")
async def give(tools: Tools, params: SetRole) -> Reply:
    """Record who has the role from now on; a button that was drawn before somebody else had it asks first."""
    incident = await tools.incident()
    person = await tools.person(params.person) if params.person.lower() != "none" else _NOBODY
    was = incident.roles.get(params.role)
    if (was or _NOBODY).id == person.id:
        return Reply(f"{person.name} is {params.role.value} of {incident.id} already. Nothing was changed.")
    if params.was and was is not None and was.id != params.was:
        return _ask(incident, params, was)
    if params.was and not await _is_first(tools, incident, params):
        return Reply(
            f"Somebody else pressed the same at the same moment. Look at {incident.id} before you press again."
        )
    names = {"name": person.name if person.id else "", "was": was.name if was else ""}
    tools.record(Kind.ROLE_SET, role=params.role.value, person=person.id, **names)
    handed = f", handed over by {was.name}" if was and person.id else ""
    said = f"{person.name} is {params.role.value} of {incident.id} now{handed}."
    if person.id != tools.actor.id or was is None:
        return Reply(said)
    return Reply("\n".join([said, *(f"• {line}" for line in brief(incident, await tools.entries()))]))


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
