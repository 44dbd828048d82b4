"""Open an incident again that was thought to be over."""

from bot.engine import Choice, Kind, Params, Playbook, Reply, Rest, Status, Tools, check_transition


class Reopen(Params):
    """What came back."""

    text: Rest = ""


playbook = Playbook("reopen", "Open it again: it is not over.", Reopen, needs_incident=True)


@playbook.step("Open it again")
async def open_again(tools: Tools, params: Reopen) -> Reply:
    """Record the status; nobody is paged again, and the five minutes run again only if somebody wants them to."""
    incident = await tools.incident()
    check_transition(incident, Status.OPEN)
    tools.record(Kind.STATUS_SET, status=Status.OPEN.value, was=incident.status.value, text=params.text)
    alone = f" It is no part of {incident.merged_into} any more." if incident.merged_into else ""
    return Reply(
        f"{incident.id} is open again; when it was mitigated and resolved counts no more.{alone}",
        (Choice("Run the five minutes again", f"sop incident={incident.id}"),),
    )
