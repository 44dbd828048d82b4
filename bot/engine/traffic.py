"""What playbooks do to a service's router: plan a change, make it whatever the router answers, remember it."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.errors import ApprovalRefused, RunFailed
from bot.domain.measures import duration
from bot.domain.rollout import drifted
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.timeline import FIRSTFIVE, Kind
from bot.domain.traffic import CLOSED, Change, Course, Split, change_key
from bot.engine.tools import CONCERN, Tools, adapter_of
from bot.ports import Tx

_LOOKED_AT = 50
_TRIED_FOR, _ROLLS_OUT = timedelta(seconds=60), timedelta(minutes=10)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 2.0
_TURN_S = 10.0
"""So long after its last look, a run that changes a router is dead and another one may."""
RESTORE = "restore"
_CHANGE = "change"
"""Under which key a run remembers that it has begun to change a router."""


async def concern(tools: Tools, name: str, title: str, *, opens: bool = False) -> Service:
    """Give the service that a change of traffic is about, and let the run belong to the incident people look at.

    That is the incident it was asked in, else the latest open one on the service. If there is none, and it `opens` one
    or a chat asks, one is opened: people must see what is told and asked. What FirstFive tells goes to no private one.

    :raises CommandRejected: there is no such service.
    """
    name = name or tools.memos.get(CONCERN, "")
    if tools.incident_id:
        service = tools.service(name or (await tools.incident()).service)
        if (
            not name
        ):  # whatever is named as the incident's service later: what is planned and approved is about this one
            await tools.commit(CONCERN, service.name)
        return service
    service = tools.service(name)
    latest = await tools.incidents(limit=_LOOKED_AT)
    ours = [row for row in latest if row.service == service.name and not (row.private and opens)]
    incident_id = next((row.id for row in ours), "")
    if not incident_id and (opens or tools.run_row.source.channel or tools.run_row.source.response_url):
        outcome = await tools.run("start", {"service": service.name, "title": title.format(service.name)})
        incident_id = outcome.incident_id
    if incident_id:
        await tools.belong(incident_id)
    return service


async def plan_rollback(tools: Tools, service: Service) -> Course:
    """Plan a full rollback: no request reaches the canary; where there is none now, the release before runs again.

    :raises RunFailed: the router cannot be asked, or there is nothing to roll back.
    """
    now, last = await _read(tools, service), await last_change(tools, service)
    if last is not None and not last.restored and now.meets(last.wanted) and last.wanted.meets(CLOSED.within(now)):
        if await tools.ports.router.plan(service, last.wanted):
            return await plan(tools, service, last.wanted)
        raise RunFailed(f"{service.name} was rolled back at {last.at:%H:%M:%S} UTC: {now.words}. Nothing was changed.")
    if now.weight or now.dyed:
        return await plan(tools, service, CLOSED)
    earlier = await tools.ports.router.earlier(service)
    if isinstance(earlier, Missing):
        raise RunFailed(f"The release before of {service.name} is not known: {earlier.reason}. Nothing was changed.")
    if not earlier and CLOSED.within(now) == Split():
        raise RunFailed(f"No release of {service.name} before {now.words} is known. Nothing was changed.")
    return await plan(tools, service, replace(CLOSED, release=earlier))


async def plan(tools: Tools, service: Service, wanted: Split) -> Course:
    """Plan the way from what the service's router does now to what is wanted, as far as it has a word for it.

    :raises RunFailed: the router cannot be asked, or does what is wanted already.
    """
    before = await _read(tools, service)
    wanted = wanted.within(before)
    moves = await tools.ports.router.plan(service, wanted)
    if isinstance(moves, Missing):
        raise RunFailed(f"The router of {service.name} has no plan: {moves.reason}. Nothing was changed.")
    if not moves:
        raise RunFailed(f"{service.name} is so already: {before.words}. Nothing was changed.")
    commands = "; ".join(f"`{move.command}`" for move in moves)
    return Course(before, wanted, moves, f"{commands}. Now {before.words}.")


async def _read(tools: Tools, service: Service) -> Split:
    now = await tools.ports.router.read(service)
    if isinstance(now, Missing):
        raise RunFailed(f"The router of {service.name} cannot be asked: {now.reason}. Nothing was changed.")
    return now


async def follow(tools: Tools, service: Service, course: Course) -> Split:
    """Make the moves of a course until the router says that it does what is wanted; give what it says.

    A move whose answer is late or lost is not made again before the router was read: what it says decides. Each is made
    only while this process still has the run, and only if the course has it: whatever else the router would need means
    that somebody else has changed it. Of runs that change a router at once, one does, and the others see what it did.

    :raises ApprovalRefused: somebody else has changed the router since the course was planned.
    :raises RunFailed: it did not get there in time.
    """
    began_at, wait_s, turn = tools.now(), _FIRST_WAIT_S, f"router:{service.name}"
    while True:
        is_ours = await tools.hold(turn, _TURN_S) == tools.run_id
        now = await tools.ports.router.read(service)
        if isinstance(now, Split) and now.meets(course.wanted):
            now = await _finish(tools, service, course) or now
            await _done(tools, service)
            await tools.hold(turn, 0.0)
            return now
        failure = now.reason if isinstance(now, Missing) else ""
        if isinstance(now, Split):
            failure = await _move_on(tools, service, course, now) if is_ours else "another run changes it"
        patience = _ROLLS_OUT if isinstance(now, Split) and course.is_under_way(now) else _TRIED_FOR
        if tools.now() - began_at >= patience:
            said = "nobody knows what it does" if isinstance(now, Missing) else now.words
            why = f" Its last answer: {failure}." if failure else ""
            raise RunFailed(
                f"The router of {service.name} is not there after {duration(patience)}: {said}.{why} "
                f"Ask for it again to go on from there."
            )
        await tools.pause(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def set_traffic(tools: Tools, service: Service, course: Course, now: Split, reason: str) -> str:
    """Tell the timeline that this run set a router, together with the step's result; in words, when it had not to."""
    if _CHANGE not in tools.memos:
        return " It was so already when its turn came: nothing more was changed."
    by_itself = tools.actor.id == FIRSTFIVE.id
    second = tools.approved_by.name if tools.approved_by and tools.approved_by.id != tools.actor.id else ""
    tools.record(
        Kind.TRAFFIC_SET,
        service=service.name,
        verb=tools.run_row.plan.playbook,
        before=course.before.words,
        after=now.words,
        commands=[move.command for move in course.moves],
        approved_by=second,
        by_itself=by_itself,
        run=tools.run_id,
        reason=reason,
    )
    return ""


