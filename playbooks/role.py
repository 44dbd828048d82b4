"""Give somebody a role."""

from bot.engine import Kind, Mention, Params, Playbook, Reply, Role, Tools


class SetRole(Params):
    """Which role, and whose it is; yours if nobody is named."""

    role: Role
    person: Mention = "me"


playbook = Playbook("role", "Give somebody a role, or take it.", SetRole, needs_incident=True, form="Give a role")


@playbook.step("Give the role")
async def give(tools: Tools, params: SetRole) -> Reply:
    """Record who has the role from now on."""
    incident = await tools.incident()
    person = await tools.person(params.person)
    was = incident.roles.get(params.role)
    if was is not None and was.id == person.id:
        return Reply(f"{person.name} is {params.role.value} of {incident.id} already. Nothing was changed.")
    tools.record(Kind.ROLE_SET, role=params.role.value, person=person.id, name=person.name)
    handed = f", handed over by {was.name}" if was else ""
    return Reply(f"{person.name} is {params.role.value} of {incident.id} now{handed}.")
