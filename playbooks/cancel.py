"""Call an incident off that was none: it stays on record, and out of every count."""

from bot.engine import Choice, Field, Kind, Params, Playbook, Reply, Rest, Status, Tools, check_transition


class Cancel(Params):
    """Why it is none."""

    reason: Rest = Field(title="Why is it none?", description="A false alarm, a test, one that was opened twice")


playbook = Playbook("cancel", "Call it off: it is no incident.", Cancel, needs_incident=True, form="Call it off")


@playbook.step("Call it off")
async def call_off(tools: Tools, params: Cancel) -> Reply:
    """Record why, and close it; the five minutes end, nobody is paged any more."""
    incident = await tools.incident()
    check_transition(incident, Status.CLOSED)
    tools.record(Kind.CANCELLED, reason=params.reason)
    tools.record(Kind.STATUS_SET, status=Status.CLOSED.value, was=incident.status.value, text="")
    tools.tell("sop", "mitigated", tools.actor.name)
    return Reply(
        f"{incident.id} is called off; no measure counts it.", (Choice("Reopen", f"reopen incident={incident.id}"),)
    )
