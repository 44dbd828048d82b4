"""See a drill through: make the fault real, wait until it is over, take it back whatever happens, tell the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.engine import (
    CommandRejected,
    Danger,
    DrillSize,
    Entry,
    Incident,
    Keyed,
    Kind,
    Milestone,
    Missing,
    Params,
    Person,
    Playbook,
    Reply,
    RunFailed,
    RunStatus,
    ServiceName,
    Status,
    Tools,
    drills,
    scores,
    to_us,
)

_TRIES, _AGAIN_S = 20, 15.0
_LOOKS, _LOOK_AGAIN_S = 5, 5.0
_SOP_LOOKS_BY = timedelta(seconds=60)
_NOBODY = Person("", "")
_TEXTS = {Status.MITIGATED: "The fix was applied.", Status.RESOLVED: "The drill is over."}


class Drilling(Params):
    """On which lab, how large, on which target; of which class, by chance if left out. `mend`: once it is located."""

    service: ServiceName
    size: DrillSize = DrillSize.MEDIUM
    target: Keyed = ""
    fault: Keyed = ""
    mend: bool = False


@dataclass(frozen=True)
class Chosen:
    """What is made real, and where. Nothing of a blind drill's leaves this run before its end."""

    target: str
    switch: str
    title: str
    fault: str
    nonce: str


@dataclass(frozen=True)
class Begun:
    """Since when the fault is on, and until when at most."""

    at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Over:
    """What ended the drill, and who did."""

    how: str
    by: Person = _NOBODY


@dataclass(frozen=True)
class Undone:
    """Whether the fault was on still when it was taken back (None: nobody knows), when that was, what it failed of."""

    was_on: bool | None
    at: datetime
    left: str = ""


@dataclass(frozen=True)
class Verified:
    """Whether a new diagnosis names the class no more, and since when; None when none was made."""

    gone: bool | None = None
    at: datetime | None = None


playbook = Playbook(
    drills.DRILLING, "See a drill through to its end; `drill` begins it.", Drilling, needs_incident=True, quiet=True
)


@playbook.gate
async def is_asked_for(tools: Tools, params: Drilling) -> None:
    """Be begun by `drill` alone, which looks whether another drill is on."""
    if not await drills.is_claimed(tools, drills.lab(tools, params.service)):
        raise CommandRejected(f"`/incident drill {params.service}` begins a drill.")


@playbook.step("Choose the fault", optional=True)
async def choose(tools: Tools, params: Drilling) -> Chosen:
    """Take what was asked for; else leave both to chance, class and target."""
    lab = await drills.look(tools, tools.service(params.service), params.target)
    chance, classes = tools.ports.chance, lab.classes
    fault = params.fault or (classes[chance.below(len(classes))].value if classes else "")
    able = lab.can(fault)
    if not able:
        raise RunFailed(f"There is no switch for {fault or 'any class'} here")
    target, switch = able[0] if params.fault else able[chance.below(len(able))]
    return Chosen(target, switch.name, switch.title, fault, chance.nonce())


@playbook.step("Make it real", danger=Danger.INTRUSIVE, optional=True)
async def begin(tools: Tools, params: Drilling, chosen: Chosen | Missing) -> Begun:
    """Switch it on; from then on everything is counted, and the five minutes run."""
    if isinstance(chosen, Missing):
        raise RunFailed(chosen.reason)
    service = tools.service(params.service)
    if failed := await drills.turn(tools, service, chosen.target, chosen.switch, params.size):
        raise RunFailed(failed)
    at, blind = tools.now(), not params.fault
    ends_at = at + timedelta(minutes=tools.catalog.drill_min)
    told = {"class": "", "target": ""} if blind else {"class": chosen.fault, "target": chosen.target}
    sealed = scores.seal(chosen.nonce, chosen.fault, chosen.target)
    body = {"service": service.name, "size": params.size, "blind": blind, "ends_at": to_us(ends_at), "sealed": sealed}
    tools.also(drills.forgetting_profiles(tools, service.name))
    tools.record_as(tools.actor, at, Kind.DRILL_STARTED, **body, **told)
    for milestone in (Milestone.STARTED, Milestone.DETECTED):
        tools.record(Kind.MILESTONE, milestone=milestone.value, at=to_us(at), source="drill")
    tools.begin("sop", {})
    what = f"on, on {chosen.target}: {chosen.title}." if not blind else "on; nobody is told which."
    drills.tell_on(tools, f"{'A fault' if blind else f'*{chosen.fault}*'} ({params.size}) is {what}")
    return Begun(at, ends_at)


