"""What the guard of builds does with a service: looks at what its targets run, and lets what it finds be heard."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from bot.domain import violations
from bot.domain.alerts import AlertRoute, Do, Sender
from bot.domain.deploys import deploys_key
from bot.domain.examination import examine
from bot.domain.expected import ROLLS_OUT, Expected, changing, moved_at, standing, unreplaced
from bot.domain.facts import Facts
from bot.domain.guard_plan import GuardPlan
from bot.domain.run import Missing
from bot.domain.service import Service, Target
from bot.domain.snapshot import BUILD, GOROUTINE, VERSION, Part
from bot.domain.violations import Guarded, Violation, guard_key, sentence
from bot.engine.deploys import Deploys, told_deploys
from bot.engine.expecting import with_expected
from bot.engine.intake import AlertPolicy, Intake
from bot.engine.keeping import change_kept
from bot.engine.ports import Ports
from bot.engine.slots import Slots
from bot.engine.tools import Tools, adapter_of, recalled
from bot.ports import Group, Tx

__all__ = [
    "Guarded",
    "Violation",
    "doubt",
    "guard_key",
    "hear",
    "last_look",
    "look_at",
    "look_at_ourselves",
    "plan_of",
    "sentence",
]

OURSELVES = "firstfive"
"""The service whose deploys are those of the bot; without targets, whichever process looks at it looks at itself."""
_AT_ONCE, _AGAIN_AT_ONCE = 20, 3
_WITHIN_S = 60.0
"""Nobody waits for it: a repository may be cloned meanwhile."""
_PUSHED = "guard-pushed"
Groups = tuple[Group, ...]


def plan_of(service: Service) -> GuardPlan:
    """Give how a service is guarded; where nothing is configured, whoever asks is told and nobody else."""
    return service.guard or GuardPlan()


async def look_at(tools: Tools, service: Service) -> Guarded:
    """Look at what every target runs, and hold it against record, repository, stamp and environment.

    It gives what is seen now alone; `hear` adds what was wrong before and cannot be seen.
    """
    plan, at = plan_of(service), tools.now()
    found = await tools.targets(service)
    targets = found.targets
    deploy = standing(await told_deploys(tools, service.name))
    # A program's link id is told by its profiles alone: one is taken where a deploy says what it should be.
    parts = (BUILD, GOROUTINE) if deploy and deploy.build else (BUILD,)
    gate, later = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_AGAIN_AT_ONCE)
    looks = await asyncio.gather(*(_look(tools, each, parts, gate) for each in targets))
    facts = {target.name: look for target, look in zip(targets, looks, strict=True)}
    # Once more, calmly, at whoever did not tell all: it may have been we who were slow.
    silent = [each for each in targets if any(_silence(facts[each.name]))]
    again = await asyncio.gather(*(_look(tools, each, parts, later) for each in silent))
    facts |= {each.target: min(each, facts[each.target], key=_silence) for each in again}
    if service.name == OURSELVES and not targets:
        facts[OURSELVES] = Facts(OURSELVES, build=await tools.ports.replica.build())
    facts = await with_expected(tools, service, facts, within_s=_WITHIN_S, guarded=True)
    held = await _held(tools, service, plan, violations.commits(facts.values()))
    judged = await asyncio.to_thread(violations.judge, facts, plan, held, at)
    return replace(judged, losses=found.losses)


async def last_look(ports: Ports, service: Service) -> Guarded | None:
    """Give what the guard saw of a service last."""
    kept = await ports.store.read(lambda tx: ports.marks.get(tx, guard_key(service.name)))
    return adapter_of(Guarded).validate_json(kept) if kept else None


async def look_at_ourselves(ports: Ports) -> Guarded:
    """Hold this process's own build against the deploys that were told of the service `firstfive`, if it is one."""
    deploys = await _kept_deploys(ports, OURSELVES)
    now, service = ports.clock.now(), ports.catalog.service(OURSELVES)
    expected = Expected(standing(deploys), None, changing(deploys, None, now), unreplaced(deploys, now))
    facts = Facts(OURSELVES, build=await ports.replica.build(), expected=expected)
    plan = plan_of(service) if service else GuardPlan()
    return violations.judge({OURSELVES: facts}, replace(plan, stamped=False), {}, now)


