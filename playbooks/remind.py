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
    found = list(lacks(incident, entries))
    if params.slot:
        slot, rules = slot_named(params.slot), tools.catalog.reminders
        still = reminders_due(incident, entries, rules, now)
        found = [(each.about, each.since) for each in still if each.about is params.about and each.slot >= slot]
    elif params.about is not None:
        found = [each for each in found if each[0] is params.about]
    if not found:
        return Reply(f"{incident.id} lacks nothing to be reminded of.")
    about, since = found[0]
    text = sentence(incident, about, since, now)
    whom = incident.commander.id if incident.commander else ""
    tools.record(Kind.REMINDED, about=about.value, slot=params.slot, text=text, person=whom)
    return Reply(f"Reminded: {text}")
