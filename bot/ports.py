"""What the engine needs of the world, on one page. Each port has an adapter, a fake, and one contract suite for both.

Ports that write take an explicit `Tx`: what belongs together commits together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from bot.domain.alert_groups import AlertGroup, Member
from bot.domain.alerts import Do
from bot.domain.fronts import Certificate, EdgeAnswer
from bot.domain.incident import Incident, Severity, Status
from bot.domain.run import Missing, Reply, Run, RunStatus, Source
from bot.domain.service import Edge, Service, Target
from bot.domain.snapshot import Captured, Manifest, Part, Probe
from bot.domain.timeline import Author, Draft, Entry, Head, Person

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

    def heads(self, tx: Tx, only: str = "") -> dict[str, Head]:
        """Give the last entry's number and hash of every chain, or of one."""

    def blank(self, tx: Tx, incident_id: str, seq: int) -> None:
        """Take the body out of an entry for ever; the chain stays whole. Blanking it again changes nothing."""

    def outlived(self, tx: Tx, kinds: Sequence[str], ended_before: datetime) -> list[tuple[str, int]]:
        """Give chain and number of entries of these kinds that have a body still, if their incident ended before."""


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

    def forget(self, tx: Tx, run_id: str) -> None:
        """Take the words out of a run that has ended: its params, result, reason, memos, delivered answers."""

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


class Alerts(Protocol):
    """What is known of the alerts that other systems sent."""

    def lock(self, tx: Tx) -> None:
        """Let no other process change any group until this transaction ends."""

    def group(self, tx: Tx, key: str) -> AlertGroup | None:
        """Give a group in its present episode."""

    def keep(self, tx: Tx, group: AlertGroup) -> None:
        """Keep a group as it stands now."""

    def members(self, tx: Tx, key: str) -> dict[str, Member]:
        """Give the alerts of a group's episode, by fingerprint."""

    def change(self, tx: Tx, key: str, members: Sequence[Member]) -> None:
        """Keep alerts of a group as they stand now."""

    def forget(self, tx: Tx, key: str) -> None:
        """Forget the alerts of a group: a new episode begins."""

    def begun(self, tx: Tx, do: Do, since: datetime) -> list[AlertGroup]:
        """Give the groups that lead, whose episode began since, latest first."""

    def proposed(self, tx: Tx) -> list[AlertGroup]:
        """Give the groups that fire and are proposed, and on no incident, latest first."""


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


@dataclass
class Counts:
    """What an engine does and has done since its start."""

    executing: int = 0
    taken_over: int = 0
    executed: int = 0
    interrupted: int = 0