@playbook.step("Wait until it is over", optional=True)
async def watch(tools: Tools, params: Drilling, chosen: Chosen | Missing, begun: Begun | Missing) -> Over:
    """Look until somebody ends it, it was mitigated, or its time is up."""
    if isinstance(begun, Missing) or isinstance(chosen, Missing):
        return Over("not begun")
    while (over := await _over(tools, params, chosen, begun)) is None:
        await tools.listen(begun.ends_at)
    return over


@playbook.step("Take it back", danger=Danger.INTRUSIVE, optional=True)
async def undo(tools: Tools, params: Drilling, chosen: Chosen | Missing) -> Undone:
    """End the fault, whatever has happened before; who does not answer is asked again for some minutes."""
    if isinstance(chosen, Missing):
        return Undone(was_on=None, at=tools.now())
    service, left = tools.service(params.service), ""
    was_on = await tools.once("was on", str, lambda: _was_on(tools, params, chosen))
    for _ in range(_TRIES):
        left = await drills.turn(tools, service, chosen.target, chosen.switch, None)
        if not left:
            break
        await tools.pause(_AGAIN_S)
    tools.also(drills.forgetting_profiles(tools, service.name))
    return Undone({"on": True, "off": False}.get(was_on), tools.now(), left)


@playbook.step("Diagnose it again", optional=True)
async def verify(
    tools: Tools, params: Drilling, chosen: Chosen | Missing, over: Over | Missing, undone: Undone | Missing
) -> Verified:
    """Show that the verdict is gone, where somebody says so; what was sick may take a while to be well.

    Only then is it mitigated, since the moment at which the fault was taken back.
    """
    if isinstance(chosen, Missing) or isinstance(over, Missing) or isinstance(undone, Missing) or undone.left:
        return Verified()
    if over.how not in {drills.MENDED, Status.MITIGATED.value}:
        return Verified()
    for look in range(_LOOKS):
        await _all_answer(tools, params)
        outcome = await tools.run("diagnose", {"service": params.service}, f"verify{look}")
        if outcome.status is RunStatus.DONE and chosen.fault not in _named(outcome.result):
            incident = await tools.incident()
            if incident.status is Status.OPEN:
                _mark(tools, incident, Status.MITIGATED, over.by, undone.at)
            return Verified(gone=True, at=tools.now())
        await tools.apply(f"forgot{look}", drills.forgetting_profiles(tools, params.service))
        await tools.pause(_LOOK_AGAIN_S)
    return Verified(gone=False)


@playbook.step("Tell how it went")
async def close(  # noqa: PLR0913, PLR0917 - whatever has become of each step before, it ends here
    tools: Tools,
    params: Drilling,
    chosen: Chosen | Missing,
    begun: Begun | Missing,
    over: Over | Missing,
    undone: Undone | Missing,
    verified: Verified | Missing,
) -> Reply:
    """Put the score on the timeline, beside the earlier ones of its class; what was a secret is none any more."""
    incident, entries = await tools.incident(), await tools.entries()
    over = Over("broken off") if isinstance(over, Missing) else over
    undone = Undone(None, tools.now(), undone.reason) if isinstance(undone, Missing) else undone
    if isinstance(begun, Missing) or isinstance(chosen, Missing):
        why = begun.reason if isinstance(begun, Missing) else ""
        return _never(tools, incident, why, undone)
    gone = verified.gone if isinstance(verified, Verified) else None
    blank = scores.Score(
        fault=chosen.fault,
        target=chosen.target,
        size=params.size.value,
        service=params.service,
        blind=not params.fault,
        began_us=to_us(begun.at),
        how=over.how,
    )
    if isinstance(verified, Verified) and verified.at:
        blank = replace(blank, verified_s=round((verified.at - begun.at).total_seconds(), 3))
    reached = scores.score(entries, blank)
    before = scores.middle(await _earlier(tools, chosen.fault))
    body = {"how": over.how, "by": over.by.name, "was_on": undone.was_on, "gone": gone, "left": undone.left}
    kept = scores.write(reached)
    tools.record(Kind.DRILL_ENDED, real=True, score=kept, before=before, nonce=chosen.nonce, **body)
    if not incident.is_over:
        _mark(tools, incident, Status.RESOLVED, _NOBODY, tools.now())
    tools.tell("sop", "mitigated", "FirstFive")
    return Reply("\n".join(scores.card(reached, body, before)))


