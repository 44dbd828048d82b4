"""Close the books on an incident that is resolved."""

from bot.engine import Choice, Kind, Params, Playbook, Reply, Rest, Status, Tools, TransitionRefused, check_transition


class Close(Params):
    """What is left to say."""

    text: Rest = ""


playbook = Playbook("close", "Close it: resolved, and nothing more is expected.", Close, needs_incident=True)


@playbook.step("Close it")
async def close(tools: Tools, params: Close) -> Reply:
    """Record it, for what is resolved; say which action items stay open."""
    incident = await tools.incident()
    check_transition(incident, Status.CLOSED)
    if incident.status is not Status.RESOLVED:
        raise TransitionRefused(
            f"{incident.id} is {incident.status.value}. `/incident resolve` comes first; "
            f"if it never was an incident: `/incident cancel REASON`."
        )
    tools.record(Kind.STATUS_SET, status=Status.CLOSED.value, was=incident.status.value, text=params.text)
    left = sum(item.done_on is None for item in incident.actions)
    items = f" {left} action {'item stays' if left == 1 else 'items stay'} open." if left else ""
    choices = (Choice("Show action items", f"action incident={incident.id}"),) if left else ()
    return Reply(f"{incident.id} is closed.{items}", choices)
