"""A second person's word before anything is changed: given for exactly this plan, once, in time.

The decision is an entry of the timeline; the run that waits reads it there, a signal only wakes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.domain.approval import Decision, Request, plan_sha256, requests
from bot.domain.errors import ApprovalRefused, CommandRejected
from bot.domain.timeline import FIRSTFIVE, HOUSE, Author, Draft, Kind, Person, to_us
from bot.engine.playbook import Danger, Playbook
from bot.engine.tools import Tools
from bot.ports import Tx

TOPIC = "approval"
_ASKED = "approval"
_PRESSED = "decision"
_EXPIRED = "expired"
_FOR_EVER = timedelta(days=36_500)
_UNKNOWN = ("api:", FIRSTFIVE.id)


@dataclass(frozen=True)
class Policy:
    """How long a request stands, and how long its approval may wait to be used. Seconds."""

    expires_s: float = 600.0


@dataclass(frozen=True)
class Press:
    """What somebody decides about a plan. `plan` is what they saw: its hash, the beginning of it, or "" for any."""

    person: Person
    decision: Decision
    plan: str = ""


@dataclass(frozen=True)
class Granted:
    """The decision counts."""

    by: Person
    at: datetime


@dataclass(frozen=True)
class Refused:
    """The decision does not count, or there is none; says why."""

    reason: str


POLICY = Policy()


def decide(policy: Policy, request: Request, press: Press, now: datetime) -> Granted | Refused:
    """Tell whether a press decides a request.

    To refuse is everybody's right, the requester's too; to approve takes a known second person.
    """
    objection = _over(policy, request, press, now) or _wrong_person(request, press)
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


def _wrong_person(request: Request, press: Press) -> str:
    if press.decision is not Decision.APPROVED:
        return ""
    if press.person.id.startswith(_UNKNOWN):
        return "Who approves must be known: approve in Slack, or with `firstfive run approve`."
    if press.person.id == request.requester.id:
        return f"You asked for {request.words} yourself; it takes a second person to approve it."
    return ""


def recheck(policy: Policy, request: Request, plan: str, now: datetime) -> Granted | Refused:
    """Tell whether what was decided lets this plan be executed now."""
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
    press = Press(request.decided_by, request.decided, request.plan)
    return decide(policy, undecided, press, request.decided_at)


def render(tools: Tools, playbook: Playbook) -> dict[str, Any]:
    """Give all that an approval is about: what was asked, the steps, and what those before the first change left."""
    plan = tools.run_row.plan
    left = {step.name: json.loads(tools.memos[f"step:{step.name}"]) for step in playbook.before_changes}
    return {
        "run": tools.run_id,
        "incident": tools.incident_id,
        "playbook": plan.playbook,
        "params": dict(plan.params),
        "steps": list(plan.steps),
        "measured": left,
    }


async def approval(tools: Tools, playbook: Playbook, summaries: Mapping[str, str]) -> Granted | Refused:
    """Ask for an approval, once, and wait for the decision; `summaries` tell by step title what was measured."""
    plan = plan_sha256(render(tools, playbook))
    policy, first = POLICY, playbook.steps[len(playbook.before_changes)]
    after = await _ask(tools, playbook, plan, summaries)
    while True:
        asked = await _find(tools, after)
        if asked is None:
            return Refused(f"What was asked about {playbook.name} has been blanked; ask for it again.")
        if asked.decided is not None:
            # Once the first change has begun, the approval is used; what it takes to finish it is not held against it.
            is_used = f"began:{first.name}" in tools.memos
            now = (asked.decided_at or tools.now()) if is_used else tools.now()
            return recheck(policy, asked, plan, now)
        if tools.now() >= asked.expires_at:
            await _expire(tools, asked)
        else:
            await tools.listen(asked.expires_at)


async def _ask(tools: Tools, playbook: Playbook, plan: str, summaries: Mapping[str, str]) -> int:
    """Put the request on the timeline, once; give the number of the entry before it."""
    if _ASKED not in tools.memos:
        now, chain = tools.now(), tools.incident_id or HOUSE
        row = tools.run_row
        body = {
            "run": row.id,
            "playbook": playbook.name,
            "params": dict(row.plan.params),
            "steps": [step.title for step in playbook.steps if step.danger is Danger.MUTATING],
            "measured": dict(summaries),
            "plan": plan,
            "person": row.actor.id,
            "name": row.actor.name,
            "expires_at": to_us(now + timedelta(seconds=POLICY.expires_s)),
        }

        def act(tx: Tx) -> str:
            head = tools.ports.timeline.heads(tx, chain).get(chain)
            after = str(head.seq if head else 0)
            tools.ports.journal.remember(tx, row, _ASKED, after, now)
            tools.append(Draft(Kind.APPROVAL_ASKED, body))(tx)
            return after

        tools.memos[_ASKED] = await tools.ports.store.write(act)
    return int(tools.memos[_ASKED])


async def _find(tools: Tools, after: int) -> Request | None:
    timeline, chain = tools.ports.timeline, tools.incident_id or HOUSE
    entries = await tools.ports.store.read(lambda tx: timeline.entries(tx, chain, after))
    return next((asked for asked in requests(entries) if asked.run_id == tools.run_id), None)


async def _expire(tools: Tools, asked: Request) -> None:
    def act(tx: Tx) -> None:
        _settle(tx, tools, asked, Press(FIRSTFIVE, Decision.EXPIRED), "")

    # Fenced: whoever has lost the run, and waits for the same moment, must not say it a second time.
    await tools.apply(_EXPIRED, act)


async def press(tools: Tools, run_id: str, seen: str, decision: Decision, reason: str = "") -> Request:
    """Decide about the plan of a run, or the only one that waits in the incident; give what was decided about.

    :raises CommandRejected: nothing waits, or several do.
    :raises ApprovalRefused: the decision does not count; says why.
    """
    if _PRESSED not in tools.memos:
        now = tools.now()

        def act(tx: Tx) -> str:
            asked = _wanted(tx, tools, run_id)
            done = decide(POLICY, asked, given := Press(tools.actor, decision, seen), now)
            if isinstance(done, Granted) and not _settle(tx, tools, asked, given, reason):
                done = Refused(f"Somebody else has decided about {asked.words} already. Nothing was changed.")
            left = _LEFT.dump_json((asked, done.reason if isinstance(done, Refused) else "")).decode()
            tools.ports.journal.remember(tx, tools.run_row, _PRESSED, left, now)
            return left

        tools.memos[_PRESSED] = await tools.ports.store.write(act)
    asked, refusal = _LEFT.validate_json(tools.memos[_PRESSED])
    if refusal:
        raise ApprovalRefused(refusal)
    return asked


def _wanted(tx: Tx, tools: Tools, run_id: str) -> Request:
    """Find the request that is meant."""
    run = tools.ports.journal.get(tx, run_id) if run_id else None
    chain = (run.incident_id or HOUSE) if run else tools.incident_id
    if run_id and run is None:
        raise CommandRejected(f"There is no run {run_id[:40]!r}.")
    if not chain:
        raise CommandRejected("Which one? Write run=..., or say it in the incident's channel.")
    known = [asked for asked in requests(tools.ports.timeline.entries(tx, chain)) if run_id in {"", asked.run_id}]
    waiting = [asked for asked in known if asked.decided is None] or known[-1:]
    if not waiting:
        raise CommandRejected(f"Nothing waits for an approval {'there' if run_id else f'in {chain}'}.")
    if len(waiting) > 1:
        listed = "; ".join(f"`run={asked.run_id}` {asked.words}" for asked in waiting)
        raise CommandRejected(f"Several wait for an approval, name one: {listed}.")
    return waiting[0]


def _settle(tx: Tx, tools: Tools, asked: Request, given: Press, reason: str) -> bool:
    """Put a decision on the timeline and wake the run, if it is the first; tell whether it is."""
    ports, now = tools.ports, tools.now()
    key = f"approval:{asked.run_id}:{asked.plan}"
    mine = f"{given.decision.value} by {tools.run_id}"
    if ports.journal.hold(tx, key, mine, now, now + _FOR_EVER) != mine:
        return False
    run = ports.journal.get(tx, asked.run_id)
    body = {"run": asked.run_id, "playbook": asked.playbook, "plan": asked.plan, "decision": given.decision.value}
    body |= {"person": given.person.id, "name": given.person.name, "reason": reason}
    draft = Draft(Kind.APPROVAL_DECIDED, body)
    author = Author(given.person, tools.run_id, tools.step)
    ports.timeline.append(tx, (run.incident_id if run else "") or HOUSE, [draft], author, now)
    ports.journal.signal(tx, asked.run_id, TOPIC, given.decision.value)
    return True


_LEFT: TypeAdapter[tuple[Request, str]] = TypeAdapter(tuple[Request, str])