def _never(tools: Tools, incident: Incident, why: str, undone: Undone) -> Reply:
    """End a drill whose fault was never on: it counts for nothing."""
    left = " ".join(filter(None, (why, undone.left)))
    tools.record(Kind.DRILL_ENDED, real=False, score={}, before={}, how="not begun", by="", left=left)
    if not incident.is_over:
        tools.record(Kind.CANCELLED, reason="The drill could not be made real.")
        tools.record(Kind.STATUS_SET, status=Status.CLOSED.value, was=incident.status.value, text="")
    return Reply(f"The drill could not be made real: {left}.")


async def _over(tools: Tools, params: Drilling, chosen: Chosen, begun: Begun) -> Over | None:
    """Tell what has ended the drill, if anything has."""
    if told := await drills.told_end(tools):
        return Over(*told)
    entries, incident = await tools.entries(), await tools.incident()
    if incident.status is not Status.OPEN:
        how = "called off" if incident.cancelled else "merged" if incident.merged_into else incident.status.value
        return Over(how, _who_set(entries))
    if tools.now() >= begun.ends_at:
        return Over("its time was up")
    if not params.mend:
        return None
    if any(scores.names(entry, chosen.fault) for entry in entries):
        return Over(drills.MENDED)
    verdicts = [entry for entry in entries if entry.kind == Kind.VERDICT]
    # The five minutes have looked and did not name it, or did not come to look.
    if verdicts or tools.now() > begun.at + _SOP_LOOKS_BY:
        await tools.pause(_LOOK_AGAIN_S)
        await tools.apply(f"forgot{len(verdicts)}", drills.forgetting_profiles(tools, params.service))
        await tools.run("diagnose", {"service": params.service}, f"look{len(verdicts)}")
    return None


def _named(diagnosed: Mapping[str, Any]) -> set[str]:
    """Give every class that a diagnosis names: what is wrong besides hides nothing."""
    return {found["fault"] for found in diagnosed["findings"]}


async def _was_on(tools: Tools, params: Drilling, chosen: Chosen) -> str:
    """Tell whether the fault is on: people may have ended it by other means, such as a restart."""
    seen, _ = await drills.read(tools, await drills.targets(tools, tools.service(params.service), chosen.target))
    on = [one.on for each in seen for one in each.switches if one.name == chosen.switch]
    return "unknown" if not on else "on" if on[0] else "off"


async def _all_answer(tools: Tools, params: Drilling) -> None:
    """Wait until every target is back: of one that is away no diagnosis can say that it is well."""
    service = tools.service(params.service)
    for _ in range(_TRIES):
        _, silent = await drills.read(tools, await drills.targets(tools, service, ""))
        if not silent:
            break
        await tools.pause(1.0)


async def _earlier(tools: Tools, fault: str) -> tuple[scores.Score, ...]:
    kept = await tools.ports.store.read(tools.ports.timeline.drills)
    return tuple(each for each in scores.read(kept) if each.fault == fault)


def _mark(tools: Tools, incident: Incident, status: Status, by: Person, at: datetime) -> None:
    """Set a status and its milestone, by whoever is said to have done it, else by FirstFive itself."""
    person, text = by if by.id else None, _TEXTS[status]
    tools.record_as(person, at, Kind.STATUS_SET, status=status.value, was=incident.status.value, text=text)
    source = by.name or "drill"
    tools.record_as(person, at, Kind.MILESTONE, milestone=status.value, at=to_us(at), source=source)
    tools.tell("sop", "mitigated", by.name or "FirstFive")


def _who_set(entries: Sequence[Entry]) -> Person:
    """Name who set the status last."""
    last = next((entry for entry in reversed(entries) if entry.kind in {Kind.STATUS_SET, Kind.MERGED}), None)
    return Person(last.actor, last.actor_name) if last else _NOBODY