async def doubt(ports: Ports, service: Service, look: Guarded, target: str = "") -> str:
    """Say why a look does not tell how a service, or one target of it, is now; "" when it does.

    `stale`: two of the times at which it is looked have passed since, or a deploy or a rollback was told, or a target
    is configured that it has not seen. `incomplete`: discovery did not tell of all targets, or one did not tell all of
    its build. `rolling_out`: targets ran another release while one went out.
    """
    now, moved = ports.clock.now(), moved_at(await _kept_deploys(ports, service.name))
    slots = Slots(plan_of(service).cron)
    due = slots.next(look.at)
    again = slots.next(due) if due is not None else None
    unseen = {each.name for each in service.targets if target in {"", each.name}}.difference(look.targets)
    if unseen or (again is not None and again <= now) or (moved is not None and look.at < moved):
        return "stale"
    if (look.losses and not target) or any(each.why and target in {"", each.target} for each in look.untold):
        return "incomplete"
    is_early = moved is not None and look.at - moved < ROLLS_OUT
    return "rolling_out" if is_early and any(target in {"", each} for each in look.unsettled) else ""


async def _kept_deploys(ports: Ports, service: str) -> Deploys:
    kept = await ports.store.read(lambda tx: ports.marks.get(tx, deploys_key(service)))
    return adapter_of(Deploys).validate_json(kept) if kept else ()


async def _look(tools: Tools, target: Target, parts: Sequence[Part], gate: asyncio.Semaphore) -> Facts:
    wanted = [*parts, *([VERSION] if target.version else [])]
    async with gate:
        captured = await tools.ports.targets.capture(target, wanted)
    return replace(examine(captured, stacks=False), target=target.name)


def _silence(facts: Facts) -> tuple[bool, int]:
    """Say how little a target told: whether its program is unknown, and how much it was asked for in vain."""
    return not facts.build.is_known, len(violations.lost(facts))


async def _held(tools: Tools, service: Service, plan: GuardPlan, commits: Sequence[str]) -> dict[str, bool]:
    """Ask of every commit whether one of the plan's branches holds it; what cannot be told is left out."""
    if not (plan.branches and service.repository):
        return {}
    told = {each: await tools.ports.repository.holds(service, plan.branches, each) for each in commits}
    return {commit: held for commit, held in told.items() if not isinstance(held, Missing)}


async def hear(tools: Tools, service: Service, look: Guarded) -> tuple[Guarded, tuple[str, ...]]:
    """Let incidents and monitoring hear of a look; give all that is wrong, and why what could not be told.

    Safe to repeat. Nothing is heard of a look that was slow, when one that began later was heard already.
    """
    plan, ports = plan_of(service), tools.ports
    route = AlertRoute(service=service.name, severity=plan.severity, do=Do.OPEN)

    def take(tx: Tx) -> Guarded:
        """Tell what is news since the look that was heard last, and be that one, at once: what fires is always kept."""
        ports.alerts.lock(tx)
        before = recalled(ports, tx, guard_key(service.name), Guarded)
        now = violations.carried(look, before)
        if before is None or before.at <= now.at:
            ids = (f"{tools.run_id}.{number}" for number in count(1))
            intake = Intake(tools.registry, ports, AlertPolicy((route,)), lambda: next(ids))
            intake.count_in(tx, violations.alerts(service.name, before, now, plan), Sender.GUARD)
            ports.marks.put(tx, guard_key(service.name), adapter_of(Guarded).dump_json(now).decode())
        return now

    heard = await ports.store.write(take)
    unheard = await _push(tools, service) if ports.gateway.place else None
    return heard, (unheard.reason,) if unheard is not None else ()


async def _push(tools: Tools, service: Service) -> Missing | None:
    """Tell the monitoring, and take back what we told of environments and services that are guarded no more.

    What we have pushed is remembered, as others push to the same place: only that is ours to take back.
    """
    gateway, ours = tools.ports.gateway, [(service.name, service.guard.env)] if service.guard is not None else []
    for group in ours:
        if (untold := await _push_last(tools, group)) is not None:
            return untold
    guarded = {(each.name, each.guard.env) for each in tools.catalog.services if each.guard is not None}
    over = {*(await tools.recall(_PUSHED, Groups) or ())}.difference(guarded)
    failed = await gateway.forget(over) if over else None
    gone = over if failed is None else set[Group]()

    def note(tx: Tx) -> None:
        def noted(known: Groups | None) -> Groups:
            return tuple(sorted({*(known or ()), *ours}.difference(gone)))

        change_kept(tools.ports.marks, tx, _PUSHED, Groups, noted)

    tools.also(note)
    return failed


async def _push_last(tools: Tools, group: Group) -> Missing | None:
    """Tell the numbers of the look that was heard last, and again where another was meanwhile: ours may come later."""
    told: Guarded | None = None
    while (kept := await tools.recall(guard_key(group[0]), Guarded)) is not None and kept != told:
        if (untold := await tools.ports.gateway.push(*group, violations.counts(kept))) is not None:
            return untold
        told = kept
    return None
