"""Make a fault real on a target of a lab, so that people can find it; and end it again."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import create_model

from bot.engine import (
    CommandRejected,
    Danger,
    Drilled,
    DrillSize,
    Keyed,
    Missing,
    Params,
    Playbook,
    Reply,
    RunFailed,
    Service,
    ServiceName,
    Switch,
    Target,
    Tools,
    pick_switch,
)


class _Where(Params):
    """How large, of which service, on which of its targets (the last, if left out); `off` ends what is on."""

    size: DrillSize = DrillSize.MEDIUM
    service: ServiceName = ""
    target: Keyed = ""
    off: bool = False


# `class` is a word of Python's own, so that no line `class: ...` can say this.
_WORDS: dict[str, Any] = {"class": (Drilled | None, None)}
Drill = create_model("Drill", __base__=_Where, __doc__=_Where.__doc__, **_WORDS)


@dataclass(frozen=True)
class Seen:
    """The switches of a target of the lab."""

    target: str
    switches: tuple[Switch, ...]


@dataclass(frozen=True)
class Lab:
    """What every target of the lab can be switched to; `silent` says by name why it is not known of the others."""

    service: str
    seen: tuple[Seen, ...]
    silent: dict[str, str]
    summary: str


playbook = Playbook("drill", "Make a fault real on a lab, to find it.", Drill)


@playbook.gate
async def is_lab(tools: Tools, params: _Where) -> None:
    """Begin only on a service that is there to be made sick."""
    _lab(tools, params)
    if _asked(params) is None and not params.off:
        raise CommandRejected(f"Which fault? One of {', '.join(Drilled)}; or `off` to end what is on.")


@playbook.step("Look at the lab's switches")
async def look(tools: Tools, params: _Where) -> Lab:
    """Ask every target that may be meant."""
    service = _lab(tools, params)
    seen, silent = await _read(tools, await _targets(tools, service, params.target))
    if not seen:
        raise RunFailed(f"{_listed(silent)} Nothing was switched. Once the lab runs, say it again.")
    on = [f"{switch.name} on {each.target}" for each in seen for switch in each.switches if switch.on]
    unknown = f"; not known of {', '.join(silent)}" if silent else ""
    return Lab(service.name, seen, silent, f"on: {', '.join(on) or 'nothing'}{unknown}")


@playbook.step("Switch", danger=Danger.INTRUSIVE)
async def switch(tools: Tools, params: _Where, lab: Lab) -> Reply:
    """Start the fault unless it is on, or end what is on."""
    return Reply(await (_end if params.off else _start)(tools, params, lab))


async def _start(tools: Tools, params: _Where, lab: Lab) -> str:
    fault = _asked(params)
    for each in lab.seen:
        if running := next((one for one in each.switches if one.on and one.fault == fault), None):
            return f"*{fault}* is on already, on {each.target}: {running.title}. {_ending(lab)}"
    able = [(each, found) for each in lab.seen if (found := pick_switch(each.switches, str(fault)))]
    if not able:
        raise RunFailed(f"Nothing here has a switch for {fault}: {', '.join(each.target for each in lab.seen)}.")
    last, found = able[-1]
    if failed := await _turn(tools, lab, last.target, found, params.size):
        raise RunFailed(f"{failed}.")
    unseen = f" {_listed(lab.silent)} What is on there is not known." if lab.silent else ""
    return f"*{fault}* ({params.size}) is on, on {last.target}: {found.title}. {_ending(lab)}{unseen}"


async def _end(tools: Tools, params: _Where, lab: Lab) -> str:
    """End it wherever that can be done; what may be on still is a failure, and told of last."""
    ended, left = await _end_these(tools, params, lab, lab.seen)
    silent = await _targets(tools, tools.service(lab.service), *lab.silent) if lab.silent else ()
    seen, unknown = await _read(tools, silent)  # who was silent because of what has ended now answers
    more, failed = await _end_these(tools, params, lab, seen)
    ended, left = ended + more, left | failed | unknown
    where = ", ".join(each.target for each in lab.seen) if left else lab.service
    told = f"Ended: {', '.join(ended)}." if ended else f"Nothing was on at {where}."
    if not left:
        return told
    later = f"Once it answers, {_ending(lab)} So does a restart of the target."
    raise RunFailed(f"{told} {_listed(left)} What is on there goes on. {later}")


async def _end_these(tools: Tools, params: _Where, lab: Lab, seen: Sequence[Seen]) -> tuple[list[str], dict[str, str]]:
    """End what is on; give what was ended, and by name what was not and why."""
    fault, ended, left = _asked(params), [], {}
    for each in seen:
        for one in each.switches:
            if not one.on or fault not in {None, one.fault}:
                continue
            if failed := await _turn(tools, lab, each.target, one, None):
                left[each.target] = failed
            else:
                ended.append(f"{one.name} on {each.target}")
    return ended, left


async def _read(tools: Tools, targets: Sequence[Target]) -> tuple[tuple[Seen, ...], dict[str, str]]:
    """Give the switches of those who tell them, and by name why the others do not."""
    read = list(zip(targets, await gather(*map(tools.ports.switches.read, targets)), strict=True))
    seen = tuple(Seen(each.name, found) for each, found in read if not isinstance(found, Missing))
    return seen, {each.name: found.reason for each, found in read if isinstance(found, Missing)}


async def _turn(tools: Tools, lab: Lab, name: str, switch: Switch, size: DrillSize | None) -> str:
    """Switch; give why it was not done, or ""."""
    (target,) = await _targets(tools, tools.service(lab.service), name)
    failed = await tools.ports.switches.turn(target, switch.name, size)
    return failed.reason if failed else ""


def _listed(reasons: dict[str, str]) -> str:
    return " ".join(f"{reason}." for reason in reasons.values())


def _ending(lab: Lab) -> str:
    return f"`/incident drill {lab.service} off` ends it."


def _asked(params: _Where) -> Drilled | None:
    asked: Drilled | None = getattr(params, "class")
    return asked


def _lab(tools: Tools, params: _Where) -> Service:
    """Give the service that was named, else the only lab."""
    labs = [service for service in tools.catalog.services if service.lab]
    if not params.service and len(labs) == 1:
        return labs[0]
    if not labs and not params.service:
        raise CommandRejected("No service is a lab: a drill makes one sick, so `lab = true` must say that it may be.")
    service = tools.service(params.service)
    if not service.lab:
        raise CommandRejected(
            f"{service.name} is no lab, and a drill would make it sick. Only one with `lab = true` may be drilled."
        )
    return service


async def _targets(tools: Tools, service: Service, *wanted: str) -> Sequence[Target]:
    """Give the targets of these names, or all of them ("") with the lab itself first."""
    known = [*([service.stage] if service.stage else ()), *(await tools.targets(service)).targets]
    found = [target for target in known if target.name in wanted or "" in wanted]
    if not found:
        name = next(iter(wanted), "")
        names = ", ".join(target.name for target in known) or "none"
        raise CommandRejected(f"{service.name} has no target `{name[:40]}`. It has: {names}.")
    return found
