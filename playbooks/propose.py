"""Propose an incident for a group of alerts that is not bad enough to open one by itself."""

from bot.engine import Choice, Params, Playbook, Reply, Tools, alerts_of, propose_alerts


class Propose(Params):
    """Which group of alerts."""

    group: str


playbook = Playbook("propose", "Propose an incident for a group of alerts.", Propose)


@playbook.step("Propose it")
async def write(tools: Tools, params: Propose) -> Reply:
    """Tell where the proposal stands now; where proposals are announced, they show it."""
    group = await alerts_of(tools, params.group)
    if group.incident_id:
        return Reply(f"{group.incident_id} has these alerts already.", incident_id=group.incident_id)
    propose_alerts(tools, params.group)
    return Reply(
        f"Proposed: {group.severity.value} {group.title}.", (Choice("Open an incident", f"alert {group.key}"),)
    )
