"""What the engine needs of the world, on one page. Each port has an adapter, a fake, and one contract suite for both.

Ports that write take an explicit `Tx`: what belongs together commits together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from bot.domain.incident import Incident, Severity, Status
from bot.domain.run import Missing, Reply, Run, RunStatus, Source
from bot.domain.service import Service, Target
from bot.domain.snapshot import Captured, Manifest, Part, Probe
from bot.domain.timeline import Author, Draft, Entry, Person

T = TypeVar("T")


class Tx(Protocol):
    """An open transaction. Only the adapters know what is inside; the engine hands it on."""


class Store(Protocol):
    """The database: one group-committing writer, many readers."""

    async def write(self, act: Callable[[Tx], T]) -> T:
        """Run `act` in a transaction and return once it is durable. `act` must be quick: others share its commit."""

    async def read(self, act: Callable[[Tx], T]) -> T:
        """Run `act` on one consistent view."""


@dataclass(frozen=True)
class Listed:
    """A row of the incident list (a projection, written with the entries it comes from)."""

    id: str
    title: str
    severity: Severity
    status: Status
    service: str
    channel: str
    opened_at: datetime


class Timeline(Protocol):
    """The append-only timelines."""

    def open(self, tx: Tx, draft: Draft, author: Author, now: datetime) -> str:
        """Begin a new incident with its opening entry; give its id (`INC-7`)."""

    def append(self, tx: Tx, incident_id: str, drafts: Sequence[Draft], author: Author, now: datetime) -> None:
        """Add entries to the end of a chain, in order."""

    def entries(self, tx: Tx, incident_id: str, after: int = 0) -> list[Entry]:
        """Give the entries of a chain with `seq` > `after`, in order."""

    def incidents(self, tx: Tx, *, ended: bool = False, limit: int = 50) -> list[Listed]:
        """Give the latest incidents first, closed and resolved ones only if `ended`."""

    def incident_of(self, tx: Tx, channel: str) -> str:
        """Give the id of the incident whose channel this is, or ""."""

    def chains(self, tx: Tx) -> list[str]:
        """Name every chain there is."""


@dataclass(frozen=True)
class Memory:
    """What the journal knows of a run when a worker claims it."""

    run: Run
    memos: Mapping[str, str]


class Journal(Protocol):
    """Runs, what they have already done (memos, by key), and what they are told (signals)."""

    def admit(self, tx: Tx, run: Run) -> str:
        """Insert a run unless its slot is taken; give the id of the run that holds the slot."""

    def claim(self, tx: Tx, run_id: str, now: datetime) -> Memory | None:
        """Take a run that has not ended: raise its fence, mark it running; None if there is nothing to do."""

    def remember(self, tx: Tx, run: Run, key: str, value: str, now: datetime) -> None:
        """Keep a result under its key.

        :raises FenceLost: another worker has claimed the run since.
        """

    def bind(self, tx: Tx, run: Run, incident_id: str) -> None:
        """Say which incident a run belongs to."""

    def end(self, tx: Tx, run: Run) -> None:
        """Keep the status, result and reason a run ended (or parked) with; checks the fence."""

    def reply(self, tx: Tx, key: str, source: Source, person: Person, reply: Reply) -> None:
        """Queue an answer, once per key; whoever speaks for the source delivers it."""

    def signal(self, tx: Tx, run_id: str, topic: str, value: str) -> None:
        """Tell a run something; kept until it looks."""

    def signals(self, tx: Tx, run_id: str, topic: str) -> list[str]:
        """Give what a run was told on a topic, oldest first."""

    def get(self, tx: Tx, run_id: str) -> Run | None:
        """Give a run as it stands."""

    def due(self, tx: Tx, now: datetime, statuses: Sequence[RunStatus]) -> list[str]:
        """Give the ids of runs in these statuses whose time has come, oldest first."""

    def running(self, tx: Tx, playbook: str, incident_id: str) -> list[str]:
        """Give the ids of an incident's unended runs of a playbook."""

    def hold(self, tx: Tx, key: str, holder: str, now: datetime, until: datetime) -> str:
        """Take a named hold unless somebody else's lasts; give whoever holds it now."""


