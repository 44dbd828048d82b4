"""Change how bad it is."""

from bot.engine import Kind, Params, Playbook, Reply, Severity, Tools


class SetSeverity(Params):
    """The new severity."""

    severity: Severity


playbook = Playbook("severity", "Change the severity.", SetSeverity, needs_incident=True, form="Change the severity")


@playbook.step("Change the severity")
async def change(tools: Tools, params: SetSeverity) -> Reply:
    """Record the change, if it is one."""
    incident = await tools.incident()
    if incident.severity is params.severity:
        return Reply(f"{incident.id} is {params.severity.value} already. Nothing was changed.")
    tools.record(Kind.SEVERITY_SET, severity=params.severity.value, was=incident.severity.value)
    pages = "somebody is paged" if params.severity.pages else "nobody is paged"
    return Reply(f"{incident.id} is {params.severity.value} now; {pages} when five minutes pass unmitigated.")
