"""Fakes of what keeps: everything is in one value that a transaction copies."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.domain.alert_groups import AlertGroup, Member
from bot.domain.alerts import Do
from bot.domain.errors import FenceLost
from bot.domain.exhibits import artifacts_in
from bot.domain.run import Reply, Run, RunStatus, Source
from bot.domain.sign_in import Session, Token
from bot.domain.timeline import Entry, Person
from bot.ports import ASKED, Answer, Installation, Memo, Memory, Surface, Tx

T = TypeVar("T")

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time that passes only when somebody waits for it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, at: datetime) -> None:
        self.at = max(self.at, at)
        await asyncio.sleep(0)


class FakeBell:
    """Says at once that something may have happened."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, topics: Iterable[str]) -> None:
        self.rung.extend(sorted(topics))

    async def wait(self, topic: str, until: datetime) -> None:
        assert topic
        assert until.tzinfo
        await asyncio.sleep(0.001)


@dataclass
class FakeTx:
    """Everything there is."""

    chains: dict[str, list[Entry]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    memos: dict[str, dict[str, str]] = field(default_factory=dict)
    kept_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    signals: list[tuple[str, str, str]] = field(default_factory=list)
    answers: dict[str, tuple[Answer, str]] = field(default_factory=dict)
    holds: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    surfaces: dict[tuple[str, str], Surface] = field(default_factory=dict)
    alert_groups: dict[str, AlertGroup] = field(default_factory=dict)
    members: dict[str, dict[str, Member]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    installations: dict[str, Installation] = field(default_factory=dict)
    naming: dict[str, set[str]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)


def _in(tx: Tx) -> FakeTx:
    assert isinstance(tx, FakeTx)
    return tx


def _copied(tx: FakeTx) -> FakeTx:
    """Copy what holds the values, and not these: none of them can be changed."""
    return FakeTx(**{each.name: _held(getattr(tx, each.name)) for each in fields(tx)})


def _held(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _held(each) for key, each in value.items()}
    return value.copy() if isinstance(value, list | set) else value


def name(tx: Tx, incident_id: str, told: Iterable[str | None]) -> None:
    for one in artifacts_in("[" + ",".join(text for text in told if text) + "]"):
        _in(tx).naming.setdefault(one, set()).add(incident_id)


class FakeStore:
    """An act works on a copy, which becomes the truth if the act ends well."""

    def __init__(self, on_commit: Callable[[frozenset[str]], None] = lambda _: None) -> None:
        self.now = FakeTx()
        self._on_commit = on_commit

    async def write(self, act: Callable[[Tx], T]) -> T:
        draft = _copied(self.now)
        draft.topics = set()
        value = act(draft)
        self.now = draft
        if draft.topics:
            self._on_commit(frozenset(draft.topics))
        await asyncio.sleep(0)
        return value

    async def read(self, act: Callable[[Tx], T]) -> T:
        await asyncio.sleep(0)
        return act(_copied(self.now))


class FakeInstallations:
    def all(self, tx: Tx) -> list[Installation]:
        return [kept for _, kept in sorted(_in(tx).installations.items())]

    def keep(self, tx: Tx, given: Installation) -> None:
        _in(tx).installations[given.team] = given
        _in(tx).topics.add("installations")

    def revoke(self, tx: Tx, team: str, at: datetime) -> bool:
        known = _in(tx).installations.get(team)
        if known is None or known.revoked_at or known.installed_at > at:
            return False
        self.keep(tx, replace(known, token="", revoked_at=at))
        return True


class FakeJournal:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def admit(self, tx: Tx, run: Run) -> str:
        state = _in(tx)
        holder = next((known.id for known in state.runs.values() if known.slot == run.slot), run.id)
        if holder == run.id and run.id not in state.runs:
            state.runs[run.id] = run
            state.topics.update(("runs", f"run:{run.id}"))
        return holder

    def claim(self, tx: Tx, run_id: str, now: datetime) -> Memory | None:
        state = _in(tx)
        run = state.runs.get(run_id)
        if run is None or run.status.ended or (run.wake_at is not None and run.wake_at > now):
            return None
        started_at = run.started_at or now
        taken = replace(
            run, status=RunStatus.RUNNING, fence=run.fence + 1, started_at=started_at, ended_at=None, reason=""
        )
        state.runs[run_id] = taken
        return Memory(taken, dict(state.memos.get(run_id, {})))

    def remember(self, tx: Tx, run: Run, key: str, value: str, now: datetime) -> None:
        assert now.tzinfo
        _check_fence(tx, run)
        _in(tx).memos.setdefault(run.id, {})[key] = value
        name(tx, _in(tx).runs[run.id].incident_id, [value])
        _in(tx).kept_at[run.id, key] = now

    def memo(self, tx: Tx, run_id: str, key: str) -> str | None:
        return _in(tx).memos.get(run_id, {}).get(key)

    def memos(self, tx: Tx, run_id: str, keys: Sequence[str]) -> Mapping[str, Memo]:
        state = _in(tx)
        kept = state.memos.get(run_id, {})
        return {key: Memo(kept[key], state.kept_at.get((run_id, key), NOON)) for key in keys if key in kept}

    def bind(self, tx: Tx, run: Run, incident_id: str) -> None:
        state = _in(tx)
        state.runs[run.id] = replace(state.runs[run.id], incident_id=incident_id)
        name(tx, incident_id, state.memos.get(run.id, {}).values())

    def end(self, tx: Tx, run: Run) -> None:
        known, state = _check_fence(tx, run), _in(tx)
        state.runs[run.id] = replace(
            known, status=run.status, result=run.result, reason=run.reason, ended_at=run.ended_at
        )
        name(tx, known.incident_id, [json.dumps(run.result)])
        state.topics.add(f"run:{run.id}")

    def reply(self, tx: Tx, key: str, source: Source, person: Person, reply: Reply) -> None:
        state = _in(tx)
        state.answers.setdefault(key, (Answer(key, source, person, reply, self._clock.now()), ""))
        state.topics.add("replies")

    def signal(self, tx: Tx, run_id: str, topic: str, value: str) -> None:
        state = _in(tx)
        state.signals.append((run_id, topic, value))
        state.topics.add(f"run:{run_id}")

    def signals(self, tx: Tx, run_id: str, topic: str) -> list[str]:
        return [value for to, about, value in _in(tx).signals if (to, about) == (run_id, topic)]

    def get(self, tx: Tx, run_id: str) -> Run | None:
        return _in(tx).runs.get(run_id)

    def due(self, tx: Tx, now: datetime, statuses: Sequence[RunStatus]) -> list[str]:
        due = [run for run in _in(tx).runs.values() if run.status in statuses and (run.wake_at or now) <= now]
        return [run.id for run in sorted(due, key=lambda run: (run.created_at, run.id))]

    def forget(self, tx: Tx, run_id: str) -> None:
        state = _in(tx)
        run, answer = state.runs.get(run_id), state.answers.get(f"run:{run_id}")
        if run is None or not run.status.ended:
            return
        state.runs[run_id] = replace(run, plan=replace(run.plan, params={}), result=None, reason="")
        state.memos.pop(run_id, None)
        if answer is not None and answer[1]:
            del state.answers[f"run:{run_id}"]

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        state = _in(tx)
        unended = {run.id for run in state.runs.values() if not run.status.ended}
        old = [
            run.id
            for run in state.runs.values()
            if not run.incident_id and run.status.ended and run.ended_at and run.ended_at < before
            if run.parent_id not in unended
        ][:limit]
        told = [key for key, (answer, outcome) in state.answers.items() if outcome and answer.queued_at < before]
        for run_id in old:
            del state.runs[run_id]
            state.memos.pop(run_id, None)
        state.signals = [signal for signal in state.signals if signal[0] not in old]
        lapsed = [key for key, (_, lasts) in state.holds.items() if lasts < before][:limit]
        for key in told[:limit]:
            del state.answers[key]
        for key in lapsed:
            del state.holds[key]
        return len(old) + len(told[:limit]) + len(lapsed)

    def running(self, tx: Tx, playbook: str, incident_id: str) -> list[str]:
        wanted = [
            run
            for run in _in(tx).runs.values()
            if (run.plan.playbook, run.incident_id) == (playbook, incident_id) and not run.status.ended
        ]
        return [run.id for run in sorted(wanted, key=lambda run: (run.created_at, run.id))]

    def children(self, tx: Tx, run: Run) -> list[Run]:
        begun = [row for row in _in(tx).runs.values() if row.parent_id == run.id and row.incident_id == run.incident_id]
        return sorted(begun, key=lambda row: (row.created_at, row.id))

    def asking(self, tx: Tx) -> list[Run]:
        state = _in(tx)
        asked = [row for row in state.runs.values() if not row.status.ended and ASKED in state.memos.get(row.id, {})]
        return sorted(asked, key=lambda row: (row.created_at, row.id))

    def hold(self, tx: Tx, key: str, holder: str, now: datetime, until: datetime) -> str:
        holds = _in(tx).holds
        owner, lasts = holds.get(key, (holder, now))
        if owner == holder or lasts <= now:
            holds[key] = holder, until
        return holds[key][0]


def _check_fence(tx: Tx, run: Run) -> Run:
    known = _in(tx).runs.get(run.id)
    if known is None or (known.fence, known.status) != (run.fence, RunStatus.RUNNING):
        raise FenceLost(f"Run {run.id} is another worker's now, or has ended; nothing was recorded.")
    return known


class FakeAlerts:
    def lock(self, tx: Tx) -> None:
        _in(tx)

    def group(self, tx: Tx, key: str) -> AlertGroup | None:
        return _in(tx).alert_groups.get(key)

    def keep(self, tx: Tx, group: AlertGroup) -> None:
        _in(tx).alert_groups[group.key] = group

    def members(self, tx: Tx, key: str) -> dict[str, Member]:
        return dict(_in(tx).members.get(key, {}))

    def change(self, tx: Tx, key: str, members: Sequence[Member]) -> None:
        _in(tx).members.setdefault(key, {}).update({member.fingerprint: member for member in members})

    def forget(self, tx: Tx, key: str) -> None:
        _in(tx).members.pop(key, None)

    def begun(self, tx: Tx, do: Do, since: datetime) -> list[AlertGroup]:
        found = [
            one for one in _in(tx).alert_groups.values() if one.do is do and one.began_at >= since and not one.lead
        ]
        return sorted(found, key=lambda one: (-one.began_at.timestamp(), one.key))

    def proposed(self, tx: Tx) -> list[AlertGroup]:
        found = [
            one
            for one in _in(tx).alert_groups.values()
            if one.do is Do.PROPOSE and one.proposed and one.firing and not one.incident_id
        ]
        return sorted(found, key=lambda one: (-one.began_at.timestamp(), one.key))


class FakeSurfaces:
    def shown(self, tx: Tx, incident_id: str) -> dict[str, Surface]:
        return {key: surface for (of, key), surface in _in(tx).surfaces.items() if of == incident_id}

    def show(self, tx: Tx, surface: Surface) -> None:
        _in(tx).surfaces[surface.incident_id, surface.key] = surface

    def owed(self, tx: Tx, limit: int) -> list[Answer]:
        return [answer for answer, outcome in _in(tx).answers.values() if not outcome][:limit]

    def settle(self, tx: Tx, key: str, outcome: str) -> None:
        answers = _in(tx).answers
        if key in answers:
            answers[key] = answers[key][0], outcome or "delivered"


class FakeMarks:
    def get(self, tx: Tx, key: str) -> str | None:
        return _in(tx).marks.get(key)

    def put(self, tx: Tx, key: str, value: str) -> None:
        _in(tx).marks[key] = value

    def swap(self, tx: Tx, key: str, was: str | None, value: str) -> bool:
        marks = _in(tx).marks
        if marks.get(key) != was:
            return False
        marks[key] = value
        return True
