"""Record or correct the moment something happened; measures are made of these."""

from bot.engine import Field, Kind, Milestone, Moment, Params, Playbook, Reply, Tools, check_milestone, moment, to_us


class SetMilestone(Params):
    """Which moment, and when it was (UTC; now if left out)."""

    milestone: Milestone
    at: Moment = Field("", title="When was it?", description="HH:MM, UTC; now if left out")


playbook = Playbook(
    "milestone",
    "Record or correct when something happened.",
    SetMilestone,
    needs_incident=True,
    form="Record a milestone",
)


@playbook.step("Record the milestone")
async def record(tools: Tools, params: SetMilestone) -> Reply:
    """Record it unless it contradicts the others."""
    incident = await tools.incident()
    now = tools.now()
    at = moment(params.at, now) if params.at else now
    check_milestone(incident.milestones, params.milestone, at, now)
    tools.record(Kind.MILESTONE, milestone=params.milestone.value, at=to_us(at), source=f"set by {tools.actor.name}")
    was = incident.milestones.get(params.milestone)
    before = f" It was {was:%H:%M:%S}." if was else ""
    return Reply(f"{incident.id}: {params.milestone.value} at {at:%Y-%m-%d %H:%M:%S} UTC.{before}")
