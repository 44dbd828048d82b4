"""Make a fault real on a lab, so that people can find it: an incident to practise on, scored when it is over."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import create_model

from bot.engine import (
    VIA_CLOCK,
    CommandRejected,
    Danger,
    Drilled,
    DrillSize,
    FirstFiveError,
    Keyed,
    Kind,
    Params,
    Playbook,
    Reply,
    RunFailed,
    Service,
    ServiceName,
    Severity,
    Tools,
    closest,
    drain,
    drills,
    may_drain,
)

T = TypeVar("T")


class _Where(Params):
    """How large, of which service, on which of its targets (the last, if left out).

    `blind`: of a class that nobody is told. `mend` lets FirstFive apply the fix, of a drill that is on or of the one
    that begins; `answer` says which class you think it is; `off` ends what is on. `drain` drills the bot itself: one of
    its replicas is lost in mid-run.
    """

    size: DrillSize = DrillSize.MEDIUM
    service: ServiceName = ""
    target: Keyed = ""
    blind: bool = False
    mend: bool = False
    off: bool = False
    answer: Keyed = ""
    drain: bool = False


# `class` is a word of Python's own, so that no line `class: ...` can say this.
_WORDS: dict[str, Any] = {"class": (Drilled | None, None)}
Drill = create_model("Drill", __base__=_Where, __doc__=_Where.__doc__, **_WORDS)

_BEGUN_AND_SEEN_THROUGH = 2
"""Runs that a drill may be in the hands of, one after the other."""

playbook = Playbook("drill", "Make a fault real on a lab, to find it; score who does.", Drill, quiet=True)


@playbook.gate
async def is_lab(tools: Tools, params: _Where) -> None:
    """Begin only on a service that is there to be made sick, and one drill at a time."""
    await (may_drain(tools) if params.drain else _telling(tools, params, _check(tools, params)))


async def _check(tools: Tools, params: _Where) -> None:
    service, fault = await _lab(tools, params), _asked(params)
    if params.blind and fault:
        raise CommandRejected("A blind drill is of a class that nobody chooses: leave it out.")
    if params.answer and params.answer.lower() not in set(Drilled):
        meant = closest(params.answer, tuple(Drilled))
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise CommandRejected(f"`{params.answer[:40]}` is no class.{hint} One of {', '.join(Drilled)}.")
    if _begins(params):
        await drills.claim(tools, service)
    elif not (params.off or params.mend or params.answer):
        classes = ", ".join(Drilled)
        raise CommandRejected(f"Which fault? One of {classes}; or `blind`: nobody is told; or `off` to end what is on.")
    elif not params.off and await drills.drill_on(tools, service) is None:
        raise CommandRejected(f"No drill is on at {service.name}. `/incident drill {service.name} blind` begins one.")


@playbook.step("Look at the lab's switches")
async def look(tools: Tools, params: _Where) -> drills.Lab:
    """Ask every target that may be meant; a drill that is to be ended is ended before."""
    if params.drain:
        return drills.Lab("", (), {}, "not asked")
    return await _telling(tools, params, _look(tools, params))


async def _look(tools: Tools, params: _Where) -> drills.Lab:
    service = await _lab(tools, params)
    if not (params.off or _begins(params)):
        return drills.Lab(service.name, (), {}, "not asked")
    told = ""
    for _ in range(_BEGUN_AND_SEEN_THROUGH if params.off else 0):
        if on := await drills.drill_on(tools, service):
            await drills.tell_end(tools, on, drills.ENDED)
            told = await _told(tools, on.run_id)
    return replace(await drills.look(tools, service, params.target), told=told)


@playbook.step("Switch", danger=Danger.INTRUSIVE)
async def switch(tools: Tools, params: _Where, lab: drills.Lab) -> Reply:
    """Begin a drill, or tell the one that is on; or end what is on."""
    if params.drain:
        return Reply(await drain(tools))
    service = tools.service(lab.service)
    if _begins(params):
        return Reply(await _telling(tools, params, _start(tools, params, lab)))
    if params.off:
        rest = await _end(tools, params, lab) if not lab.told or lab.on or lab.silent else ""
        return Reply("\n".join(filter(None, (lab.told, rest))))
    on = await drills.drill_on(tools, service)
    if on is None:
        raise RunFailed(f"The drill at {service.name} is over already.")
    await tools.belong(on.incident_id)
    if params.answer:
        tools.record(Kind.DRILL_ANSWERED, **{"class": params.answer.lower()})
        return Reply(
            f"You say that it is *{params.answer.lower()}*. Whether it is, the score of {on.incident_id} tells."
        )
    await drills.tell_end(tools, on, drills.MENDED)
    return Reply(await _told(tools, on.run_id))


async def _telling(tools: Tools, params: _Where, act: Awaitable[T]) -> T:
    """Do it; of a drill that was due and did not begin, say so where people are: nobody waits for its answer."""
    try:
        return await act
    except FirstFiveError as error:
        if tools.run_row.source.via == VIA_CLOCK and tools.catalog.announcements:
            text = f"*The drill that is due on {params.service} did not begin.* {error}"
            await tools.ports.poster.post(tools.catalog.announcements, text, tools.run_id)
        raise


async def _start(tools: Tools, params: _Where, lab: drills.Lab) -> str:
    """Open the incident, let the drill begin, and wait until it has; until its end where FirstFive is to mend it."""
    fault, service = _asked(params), tools.service(lab.service)
    for target, one in lab.on:
        if params.blind or one.fault == fault:
            what = "Something" if params.blind else f"*{fault}*"
            return f"{what} is on already, on {target}: {one.title}. {drills.ending(service)}"
    if not (lab.can(fault) if fault else lab.classes):
        names = ", ".join(each.target for each in lab.seen)
        elsewhere = " Without `target=` the lab looks for one that has." if params.target else ""
        raise RunFailed(f"There is no switch for {fault or 'any class'} on {names}.{elsewhere}")
    what = f"{fault} on {service.name}" if fault else f"something is wrong with {service.name}"
    body = {"title": f"DRILL: {what}", "severity": Severity.SEV3.value, "service": service.name}
    incident_id = await tools.open_incident(**body, text="", warnings=[], drill=True)
    asked = {"service": service.name, "size": params.size, "target": params.target, "mend": params.mend}
    run_id = tools.begin(drills.DRILLING, {**asked, "fault": fault or ""})
    if tools.run_row.source.via == VIA_CLOCK:
        tools.begin("oncall", {})  # nobody else has asked for it, so nobody else would come
    await tools.apply("begun", *tools.take_pending())
    told = await drills.told_on(tools, run_id)
    if params.mend:
        return await _told(tools, run_id)
    unseen = f" {drills.listed(lab.silent)} What is on there is not known." if lab.silent else ""
    return f"{told} *{incident_id}* is its incident. {drills.ending(service)}{unseen}"


async def _told(tools: Tools, run_id: str) -> str:
    """Give what the drill came to; in a chat its channel shows the score, and the answer does not repeat it."""
    outcome = await tools.outcome(run_id)
    text = str(outcome.result.get("text", "")) or outcome.reason
    return text.partition("\n")[0] if tools.run_row.source.channel else text


async def _end(tools: Tools, params: _Where, lab: drills.Lab) -> str:
    """End it wherever that can be done; what may be on still is a failure, and told of last."""
    service = tools.service(lab.service)
    ended, left = await _end_these(tools, params, lab, lab.seen)
    silent = await drills.targets(tools, service, *lab.silent) if lab.silent else ()
    seen, unknown = await drills.read(tools, silent)  # who was silent because of what has ended now answers
    more, failed = await _end_these(tools, params, lab, seen)
    ended, left = ended + more, left | failed | unknown
    where = ", ".join(each.target for each in lab.seen) if left else lab.service
    told = f"Ended: {', '.join(ended)}." if ended else f"Nothing was on at {where}."
    if not left:
        return told
    later = f"Once it answers, {drills.ending(service)} So does a restart of the target."
    raise RunFailed(f"{told} {drills.listed(left)} What is on there goes on. {later}")


async def _end_these(
    tools: Tools, params: _Where, lab: drills.Lab, seen: Sequence[drills.Seen]
) -> tuple[list[str], dict[str, str]]:
    """End what is on; give what was ended, and by name what was not and why."""
    fault, service = _asked(params), tools.service(lab.service)
    ended, left = [], {}
    for each in seen:
        for one in each.switches:
            if not one.on or fault not in {None, one.fault}:
                continue
            if failed := await drills.turn(tools, service, each.target, one.name, None):
                left[each.target] = failed
            else:
                ended.append(f"{one.name} on {each.target}")
    return ended, left


def _asked(params: _Where) -> Drilled | None:
    asked: Drilled | None = getattr(params, "class")
    return asked


def _begins(params: _Where) -> bool:
    return bool(_asked(params) or params.blind) and not (params.off or params.answer)


async def _lab(tools: Tools, params: _Where) -> Service:
    """Give the service that is meant: by name, else that of the drill in whose channel this is said."""
    incident = await tools.incident() if tools.incident_id and not params.service else None
    return drills.lab(tools, params.service or (incident.service if incident and incident.drill else ""))
