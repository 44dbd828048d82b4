"""What a step may use: the ports, the run it belongs to, and the ways to leave something behind."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.domain.authority import Frozen, Right, Ruling, Standing
from bot.domain.errors import CommandRejected
from bot.domain.incident import Incident, fold, may_see, seen
from bot.domain.run import Outcome, Run, RunStatus
from bot.domain.service import Catalog, DigestPlan, Service
from bot.domain.sightings import Discovered
from bot.domain.timeline import FIRSTFIVE, HOUSE, Author, Draft, Entry, Kind, Person, canonical
from bot.engine import authority, spans
from bot.engine.playbook import Registry, closest, plan_of
from bot.engine.ports import Ports
from bot.ports import Listed, Tx

T = TypeVar("T")

_LOOK_AGAIN_S = 2.0
CONCERN = "concern"
"""Under which key a run keeps the service that it began with, whatever its incident is about later."""

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """Give what reads and writes a type as JSON; made once, as making it costs more than all its use in a run."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def recalled(ports: Ports, tx: Tx, key: str, of: type[T]) -> T | None:
    """Give what is kept under a key within a reading of the database; None as `Tools.recall` does."""
    kept = ports.marks.get(tx, key)
    adapter: TypeAdapter[T] = adapter_of(of)
    try:
        return None if kept is None else adapter.validate_json(kept)
    except ValidationError:
        return None


