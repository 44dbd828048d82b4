"""Put a group of alerts on an incident: a new one, or the one that has it already."""

from bot.engine import (
    AlertGroup,
    Keyed,
    Kind,
    Milestone,
    MilestoneRefused,
    Params,
    Playbook,
    Reply,
    RunFailed,
    RunStatus,
    Tools,
    alerts_of,
    check_milestone,
    claim_alerts,
    settle_alerts,
    tell_alerts,
    to_us,
)


class Alert(Params):
    """Which group of alerts; the proposal names it. With `note=true` nothing is opened, only noted."""

    group: Keyed
    note: bool = False


playbook = Playbook("alert", "Open an incident for a group of alerts, or note them on theirs.", Alert)


@playbook.step("Put the alerts on an incident")
async def put(tools: Tools, params: Alert) -> Reply:
    """Open it unless it is there; then tell its timeline what fires and what has resolved."""
    group = await alerts_of(tools, params.group)
    if not params.note:
        claim = await claim_alerts(tools, params.group)
        if claim.ours:
            return await _open(tools, claim.group)
        group = claim.group
    tell_alerts(tools, params.group)
    if not group.incident_id:
        return Reply("An incident is being opened for these alerts already.")
    return Reply(f"{group.incident_id} has these alerts already.", incident_id=group.incident_id)


async def _open(tools: Tools, group: AlertGroup) -> Reply:
    words = {"severity": group.severity.value, "service": group.service, "title": group.title}
    outcome = await tools.run("start", words)
    if outcome.status is not RunStatus.DONE or not outcome.incident_id:
        raise RunFailed(f"The alerts have no incident: {outcome.reason or 'it was not opened'}")
    await settle_alerts(tools, group.key, outcome.incident_id)
    tell_alerts(tools, group.key)
    if group.proposed:
        tools.begin("propose", {"group": group.key})
    incident = await tools.incident()
    try:
        check_milestone(incident.milestones, Milestone.STARTED, group.starts_at, tools.now())
    except MilestoneRefused:
        pass  # somebody was quicker to say when it began
    else:
        source = f"{group.sender.person.name} alert"
        tools.record(Kind.MILESTONE, milestone=Milestone.STARTED.value, at=to_us(group.starts_at), source=source)
    return Reply(f"*{incident.id}* is open: {incident.severity.value}, {incident.title}.", incident_id=incident.id)