@dataclass(frozen=True)
class Surface:
    """Something of an incident that Slack shows: its channel, its card, a post.

    `ref` is Slack's id of it (a channel, a ts), `digest` stands for what was last shown there.
    """

    incident_id: str
    key: str
    ref: str
    digest: str = ""


@dataclass(frozen=True)
class Answer:
    """A reply that waits to be delivered to whoever asked."""

    key: str
    source: Source
    person: Person
    reply: Reply
    queued_at: datetime


class Surfaces(Protocol):
    """What the reconciler remembers of Slack, and the answers it still owes."""

    def shown(self, tx: Tx, incident_id: str) -> dict[str, Surface]:
        """Give what Slack shows of an incident, by key."""

    def show(self, tx: Tx, surface: Surface) -> None:
        """Remember what Slack shows now."""

    def owed(self, tx: Tx, limit: int) -> list[Answer]:
        """Give the answers not yet delivered, oldest first."""

    def settle(self, tx: Tx, key: str, outcome: str) -> None:
        """Close an answer: "delivered", or why it never will be."""


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> datetime:
        """Give the present, aware, UTC."""

    async def sleep_until(self, at: datetime) -> None:
        """Return when `at` has come."""


class Bell(Protocol):
    """Wakes those who wait for something that was committed."""

    async def wait(self, topic: str, until: datetime) -> None:
        """Return when the topic is rung or `until` has come, whichever is first; spurious returns are allowed."""


@dataclass(frozen=True)
class Stored:
    """Bytes kept in the artifact store, addressed by what they are."""

    name: str
    sha256: str
    bytes: int


class Artifacts(Protocol):
    """Bytes kept, addressed by sha256."""

    async def put(self, name: str, content: bytes) -> Stored:
        """Keep bytes; the same bytes twice are kept once."""

    async def get(self, sha256: str) -> bytes | None:
        """Give the bytes back, or None."""


@dataclass(frozen=True)
class Reached:
    """Whether a person was reached, how, and if not, why."""

    person: Person
    how: str
    ok: bool
    reason: str = ""


class Pager(Protocol):
    """Reaches people who are not looking."""

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Try to reach a person once; a repeat with the same key must not disturb twice."""


class Directory(Protocol):
    """Who is who in the chat."""

    async def find(self, mention: str) -> Person | None:
        """Find a person by id, mention or name; None when the workspace has nobody like that."""

    async def named(self, person: Person) -> Person:
        """Give a person the name that people know them by; as given when that cannot be told at once."""


@dataclass(frozen=True)
class Commit:
    """One commit of a service's repository."""

    sha: str
    author: str
    at: datetime
    subject: str


class Repository(Protocol):
    """The git history of a service."""

    async def between(self, service: Service, good: str, bad: str, limit: int) -> tuple[Commit, ...] | Missing:
        """Give the commits in `bad` that are not in `good`, newest first."""


class Documents(Protocol):
    """Writes documents from values; the same values give the same bytes."""

    def postmortem(self, incident: Incident, entries: Sequence[Entry]) -> str:
        """Write the postmortem, Markdown."""


class Targets(Protocol):
    """Asks the targets of a service; never raises for what a target does."""

    async def probe(self, target: Target, requests: int = 5) -> Probe:
        """Ask a target what its users get now."""

    async def capture(self, target: Target, parts: Sequence[Part]) -> tuple[Captured, ...]:
        """Capture parts of a target, redacted, each recorded whatever becomes of it."""


class Archive(Protocol):
    """Packs snapshots."""

    async def pack(self, manifest: Manifest, parts: Sequence[Captured]) -> bytes:
        """Pack a snapshot into one tar.gz; equal snapshots give equal bytes."""
