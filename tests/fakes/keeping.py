"""Fakes of what keeps: everything is in one value that a transaction copies."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.domain.alert_groups import AlertGroup, Member
from bot.domain.alerts import Do
from bot.domain.errors import FenceLost, IncidentNotFound
from bot.domain.incident import Incident, Status, fold
from bot.domain.run import Reply, Run, RunStatus, Source
from bot.domain.timeline import HOUSE, Author, Draft, Entry, Head, Kind, Person, link
from bot.ports import Answer, Installation, Listed, Memory, Surface, Tx

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
    signals: list[tuple[str, str, str]] = field(default_factory=list)
    answers: dict[str, tuple[Answer, str]] = field(default_factory=dict)
    holds: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    surfaces: dict[tuple[str, str], Surface] = field(default_factory=dict)
    alert_groups: dict[str, AlertGroup] = field(default_factory=dict)
    members: dict[str, dict[str, Member]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    installations: dict[str, Installation] = field(default_factory=dict)
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


class FakeTimeline:
    def open(self, tx: Tx, draft: Draft, author: Author, now: datetime) -> str:
        chains = _in(tx).chains
        incident_id = f"INC-{sum(name != HOUSE for name in chains) + 1}"
        chains[incident_id] = []
        self.append(tx, incident_id, [draft], author, now)
        return incident_id

    def append(self, tx: Tx, incident_id: str, drafts: Sequence[Draft], author: Author, now: datetime) -> None:
        if not drafts:
            return
        state = _in(tx)
        if incident_id != HOUSE and incident_id not in state.chains:
            raise IncidentNotFound(f"There is no {incident_id}. /incident list shows the open ones.")
        chain = state.chains.setdefault(incident_id, [])
        for draft in drafts:
            chain.append(link(incident_id, chain[-1] if chain else None, draft, author, now))
        state.topics.add(f"incident:{incident_id}")

    def entries(self, tx: Tx, incident_id: str, after: int = 0) -> list[Entry]:
        return [entry for entry in _in(tx).chains.get(incident_id, []) if entry.seq > after]

    def actions(self, tx: Tx) -> list[Entry]:
        chains = _in(tx).chains
        public = {one.id for one in self._folded(tx) if not one.private}
        return [entry for name in sorted(public) for entry in chains[name] if entry.kind == Kind.ACTION]

    def drills(self, tx: Tx) -> list[Entry]:
        chains = _in(tx).chains
        public = [one.id for one in reversed(self._folded(tx)) if not one.private]
        ended = [each for name in public for each in chains[name] if each.kind == Kind.DRILL_ENDED]
        return sorted(ended, key=lambda entry: entry.at_us)

    def incidents(self, tx: Tx, *, ended: bool = False, limit: int = 50, private: bool = False) -> list[Listed]:
        folded = [one for one in self._folded(tx) if private or not one.private]
        wanted = [one for one in folded if ended or one.status not in {Status.RESOLVED, Status.CLOSED}]
        return [_listed(one) for one in wanted[:limit]]

    def listed(self, tx: Tx, incident_id: str) -> Listed:
        found = next((one for one in self._folded(tx) if one.id == incident_id), None)
        if found is None:
            raise IncidentNotFound(f"There is no {incident_id}. /incident list shows the open ones.")
        return _listed(found)

    def incident_of(self, tx: Tx, channel: str, team: str = "") -> str:
        found = [one for one in self._folded(tx) if channel and one.channel == channel]
        found = [one for one in found if not (team and one.team) or one.team == team]
        return next((one.id for one in sorted(found, key=lambda one: one.team != team)), "")

    def chains(self, tx: Tx) -> list[str]:
        return sorted(_in(tx).chains, key=lambda name: (len(name) if name != HOUSE else 0, name))

    def heads(self, tx: Tx, only: str = "") -> dict[str, Head]:
        chains = _in(tx).chains
        return {name: Head(chains[name][-1].seq, chains[name][-1].hash) for name in chains if only in {"", name}}

    def blank(self, tx: Tx, incident_id: str, seq: int) -> None:
        state = _in(tx)
        state.chains[incident_id] = [
            replace(entry, body=None) if entry.seq == seq else entry for entry in state.chains.get(incident_id, [])
        ]
        state.topics.add(f"incident:{incident_id}")

    def outlived(self, tx: Tx, kinds: Sequence[str], ended_before: datetime) -> list[tuple[str, int]]:
        ended = {Status.RESOLVED, Status.CLOSED}
        return [
            (one.id, entry.seq)
            for one in reversed(self._folded(tx))
            for entry in _in(tx).chains[one.id]
            if one.status in ended and entry.kind in kinds and entry.body is not None
            if max(e.at for e in _in(tx).chains[one.id] if e.kind == Kind.STATUS_SET) < ended_before
        ]

    def _folded(self, tx: Tx) -> list[Incident]:
        """Give the incidents, latest first."""
        chains = [chain for name, chain in reversed(_in(tx).chains.items()) if name != HOUSE]
        return [replace(fold(chain), team=_team(chain)) for chain in chains]


def _team(chain: Sequence[Entry]) -> str:
    """Give the workspace of a chain's channel, or that it was opened in."""
    told = [entry.facts["team"] for entry in chain if "team" in entry.facts and entry.kind in _OF_TEAMS]
    return str(told[-1]) if told else ""


_OF_TEAMS = {Kind.OPENED, Kind.CHANNEL_OPENED}


def _listed(one: Incident) -> Listed:
    where = one.service, one.channel, one.opened_at
    return Listed(one.id, one.title, one.severity, one.status, *where, one.private, one.team, one.drill)


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

    def memo(self, tx: Tx, run_id: str, key: str) -> str | None:
        return _in(tx).memos.get(run_id, {}).get(key)

    def bind(self, tx: Tx, run: Run, incident_id: str) -> None:
        state = _in(tx)
        state.runs[run.id] = replace(state.runs[run.id], incident_id=incident_id)

    def end(self, tx: Tx, run: Run) -> None:
        known, state = _check_fence(tx, run), _in(tx)
        state.runs[run.id] = replace(
            known, status=run.status, result=run.result, reason=run.reason, ended_at=run.ended_at
        )
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
        for key in told[:limit]:
            del state.answers[key]
        return len(old) + len(told[:limit])

    def running(self, tx: Tx, playbook: str, incident_id: str) -> list[str]:
        wanted = [
            run
            for run in _in(tx).runs.values()
            if (run.plan.playbook, run.incident_id) == (playbook, incident_id) and not run.status.ended
        ]
        return [run.id for run in sorted(wanted, key=lambda run: (run.created_at, run.id))]

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