async def note_drift(tools: Tools, service: Service) -> str:
    """Tell the timeline, once, that somebody else has undone what FirstFive did to a router; give it in words, or "".

    It is told together with the step's result.
    """
    # Read first: what FirstFive begins to change meanwhile is known then, and no drift.
    now = await tools.ports.router.read(service)
    last = await last_change(tools, service)
    if last is None or isinstance(now, Missing) or not last.drifts(now):
        return ""
    body = {"service": service.name, "wanted": last.wanted.words, "now": now.words}
    tools.record(Kind.DRIFTED, **body)
    _amend(tools, last, replace(last, drifted=True))
    return drifted(body)


async def last_change(tools: Tools, service: Service) -> Change | None:
    """Give what was last done to a service's router, as far as FirstFive did it."""
    return await tools.recall(change_key(service.name), Change)


async def _remember(tools: Tools, service: Service, course: Course) -> None:
    """Keep what there was before the first move, once; after several changes in a row, before the first of them.

    One that stopped half way is gone on from.
    """
    last = await last_change(tools, service)
    is_next = last is not None and last.run != tools.run_id and not last.restored and _goes_on(tools, last, course)
    verb = tools.run_row.plan.playbook
    change = Change(
        tools.run_id,
        service.name,
        last.before if last is not None and is_next else course.before,
        course.wanted,
        tools.now(),
        tools.incident_id,
        restored=verb == RESTORE,
        by_itself=tools.actor.id == FIRSTFIVE.id,
    )
    text = adapter_of(Change).dump_json(change).decode()
    await tools.apply(_CHANGE, lambda tx: tools.ports.marks.put(tx, change_key(service.name), text))


def _goes_on(tools: Tools, last: Change, course: Course) -> bool:
    """Tell whether a course begins where the change before ended, or where it stopped half way in the same incident."""
    is_half = not last.done and last.incident == tools.incident_id
    return course.before.meets(last.wanted) or (is_half and not last.course.strays(course.before))


async def _finish(tools: Tools, service: Service, course: Course) -> Split | None:
    """Make what is left though the router is as it is wanted, such as to keep that over its restart.

    Only what was approved, or a part of it. That it fails is nothing to wait for: the router's note says what is left.
    """
    left = await tools.ports.router.plan(service, course.wanted)
    mine = [] if isinstance(left, Missing) else [move for move in left if course.covers(move)]
    for move in mine:
        await tools.commit("fence", "true")
        await tools.ports.router.make(service, move)
    now = await tools.ports.router.read(service) if mine else None
    return now if isinstance(now, Split) and now.meets(course.wanted) else None


async def _done(tools: Tools, service: Service) -> None:
    """Remember, together with the step's result, that the router was read back as this run wanted it."""
    last = await last_change(tools, service)
    if last is not None and last.run == tools.run_id:
        _amend(tools, last, replace(last, done=True))


def _amend(tools: Tools, last: Change, amended: Change) -> None:
    """Keep more of a change, together with the step's result, unless another one has begun meanwhile."""
    adapter, key, marks = adapter_of(Change), change_key(last.service), tools.ports.marks

    def act(tx: Tx) -> None:
        kept = marks.get(tx, key)
        if kept is not None and adapter.validate_json(kept).run == last.run:
            marks.put(tx, key, adapter.dump_json(amended).decode())

    tools.also(act)


async def _move_on(tools: Tools, service: Service, course: Course, now: Split) -> str:
    """Make the moves that are left; give why one may not have been made."""
    left = await tools.ports.router.plan(service, course.wanted)
    if isinstance(left, Missing):
        return left.reason
    if course.strays(now) or any(move not in course.moves for move in left):
        raise ApprovalRefused(
            f"Somebody else has changed the router of {service.name}: it was planned from {course.before.words}, and "
            f"now {now.words}. Nothing more was changed; ask for it again."
        )
    await _remember(tools, service, course)
    for move in left:
        await tools.commit("fence", "true")
        failed = await tools.ports.router.make(service, move)
        if failed is not None:
            return failed.reason
    return ""
