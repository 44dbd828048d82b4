"""Name the service that is in trouble; the capture starts."""

from bot.engine import Choice, Keyed, Kind, Params, PhaseState, Playbook, Reply, ServiceName, Tools


class NameService(Params):
    """Which service. `was`: what was named when a button was drawn, `-` none."""

    service: ServiceName
    was: Keyed = ""


playbook = Playbook(
    "service",
    "Name the service in trouble; the capture starts.",
    NameService,
    needs_incident=True,
    form="Name the service",
)


@playbook.step("Name the service")
async def name(tools: Tools, params: NameService) -> Reply:
    """Record it; the SOP takes it up if its capture still waits, else a capture of its own begins."""
    incident = await tools.incident()
    service = tools.service(params.service)
    if incident.service == service.name:
        return Reply(f"{incident.id} is about {service.name} already. `/incident snapshot` captures it again.")
    if params.was and incident.service and incident.service != params.was:
        words = f"service {service.name} was={incident.service} incident={incident.id}"
        return Reply(
            f"{incident.service} was named since this button was drawn. Nothing was changed.",
            (Choice(f"Change it to {service.name}", words),),
        )
    tools.record(Kind.SERVICE_SET, service=service.name, was=incident.service)
    tools.begin("oncall", {})
    capture = next((phase for phase in incident.phases if phase.name == "capture"), None)
    if capture is not None and capture.state is not PhaseState.RUNNING:
        tools.begin("diagnose", {"service": service.name})
    else:
        tools.tell("sop", "service", service.name)
    return Reply(f"{incident.id} is about {service.name}. Its targets are being captured.")
