"""A second person's word before anything is changed: given for exactly this plan, once, in time.

The decision is an entry of the timeline; the run that waits reads it there, a signal only wakes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.approval import UNKNOWN, Decision, Granted, Refused, Request, plan_sha256, requests
from bot.domain.authority import GRANTED, Right, Ruling
from bot.domain.run import Run, Source
from bot.domain.timeline import FIRSTFIVE, HOUSE, TOKEN, Author, Draft, Kind, Person, behind, to_us
from bot.engine.authority import policy_sha256
from bot.engine.permission import NO_REASON, about, breaks, reason_of, thawed, without_second
from bot.engine.playbook import Params, Playbook, plan_of
from bot.engine.tools import Tools
from bot.ports import ASKED, Tx

TOPIC = "approval"
_EXPIRED = "expired"
FOR_EVER = timedelta(days=36_500)
_NOT_RULED = Ruling(granted=False, reason="Nobody has looked up who may decide that.")


@dataclass(frozen=True)
class Policy:
    """How long a request stands, and how long its approval may wait to be used. Seconds."""

    expires_s: float = 600.0


@dataclass(frozen=True)
class Press:
    """What somebody decides about a plan, and why. `plan` is what they saw: its hash, the beginning of it, "" for any.

    `frozen`: under what freeze the service was then.
    """

    person: Person
    decision: Decision
    plan: str = ""
    reason: str = ""
    frozen: str = ""


POLICY = Policy()
RIGHTS = {Decision.APPROVED: Right.APPROVE, Decision.ALONE: Right.BREAK_GLASS}
"""The right on a service that a decision takes."""


def decide(
    policy: Policy, request: Request, press: Press, now: datetime, ruling: Ruling = _NOT_RULED
) -> Granted | Refused:
    """Tell whether a press decides a request; `ruling`: whether who pressed has the right on the service, if it is one.

    To refuse is everybody's right, the requester's too; to approve takes a known second person.
    """
    objection = _over(policy, request, press, now) or _wrong_person(request, press, ruling)
    return Refused(objection) if objection else Granted(press.person, now)


def _over(policy: Policy, request: Request, press: Press, now: datetime) -> str:
    if request.decided is not None:
        by = f" by {request.decided_by.name}" if request.decided is not Decision.EXPIRED else ""
        return f"{request.words} was {request.decided.value}{by} already. Nothing was changed."
    if now >= min(request.expires_at, request.asked_at + timedelta(seconds=policy.expires_s)):
        return f"The time to approve {request.words} is over. Ask for it again."
    if not request.plan.startswith(press.plan):
        return f"The plan of {request.words} is not the one you saw. Look at it again."
    return ""


def _wrong_person(request: Request, press: Press, ruling: Ruling) -> str:
    if press.decision not in {Decision.APPROVED, Decision.ALONE}:
        return ""
    if press.person.id.startswith((TOKEN, *UNKNOWN)):
        return "Who approves must be known: approve in Slack, signed in on the page, or with `firstfive run approve`."
    if press.decision is Decision.ALONE and not press.reason.strip():
        return NO_REASON
    if press.decision is Decision.ALONE and not request.breakable:
        return f"There is no glass to break: {request.words} takes a second person, or can wait."
    if press.decision is Decision.APPROVED and press.person.id == behind(request.requester):
        return f"You asked for {request.words} yourself; it takes a second person to approve it."
    return "" if ruling.granted or not request.service else ruling.reason


def recheck(
    policy: Policy, request: Request, plan: str, now: datetime, ruling: Ruling = _NOT_RULED
) -> Granted | Refused:
    """Tell whether what was decided lets this plan be executed now; `ruling` as it is now."""
    if request.decided is None or request.decided_at is None:
        return Refused(f"Nobody has approved {request.words}.")
    if request.decided is Decision.EXPIRED:
        minutes = (request.expires_at - request.asked_at) / timedelta(minutes=1)
        return Refused(f"Nobody approved {request.words} within {minutes:.0f} minutes. Nothing was changed.")
    if request.decided is Decision.REFUSED:
        why = f": {request.reason}" if request.reason else "."
        return Refused(f"{request.decided_by.name} refused {request.words}{why}")
    if now > request.decided_at + timedelta(seconds=policy.expires_s):
        return Refused(
            f"The approval of {request.words} at {request.decided_at:%H:%M} UTC is too old. Ask for it again."
        )
    undecided = replace(request, plan=plan, decided=None, decided_by=Person("", ""))
    press = Press(request.decided_by, request.decided, request.plan, request.reason)
    return decide(policy, undecided, press, request.decided_at, ruling)


def render(tools: Tools, playbook: Playbook, service: str = "") -> dict[str, Any]:
    """Give all that an approval is about: what was asked, the steps, and what those before the first change left.

    Of the service it is about, also the rules by which its traffic is moved.
    """
    plan = tools.run_row.plan
    left = {step.name: json.loads(tools.memos[f"step:{step.name}"]) for step in playbook.before_changes}
    found = tools.catalog.service(service)
    rules = {"service": service, "policy": policy_sha256(found) if found else ""} if service else {}
    return {
        "run": tools.run_id,
        "incident": tools.incident_id,
        "playbook": plan.playbook,
        "params": dict(plan.params),
        "steps": list(plan.steps),
        "measured": left,
        **rules,
    }


async def approval(tools: Tools, playbook: Playbook, params: Params, summaries: Mapping[str, str]) -> Granted | Refused:
    """Ask for an approval, once, and wait for the decision; `summaries` tell by step title what was measured."""
    service = await about(tools, params)
    # Once the first change has begun, the approval is used; what it takes to finish it is not held against it.
    is_used = f"began:{playbook.steps[len(playbook.before_changes)].name}" in tools.memos
    if ASKED not in tools.memos:
        told = await without_second(tools, playbook, params, service, is_used=is_used)
        if told is not None:
            return told
    plan = plan_sha256(render(tools, playbook, service))
    alone = reason_of(params) if breaks(playbook, params) else ""
    after = await _ask(tools, playbook, Asking(plan, service, summaries, alone))
    while True:
        asked = await _find(tools, after)
        if asked is None:
            return Refused(f"What was asked about {playbook.name} has been blanked; ask for it again.")
        if asked.decided is not None:
            if is_used:
                return recheck(POLICY, asked, plan, asked.decided_at or tools.now(), GRANTED)
            waited_s = ((asked.decided_at or tools.now()) - asked.asked_at).total_seconds()
            tools.ports.observer.approval_decided(asked.decided, waited_s)
            return await _use(tools, playbook, asked, plan)
        if tools.now() >= asked.expires_at:
            await _expire(tools, asked)
        else:
            await tools.listen(asked.expires_at)


async def _use(tools: Tools, playbook: Playbook, asked: Request, plan: str) -> Granted | Refused:
    """Look at a decision again before anything is changed: whoever decided may have lost the right meanwhile."""
    ruling = GRANTED
    if asked.service and asked.decided in RIGHTS:
        ruling = await tools.may(RIGHTS[asked.decided], asked.service, asked.decided_by)
    told = recheck(POLICY, asked, plan, tools.now(), ruling)
    if isinstance(told, Granted) and asked.decided is not Decision.ALONE:
        return await thawed(tools, playbook, asked.service) or told
    return told


@dataclass(frozen=True)
class Asking:
    """What is asked for: the plan's hash, the service it is about ("": none), what was measured.

    `alone`: why whoever asks lets it through without a second person; "" when they wait for one.
    """

    plan: str
    service: str
    measured: Mapping[str, str]
    alone: str = ""


async def _ask(tools: Tools, playbook: Playbook, asking: Asking) -> int:
    """Put the request on the timeline, once; give the number of the entry before it."""
    if ASKED not in tools.memos:
        now, chain, frozen = tools.now(), tools.incident_id or HOUSE, await tools.frozen(asking.service)
        given = Press(tools.actor, Decision.ALONE, reason=asking.alone, frozen=frozen.words if frozen else "")
        body = _body(tools, playbook, asking)

        def act(tx: Tx) -> str:
            timeline = tools.ports.timeline
            head = timeline.heads(tx, chain).get(chain)
            after = str(head.seq if head else 0)
            tools.ports.journal.remember(tx, tools.run_row, ASKED, after, now)
            tools.append(Draft(Kind.APPROVAL_ASKED, body))(tx)
            if asking.alone:
                asked = requests(timeline.entries(tx, chain, int(after)))[-1]
                settle(tx, tools, asked, given)
            return after

        tools.memos[ASKED] = await tools.ports.store.write(act)
    return int(tools.memos[ASKED])


def _body(tools: Tools, playbook: Playbook, asking: Asking) -> dict[str, Any]:
    row = tools.run_row
    return {
        "run": row.id,
        "playbook": playbook.name,
        "params": dict(row.plan.params),
        "steps": [step.title for step in playbook.steps if playbook.asks(step)],
        "measured": dict(asking.measured),
        "plan": asking.plan,
        "person": row.actor.id,
        "name": row.actor.name,
        "expires_at": to_us(tools.now() + timedelta(seconds=POLICY.expires_s)),
        "service": asking.service,
        "breakable": bool(playbook.break_glass and asking.service),
    }


async def _find(tools: Tools, after: int) -> Request | None:
    timeline, chain = tools.ports.timeline, tools.incident_id or HOUSE
    entries = await tools.ports.store.read(lambda tx: timeline.entries(tx, chain, after))
    return next((asked for asked in requests(entries) if asked.run_id == tools.run_id), None)


async def _expire(tools: Tools, asked: Request) -> None:
    def act(tx: Tx) -> None:
        settle(tx, tools, asked, Press(FIRSTFIVE, Decision.EXPIRED))

    # Fenced: whoever has lost the run, and waits for the same moment, must not say it a second time.
    await tools.apply(_EXPIRED, act)


def settle(tx: Tx, tools: Tools, asked: Request, given: Press) -> bool:
    """Put a decision on the timeline and wake the run, if it is the first; tell whether it is.

    Whoever breaks the glass has whoever is on call paged, and says it if the service was frozen.
    """
    ports, now = tools.ports, tools.now()
    key = f"approval:{asked.run_id}:{asked.plan}"
    mine = f"{given.decision.value} by {tools.run_id}"
    if ports.journal.hold(tx, key, mine, now, now + FOR_EVER) != mine:
        return False
    run = ports.journal.get(tx, asked.run_id)
    body = {"run": asked.run_id, "playbook": asked.playbook, "plan": asked.plan, "decision": given.decision.value}
    body |= {"person": given.person.id, "name": given.person.name, "reason": given.reason}
    draft = Draft(Kind.APPROVAL_DECIDED, body)
    if given.decision is Decision.ALONE:
        draft = Draft(Kind.BROKE_GLASS, {**body, "service": asked.service, "frozen": given.frozen})
        ports.journal.admit(tx, _alarm(tools, asked, given, run))
    author = Author(given.person, tools.run_id, tools.step)
    ports.timeline.append(tx, (run.incident_id if run else "") or HOUSE, [draft], author, now)
    ports.journal.signal(tx, asked.run_id, TOPIC, given.decision.value)
    return True


def _alarm(tools: Tools, asked: Request, given: Press, run: Run | None) -> Run:
    """Give the run that pages whoever is on call; once for a plan, whoever presses how often."""
    by, what = given.person, f"{asked.playbook} on {asked.service}"
    text = f"{by.name} broke the glass: {what}, without a second person. Why: {given.reason}"
    params = {"service": asked.service, "key": f"glass:{asked.run_id}", "besides": by.id, "text": text}
    return Run(
        id=f"{asked.run_id}.glass",
        plan=plan_of(tools.registry, "page", params),
        actor=by,
        source=replace(run.source, response_url="", via="run") if run else Source(via="run"),
        created_at=tools.now(),
        slot=f"{asked.run_id}.glass",
        incident_id=run.incident_id if run else "",
        parent_id=asked.run_id,
    )
