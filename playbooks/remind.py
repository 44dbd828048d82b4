"""Remind an incident's channel of what it lacks; the clock does so by itself."""

from bot.engine import (
    Keyed,
    Kind,
    Params,
    Playbook,
    ReminderAbout,
    Reply,
    Tools,
    lacks,
    reminders_due,
    sentence,
    slot_named,
)


class Remind(Params):
    """Of what; left out, of what matters most. `slot` is the clock's."""

    about: ReminderAbout | None = None
    slot: Keyed = ""


playbook = Playbook("remind", "Remind the channel of what the incident lacks.", Remind, needs_incident=True)


@playbook.step("Remind the channel")
async def remind(tools: Tools, params: Remind) -> Reply:
    """Look again, since somebody may have acted meanwhile; then record it, and the channel shows it."""
    incident, entries = await tools.incident(), await tools.entries()
    now = tools.now()
    found = lacks(incident, entries, now)
    if params.slot:
        slot, rules = slot_named(params.slot), tools.catalog.reminders
        now = max(now, slot)  # it has come for whoever asked; the clock of whoever executes may be behind
        still = reminders_due(incident, entries, rules, now)
        found = tuple(each.lack for each in still if each.slot >= slot)
    wanted = [each for each in found if params.about in {None, each.about}]
    if not wanted:
        return Reply(f"{incident.id} lacks nothing to be reminded of.")
    lack = wanted[0]
    text = sentence(incident, lack, now)
    whom = incident.commander.id if incident.commander and lack.asked is None else ""
    run = lack.asked.run_id if lack.asked else ""
    body = {"about": lack.about.value, "slot": params.slot, "text": text, "person": whom, "run": run}
    tools.record_as(None, now, Kind.REMINDED, **body)
    return Reply(f"Reminded: {text}")
