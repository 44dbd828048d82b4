"""Bring who may know of a private incident to agree with who is in its channel."""

from collections.abc import Mapping
from datetime import timedelta

from bot.engine import CommandRejected, Keyed, Kind, Params, Person, Playbook, Reply, Tools, messages


class Presence(Params):
    """Who came into the channel, or left it; `back`: that was FirstFive, which does not know who did meanwhile."""

    channel: Keyed = ""
    person: Keyed = ""
    left: bool = False
    back: bool = False


CHANNEL = "channel"
"""How somebody came or went: by the chat's own means."""

playbook = Playbook(
    "presence", "Look who is in a private incident's channel.", Presence, needs_incident=True, quiet=True
)

_TURN_S, _HOLD_S = 0.5, 60.0
_TRIED_FOR = timedelta(minutes=30)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


@playbook.step("Look who is there")
async def look(tools: Tools, params: Presence) -> Reply:
    """Ask the chat who is there now, whatever was told and in which order; record the difference."""
    incident = await tools.incident()
    if not incident.private or params.channel != incident.channel:
        return Reply(f"{incident.id} is not private, or has another channel: who is in this one changes nothing.")
    person = await _named(tools, params.person)
    key, now = f"presence:{incident.id}", tools.now()
    tools.also(lambda tx: _drop(tools.ports.journal.hold(tx, key, tools.run_id, now, now)))
    there = await _there(tools, key, incident.channel)
    if isinstance(there, messages.Unread):
        return Reply(f"Who is in its channel could not be read: {there.reason}.")
    known = {each.id: each for each in (await tools.incident()).people}
    if params.back:
        return await _catch_up(tools, known, there - {person.id})
    if (person.id in there) is params.left or (person.id in known) is not params.left:
        return Reply(f"{person.name}: nothing has changed.")
    return Reply(_told(tools, person, Kind.LEFT if params.left else Kind.JOINED))


async def _catch_up(tools: Tools, known: Mapping[str, Person], there: frozenset[str]) -> Reply:
    """Record who came and who went while nothing was heard of the channel; only whom the chat knows can have gone."""
    came = [await _named(tools, each) for each in sorted(there - known.keys())]
    away = [each for each in known.values() if each.id not in there]
    found = [await tools.ports.directory.find(each.id) for each in away]
    went = [each for each, who in zip(away, found, strict=True) if who is not None and who.id == each.id]
    told = [*(_told(tools, each, Kind.JOINED) for each in came), *(_told(tools, each, Kind.LEFT) for each in went)]
    return Reply(" ".join(told) or "Nobody has come or gone meanwhile.")


def _told(tools: Tools, person: Person, kind: Kind) -> str:
    tools.record(kind, person=person.id, name=person.name, how=CHANNEL)
    return f"{person.name} {kind.value} {tools.run_row.incident_id}."


async def _named(tools: Tools, person: str) -> Person:
    if not person:
        raise CommandRejected("Who? The events of a private incident's channel say so.")
    return await tools.ports.directory.named(Person(person, person))


async def _there(tools: Tools, key: str, channel: str) -> frozenset[str] | messages.Unread:
    """Ask who is in the channel, for as long as Slack is away; one run at a time, so that the last look counts."""
    until, wait_s = tools.now() + _TRIED_FOR, _FIRST_WAIT_S
    while True:
        while await tools.hold(key, _HOLD_S) != tools.run_id:
            await tools.pause(_TURN_S)
        there = await tools.ports.transcript.members(channel)
        if not isinstance(there, messages.Unread) or not there.again or tools.now() >= until:
            return there
        await tools.hold(key, 0.0)
        await tools.pause(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _drop(_: object) -> None:
    """Let go of what is of no use: an effect gives nothing."""
