"""The switches of a lab, and the drill that is on there: at most one at a time, whoever began it."""

import json
from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.drills import Drilled, Size, Switch, pick
from bot.domain.errors import CommandRejected, RunFailed
from bot.domain.run import Missing, RunStatus
from bot.domain.service import Service, Target
from bot.domain.timeline import Person
from bot.engine.tools import Tools
from bot.ports import Tx

DRILLING = "drilling"
"""The playbook that sees a drill through; its run is a child of the one that was asked for."""
ENDED, MENDED = "ended early", "mended"
_ON, _END = "on", "end"
_LOOK_AGAIN = timedelta(seconds=2)
_LEFT_ON = timedelta(minutes=10)
"""After the end of a drill: it is taken back for five minutes, by a bot that may have to start first."""


@dataclass(frozen=True)
class Seen:
    """The switches of a target of the lab, or of the lab itself."""

    target: str
    switches: tuple[Switch, ...]


@dataclass(frozen=True)
class Lab:
    """What a lab can be switched to; `silent` says by name why it is not known of the others.

    `told` is what the drill came to that was ended before.
    """

    service: str
    seen: tuple[Seen, ...]
    silent: dict[str, str]
    summary: str
    told: str = ""

    def can(self, fault: str) -> list[tuple[str, Switch]]:
        """Give who can be made sick so, with the switch that does it, the last one first."""
        found = [(each.target, pick(each.switches, fault)) for each in reversed(self.seen)]
        return [(target, switch) for target, switch in found if switch is not None]

    @property
    def classes(self) -> tuple[Drilled, ...]:
        """The classes that it has a switch for."""
        return tuple(fault for fault in Drilled if self.can(fault))

    @property
    def on(self) -> list[tuple[str, Switch]]:
        """What is on, and where."""
        return [(each.target, one) for each in self.seen for one in each.switches if one.on]


@dataclass(frozen=True)
class On:
    """The drill that is on at a service: the run that sees it through, and its incident."""

    run_id: str
    incident_id: str


def lab(tools: Tools, name: str) -> Service:
    """Give the service that was named, else the only lab.

    :raises CommandRejected: it is no lab, or it must be said which one.
    """
    labs = [service for service in tools.catalog.services if service.lab]
    if not name and len(labs) == 1:
        return labs[0]
    if not labs and not name:
        raise CommandRejected("No service is a lab: a drill makes one sick, so `lab = true` must say that it may be.")
    service = tools.service(name)
    if not service.lab:
        raise CommandRejected(
            f"{service.name} is no lab, and a drill would make it sick. Only one with `lab = true` may be drilled."
        )
    return service


async def look(tools: Tools, service: Service, *wanted: str) -> Lab:
    """Ask the targets of these names for their switches, or all of them ("") and the lab itself.

    :raises RunFailed: nobody answers.
    :raises CommandRejected: there is no such target.
    """
    seen, silent = await read(tools, await targets(tools, service, *wanted))
    if not seen:
        raise RunFailed(f"{listed(silent)} Nothing was switched. Once the lab runs, say it again.")
    found = Lab(service.name, seen, silent, "")
    on = ", ".join(f"{switch.name} on {target}" for target, switch in found.on)
    unknown = f"; not known of {', '.join(silent)}" if silent else ""
    return Lab(service.name, seen, silent, f"on: {on or 'nothing'}{unknown}")


async def read(tools: Tools, asked: Sequence[Target]) -> tuple[tuple[Seen, ...], dict[str, str]]:
    """Give the switches of those who tell them, and by name why the others do not."""
    found = list(zip(asked, await gather(*map(tools.ports.switches.read, asked)), strict=True))
    seen = tuple(Seen(each.name, switches) for each, switches in found if not isinstance(switches, Missing))
    return seen, {each.name: said.reason for each, said in found if isinstance(said, Missing)}


async def targets(tools: Tools, service: Service, *wanted: str) -> Sequence[Target]:
    """Give the targets of these names, or all of them ("") with the lab itself first.

    :raises CommandRejected: there is none of these names.
    """
    known = [*([service.stage] if service.stage else ()), *(await tools.targets(service)).targets]
    found = [target for target in known if target.name in wanted or "" in wanted]
    if not found:
        name = next(iter(wanted), "")
        names = ", ".join(target.name for target in known) or "none"
        raise CommandRejected(f"{service.name} has no target `{name[:40]}`. It has: {names}.")
    return found


