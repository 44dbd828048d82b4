"""Want no reminders for a while."""

from bot.engine import CommandRejected, Kind, Params, Playbook, Reply, Span, Tools, span, to_us

_LONGEST_H = 24


class Snooze(Params):
    """For how long (30m, 2h); 0m ends it."""

    time: Span = "30m"


playbook = Playbook("snooze", "Want no reminders for a while.", Snooze, needs_incident=True)


@playbook.step("Snooze the reminders")
async def snooze(tools: Tools, params: Snooze) -> Reply:
    """Record until when; reminders read it from the timeline."""
    incident, wanted = await tools.incident(), span(params.time)
    if wanted.total_seconds() > _LONGEST_H * 3_600:
        raise CommandRejected(f"{params.time} is too long: {_LONGEST_H}h at most. It can be snoozed again.")
    until = tools.now() + wanted
    minutes = int(wanted.total_seconds() // 60)
    tools.record(Kind.SNOOZED, until=to_us(until), minutes=minutes)
    if not minutes:
        return Reply(f"{incident.id} is reminded of again.")
    return Reply(f"No reminders on {incident.id} until {until:%H:%M} UTC. `/incident snooze 0m` ends that.")