@dataclass
class Tools:
    """Given to every step. What it records becomes durable together with the step's result, or not at all."""

    ports: Ports
    registry: Registry
    run_row: Run
    memos: dict[str, str]
    step: str = ""
    approved_by: Person | None = None
    waits: int = 0
    _pending: list[Callable[[Tx], None]] = field(default_factory=list)

    @property
    def actor(self) -> Person:
        """Who asked for the run."""
        return self.run_row.actor

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.run_row.id

    @property
    def incident_id(self) -> str:
        """The incident the run belongs to, or ""."""
        return self.run_row.incident_id

    @property
    def opened(self) -> str:
        """The incident that this run has opened, or ""."""
        return self.memos.get("incident", "")

    @property
    def catalog(self) -> Catalog:
        """The configured services, and who is on call."""
        return self.ports.catalog

    def now(self) -> datetime:
        """Give the present, UTC."""
        return self.ports.clock.now()

    async def pause(self, seconds: float) -> None:
        """Wait a while."""
        with self._waiting():
            await self.ports.clock.sleep_until(self.now() + timedelta(seconds=seconds))

    def service(self, name: str) -> Service:
        """Give a configured service.

        :raises CommandRejected: there is none of this name.
        """
        found = self.catalog.service(name)
        if found is not None:
            return found
        names = self.catalog.names
        known = ", ".join(names) or "none; add [[services]] to firstfive.toml"
        if not name:
            raise CommandRejected(
                f"Which service? Write `/incident {self.run_row.plan.playbook} {names[0] if names else 'SERVICE'}`. "
                f"Configured: {known}."
            )
        meant = closest(name, names)
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise CommandRejected(f"No service is named `{name[:40]}`.{hint} Configured: {known}.")

    async def targets(self, service: Service) -> Discovered:
        """Give the targets of a service, the same to every step of the run; and who was left out."""
        if service.discovery is None:
            return Discovered(service.targets)
        key, adapter = f"targets:{service.name}", adapter_of(Discovered)
        if not self._seen(key):
            found = await self.ports.discovery.targets(service)
            await self.commit(key, adapter.dump_json(found).decode())
        kept: Discovered = adapter.validate_json(self.memos[key])
        return kept

    def digest_plan(self, team: str) -> DigestPlan:
        """Give the configured digest of a team; of the only one when none is named.

        :raises CommandRejected: there is none of this name, or it must be named.
        """
        plans = {plan.team.lower(): plan for plan in self.catalog.digests}
        if not team and len(plans) == 1:
            return next(iter(plans.values()))
        if team.lower() in plans:
            return plans[team.lower()]
        known = ", ".join(plan.team for plan in plans.values()) or "none; add [[digests]] to firstfive.toml"
        if not team:
            raise CommandRejected(f"Of which team? Configured: {known}.")
        meant = closest(team, tuple(plans))
        hint = f" Did you mean `{meant}`?" if meant else ""
        raise CommandRejected(f"No team `{team[:40]}` has a digest.{hint} Configured: {known}.")

    async def may(self, right: Right, service: str, person: Person | None = None) -> Ruling:
        """Tell whether somebody, else whoever asked for the run, has a right on a service now."""
        return await authority.may(self.ports, person or self.actor, right, service)

    async def frozen(self, service: str) -> Frozen | None:
        """Give the freeze that a service is under now."""
        return await authority.frozen(self.ports, service)

    async def standing(self, service: str) -> Standing | None:
        """Give the standing approval of a service, if there is one for the rules as they are now."""
        return await authority.standing(self.ports, service)

    async def person(self, mention: str) -> Person:
        """Find who is mentioned; `me` is whoever asked for the run.

        :raises CommandRejected: the workspace has nobody like that.
        """
        found = self.actor if mention.lower() == "me" else await self.ports.directory.find(mention)
        if found is None:
            raise CommandRejected(
                f"Nobody in this workspace is `{mention[:40]}`. Pick the name that Slack offers after @."
            )
        return found

    async def incident(self) -> Incident:
        """Give the run's incident as its timeline stands now."""
        # Folded by the reader: a long timeline must not hold the event loop up.
        return await self.ports.store.read(lambda tx: fold(self.ports.timeline.entries(tx, self.incident_id)))

    async def incident_named(self, incident_id: str) -> Incident:
        """Give another incident as its timeline stands now.

        :raises IncidentNotFound: there is none, as far as whoever asked for the run may know.
        """
        timeline, actor = self.ports.timeline, self.actor
        return await self.ports.store.read(lambda tx: seen(timeline.entries(tx, incident_id), incident_id, actor))

    async def entries(self) -> list[Entry]:
        """Give the whole timeline of the run's incident."""
        return await self.ports.store.read(lambda tx: self.ports.timeline.entries(tx, self.incident_id))

    async def incidents(self, *, ended: bool = False, limit: int = 50) -> list[Listed]:
        """Give the latest incidents that whoever asked for the run may know of."""
        timeline = self.ports.timeline

        def look(tx: Tx) -> list[Listed]:
            latest = timeline.incidents(tx, ended=ended, limit=limit, private=True)
            rows = [row for row in latest if row.private and may_see(row, self.actor)]
            rows += timeline.incidents(tx, ended=ended, limit=limit)
            return sorted(rows, key=lambda row: row.number, reverse=True)[:limit]

        return await self.ports.store.read(look)

    def blanking(self, incident_id: str, seqs: Collection[int], /, **body: Any) -> Callable[[Tx], None]:
        """Give the effect that takes the words out of entries and of the runs that wrote them, and tells of it."""
        timeline, journal, now = self.ports.timeline, self.ports.journal, self.now()
        author = Author(FIRSTFIVE if incident_id != self.incident_id else self.actor, self.run_id, self.step)

        def act(tx: Tx) -> None:
            entries = timeline.entries(tx, incident_id)
            wrote = {each.run_id for each in entries if each.seq in seqs} - {""}
            # A run's beginning tells what it was given: the same words.
            began = [each.seq for each in entries if each.tells_params and each.run_id in wrote]
            for seq in (gone := sorted({*seqs, *began})):
                timeline.blank(tx, incident_id, seq)
            for run_id in sorted(wrote):
                journal.forget(tx, run_id)
            timeline.append(tx, incident_id, [Draft(Kind.BLANKED, {"entries": gone, **body})], author, now)

        return act

    def record(self, kind: Kind, /, **body: Any) -> None:
        """Put an entry on the timeline, durable together with the step's result."""
        self.record_as(None, None, kind, **body)

    def record_as(self, person: Person | None, at: datetime | None, kind: Kind, /, **body: Any) -> None:
        """Put on the timeline what somebody else did, or what happened earlier."""
        canonical(body)  # what cannot be written must fail in the step, not in its commit
        draft = Draft(kind, body, at, person)
        self._pending.append(lambda tx: self._append(tx, [draft]))

    async def publish(self, key: str, kind: Kind, /, **body: Any) -> None:
        """Put an entry on the timeline now, once, however often the step is repeated."""
        await self.apply(f"entry:{key}", self.append(Draft(kind, body)))

    async def apply(self, key: str, *effects: Callable[[Tx], None]) -> None:
        """Do something in the database now, once, however often the step is repeated."""
        if not self._seen(key):
            await self.commit(key, "true", *effects)

    async def once(self, key: str, gives: type[T], act: Callable[[], Awaitable[T]]) -> T:
        """Do a part of the step and keep its result; a repeated step gets the kept one."""
        name = f"part:{self.step}:{key}"
        adapter: TypeAdapter[T] = adapter_of(gives)
        if name in self.memos:
            return adapter.validate_json(self.memos[name])
        value = await act()
        await self.commit(name, adapter.dump_json(value).decode())
        return value

    def parts(self, gives: type[T]) -> dict[str, T]:
        """Give the parts of the step that were done and kept, by key."""
        own, adapter = f"part:{self.step}:", adapter_of(gives)
        return {
            name[len(own) :]: adapter.validate_json(kept) for name, kept in self.memos.items() if name.startswith(own)
        }

    async def open_incident(self, **body: Any) -> str:
        """Open the incident of this run, in the workspace that it was asked for in, once; give its id."""
        team = self.run_row.source.team
        opening = {**body, "team": team} if team else body
        if not self._seen("incident"):

            def open_(tx: Tx) -> str:
                author = Author(self.actor, self.run_id, self.step)
                incident_id = self.ports.timeline.open(tx, Draft(Kind.OPENED, opening), author, self.now())
                self.ports.journal.bind(tx, self.run_row, incident_id)
                self.ports.journal.remember(tx, self.run_row, "incident", incident_id, self.now())
                return incident_id

            self.memos["incident"] = await self.ports.store.write(open_)
        self.run_row = replace(self.run_row, incident_id=self.memos["incident"])
        spans.about(self.incident_id)
        return self.incident_id

    async def belong(self, incident_id: str) -> None:
        """Let the run be about an incident from now on."""
        await self.ports.store.write(lambda tx: self.ports.journal.bind(tx, self.run_row, incident_id))
        self.run_row = replace(self.run_row, incident_id=incident_id)
        spans.about(incident_id)

    def begin(self, playbook: str, params: Mapping[str, Any], key: str = "", after: timedelta = timedelta(0)) -> str:
        """Start another playbook on the same incident, together with the step's result, and do not wait for it.

        `after`: not before so much time has passed.
        """
        child = self._child(playbook, params, key or playbook)
        child = replace(child, wake_at=self.now() + after) if after else child
        self._pending.append(lambda tx: _drop(self.ports.journal.admit(tx, child)))
        return child.id

    async def run(self, playbook: str, params: Mapping[str, Any], key: str = "") -> Outcome:
        """Run another playbook as a child and wait for its end; a repeated step finds the same child again."""
        child = self._child(playbook, params, key or playbook)
        await self.ports.store.write(lambda tx: self.ports.journal.admit(tx, child))
        return await self.outcome(child.id)

    async def outcome(self, run_id: str) -> Outcome:
        """Wait for the end of a run; a run that does not exist has failed."""
        while True:
            row = await self.ports.store.read(lambda tx: self.ports.journal.get(tx, run_id))
            if row is None:
                return Outcome(run_id, RunStatus.FAILED, reason=f"there is no run {run_id}")
            if row.status.ended or row.status is RunStatus.PARKED:
                return Outcome(row.id, row.status, row.result or {}, row.reason, row.incident_id)
            await self._listen(run_id)

    async def wait(self, topic: str) -> str:
        """Wait until the run is told something on a topic; give the first thing it was told."""
        journal = self.ports.journal
        while True:
            told = await self.ports.store.read(lambda tx: journal.signals(tx, self.run_id, topic))
            if told:
                return told[0]
            await self._listen(self.run_id)

    def tell(self, playbook: str, topic: str, value: str) -> None:
        """Tell the incident's unended runs of a playbook something, together with the step's result."""
        journal = self.ports.journal

        def signal(tx: Tx) -> None:
            for run_id in journal.running(tx, playbook, self.incident_id):
                journal.signal(tx, run_id, topic, value)

        self._pending.append(signal)

    async def recall(self, key: str, of: type[T]) -> T | None:
        """Give what an earlier run kept under a key; None when there is nothing, or what no release of ours reads."""
        return await self.ports.store.read(lambda tx: recalled(self.ports, tx, key, of))

    def keep(self, key: str, of: type[T], value: T) -> None:
        """Keep a value for later runs, together with the step's result."""
        text = adapter_of(of).dump_json(value).decode()
        self._pending.append(lambda tx: self.ports.marks.put(tx, key, text))

    async def hold(self, key: str, seconds: float) -> str:
        """Take a named hold for a while; give the id of the run that has it (this one's: it was free)."""
        now = self.now()
        until = now + timedelta(seconds=seconds)
        return await self.ports.store.write(lambda tx: self.ports.journal.hold(tx, key, self.run_id, now, until))

    async def commit(self, key: str, value: str, *also: Callable[[Tx], None]) -> None:
        """Keep a value under a key, with what belongs to it, in one fenced transaction."""

        def act(tx: Tx) -> None:
            self.ports.journal.remember(tx, self.run_row, key, value, self.now())
            for effect in also:
                effect(tx)

        await self.ports.store.write(act)
        self.memos[key] = value

    def also(self, effect: Callable[[Tx], None]) -> None:
        """Do something in the database together with the step's result."""
        self._pending.append(effect)

    def take_pending(self) -> list[Callable[[Tx], None]]:
        """Hand over what the step has left behind so far."""
        pending, self._pending = self._pending, []
        return pending

    def append(self, *drafts: Draft) -> Callable[[Tx], None]:
        """Give an effect that puts entries on the run's timeline."""
        return lambda tx: self._append(tx, list(drafts))

    def _append(self, tx: Tx, drafts: list[Draft]) -> None:
        by_itself = bool(self.run_row.parent_id)
        author = Author(FIRSTFIVE if by_itself else self.actor, self.run_id, self.step)
        self.ports.timeline.append(tx, self.incident_id or HOUSE, drafts, author, self.now())

    async def listen(self, until: datetime) -> None:
        """Wait until the run is told something or a moment has come; may return before either."""
        with self._waiting():
            until = min(until, self.now() + timedelta(seconds=_LOOK_AGAIN_S))
            await self.ports.bell.wait(f"run:{self.run_id}", until)

    async def _listen(self, run_id: str) -> None:
        with self._waiting():
            await self.ports.bell.wait(f"run:{run_id}", self.now() + timedelta(seconds=_LOOK_AGAIN_S))

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Let it be known that the run only waits, so that nobody waits for it."""
        self.waits += 1
        try:
            yield
        finally:
            self.waits -= 1

    def _seen(self, key: str) -> bool:
        return key in self.memos

    def _child(self, playbook: str, params: Mapping[str, Any], key: str) -> Run:
        child_id = f"{self.run_id}.{key}"
        return Run(
            id=child_id,
            plan=plan_of(self.registry, playbook, params),
            actor=self.actor,
            source=spans.carried(replace(self.run_row.source, response_url="", via="run")),
            created_at=self.now(),
            slot=child_id,
            incident_id=self.incident_id,
            parent_id=self.run_id,
        )


def _drop(_: object) -> None:
    """Give nothing, for effects whose answer nobody needs."""