async def turn(tools: Tools, service: Service, name: str, switch: str, size: Size | None) -> str:
    """Switch; give why it was not done, or "". What is on the lab ends itself once no drill can last any more."""
    (target,) = await targets(tools, service, name)
    lasts = timedelta(minutes=tools.catalog.drill_min) + _LEFT_ON if size else None
    failed = await tools.ports.switches.turn(target, switch, size, lasts)
    return failed.reason if failed else ""


def listed(reasons: dict[str, str]) -> str:
    """Give reasons as sentences."""
    return " ".join(f"{reason}." for reason in reasons.values())


async def claim(tools: Tools, service: Service) -> None:
    """Let the run be the only one that drills a service, until the drill that it begins is over.

    :raises CommandRejected: another one does.
    """
    marks = tools.ports.marks

    def act(tx: Tx) -> On | None:
        was = marks.get(tx, _key(service))
        on = _drill(tools, tx, was)
        if was == tools.run_id or (on is None and marks.swap(tx, _key(service), was, tools.run_id)):
            return None
        return on or On("", "")

    on = await tools.ports.store.write(act)
    if on is not None:
        raise CommandRejected(f"A drill is on at {service.name} already{_named(on)}. {ending(service)}")


async def is_claimed(tools: Tools, service: Service) -> bool:
    """Tell whether the run belongs to the one that drills a service."""
    holder = await tools.ports.store.read(lambda tx: tools.ports.marks.get(tx, _key(service)))
    return holder in {tools.run_id, tools.run_row.parent_id}


async def drill_on(tools: Tools, service: Service) -> On | None:
    """Give the drill that is on at a service."""
    return await tools.ports.store.read(lambda tx: _drill(tools, tx, tools.ports.marks.get(tx, _key(service))))


def _drill(tools: Tools, tx: Tx, run_id: str | None) -> On | None:
    """Give the drill of the run that has claimed a service last, unless it is over, or waits for another release."""
    for each in (f"{run_id}.{DRILLING}", run_id) if run_id else ():
        row = tools.ports.journal.get(tx, each)
        if row is not None and row.status in {RunStatus.QUEUED, RunStatus.RUNNING}:
            return On(row.id, row.incident_id)
    return None


def ending(service: Service) -> str:
    """Say what ends what is on."""
    return f"`/incident drill {service.name} off` ends it."


async def tell_end(tools: Tools, on: On, how: str) -> None:
    """Tell the run of a drill to end it, and who says so."""
    said = json.dumps([how, tools.actor.id, tools.actor.name])
    await tools.apply(f"told:{on.run_id}", lambda tx: tools.ports.journal.signal(tx, on.run_id, _END, said))


async def told_end(tools: Tools) -> tuple[str, Person] | None:
    """Give how the drill of this run is to end and who says so, if anybody has."""
    said = await tools.ports.store.read(lambda tx: tools.ports.journal.signals(tx, tools.run_id, _END))
    if not said:
        return None
    how, person, name = json.loads(said[0])
    return how, Person(person, name)


def tell_on(tools: Tools, text: str) -> None:
    """Let whoever asked for the drill know that it has begun."""
    tools.tell("drill", _ON, text)


async def told_on(tools: Tools, run_id: str) -> str:
    """Wait until the drill has begun; give what is told of it.

    :raises RunFailed: it ended without that.
    """
    journal = tools.ports.journal
    while True:
        told = await tools.ports.store.read(lambda tx: journal.signals(tx, tools.run_id, _ON))
        if told:
            return told[0]
        row = await tools.ports.store.read(lambda tx: journal.get(tx, run_id))
        if row is not None and row.status.ended:
            raise RunFailed(row.reason or str((row.result or {}).get("text", "")))
        await tools.listen(tools.now() + _LOOK_AGAIN)


def profiled_key(service: str) -> str:
    """Name what is kept of who was profiled last."""
    return f"profiled:{service}"


def turn_key(service: str) -> str:
    """Name the hold of whoever profiles a service."""
    return f"intrusive:{service}"


def forgetting_profiles(tools: Tools, service: str) -> Callable[[Tx], None]:
    """Give the effect that lets the next snapshot profile anew: what was seen before a switch is of another service."""
    marks, journal, now = tools.ports.marks, tools.ports.journal, tools.now()

    def act(tx: Tx) -> None:
        kept = marks.get(tx, profiled_key(service))
        if kept:
            marks.put(tx, profiled_key(service), "")
            journal.hold(tx, turn_key(service), json.loads(kept)["run"], now, now)

    return act


def _key(service: Service) -> str:
    return f"drill:{service.name}"


def _named(on: On) -> str:
    return f": {on.incident_id}" if on.incident_id else ""