class Engine(Protocol):
    """Executes every admitted run: now or at its time, one worker at a time; a dead worker's runs go to another."""

    @property
    def counts(self) -> Counts:
        """What it does and has done."""

    def healthy(self) -> bool:
        """Tell whether it would execute a run now."""

    async def is_served(self) -> bool:
        """Tell whether some process executes this database's runs.

        :raises StoreUnusable: the database cannot be used.
        """

    async def start(self) -> None:
        """Begin to execute runs.

        :raises StoreUnusable: another process alone may do so, or the database cannot be used.
        """

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take on nothing new, give running steps some seconds to end, leave the rest to whoever comes next."""


class Marks(Protocol):
    """What is remembered between runs, one value by key: the last slot served, what the last digest saw."""

    def get(self, tx: Tx, key: str) -> str | None:
        """Give what is kept under a key, or None."""

    def put(self, tx: Tx, key: str, value: str) -> None:
        """Keep a value under a key, over whatever was there."""

    def swap(self, tx: Tx, key: str, was: str | None, value: str) -> bool:
        """Keep a value if what is there is what it was (None: nothing); tell whether it was."""


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


class Anchors(Protocol):
    """A log outside the database that is only ever added to."""

    async def lines(self) -> list[str]:
        """Give every anchor, oldest first."""

    async def append(self, line: str, number: int) -> None:
        """Add anchor `number` (the first is 1).

        :raises AnchorRaced: another process has added it meanwhile.
        """


class Artifacts(Protocol):
    """Bytes kept, addressed by sha256."""

    async def check(self) -> None:
        """Return unless the place that is configured cannot be used at all; an outage is no reason.

        :raises StoreUnusable: there is no such place, or it is not ours to use.
        """

    async def put(self, name: str, content: bytes) -> Stored:
        """Keep bytes; the same bytes twice are kept once."""

    async def get(self, sha256: str) -> bytes | None:
        """Give the bytes back, or None."""


@dataclass(frozen=True)
class Reached:
    """Whether a person was reached, how, and if not, why. `paged`: by something that wakes people, not a mention."""

    person: Person
    how: str
    ok: bool
    reason: str = ""
    paged: bool = True


class PageState(StrEnum):
    """What becomes of a page after it was sent."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Pager(Protocol):
    """Reaches people who are not looking."""

    @property
    def on_call(self) -> tuple[Person, ...]:
        """Whoever the configured paging service has on call, as one; () when none is configured."""

    async def page(self, person: Person, text: str, key: str) -> Reached:
        """Try to reach a person once; a repeat with the same key must not disturb twice."""

    async def answered(self, key: str) -> Person | None:
        """Say who acknowledged the page of a key; None while nobody has, or where nobody tells."""

    async def follow(self, key: str, to: PageState) -> bool:
        """Acknowledge or resolve the page of a key where it was sent; tell whether that is done."""


@dataclass(frozen=True)
class Posted:
    """Whether a message stands in a channel, where, and if not, why; `again`: a later try can work."""

    ok: bool
    ref: str = ""
    reason: str = ""
    again: bool = False


class Poster(Protocol):
    """Posts into channels that belong to no incident."""

    async def post(self, channel: str, text: str, key: str) -> Posted:
        """Post Markdown to a channel by its name, once for a key: a repeat finds the message and leaves it."""

    async def show(self, channel: str, reply: Reply, key: str) -> Posted:
        """Post an answer with its buttons, or change the message of this key into it."""


@dataclass(frozen=True)
class Sample:
    """One number of a metric, and its labels."""

    labels: Mapping[str, str]
    value: float


class Metrics(Protocol):
    """The numbers that a service's own monitoring keeps."""

    async def ask(self, base: str, query: str) -> tuple[Sample, ...] | Missing:
        """Give what a query (PromQL) answers now, numbers only; never raises for what the other side does."""


class Fronts(Protocol):
    """What stands between a service and its users; never raises for what they do."""

    async def certificate(self, target: Target) -> Certificate | None:
        """Read until when a target's certificate is valid; None when it does not serve HTTPS."""

    async def edge(self, edge: Edge) -> tuple[EdgeAnswer, ...]:
        """Ask every address of an edge for its path."""


class Directory(Protocol):
    """Who is who in the chat."""

    async def find(self, mention: str) -> Person | None:
        """Find a person by id, mention or name; None when the workspace has nobody like that."""


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
    """Packs snapshots and bundles."""

    async def pack(self, manifest: Manifest, parts: Sequence[Captured]) -> bytes:
        """Pack a snapshot into one tar.gz; equal snapshots give equal bytes."""

    async def tar(self, folder: str, files: Mapping[str, bytes]) -> bytes:
        """Pack files below a folder into one tar.gz; equal files give equal bytes."""


@dataclass(frozen=True)
class Pushed:
    """Where a bundle stands in the repository of bundles; `fresh` is False when it stood there already."""

    place: str
    commit: str
    fresh: bool


class Bundles(Protocol):
    """The repository that bundles of incidents are kept in, if one is configured."""

    @property
    def place(self) -> str:
        """Where it is, without secrets; "" when none is configured."""

    async def push(self, path: str, content: bytes, at: datetime) -> Pushed | Missing:
        """Put a file there, unless these very bytes are there already; or say why it could not be done."""
