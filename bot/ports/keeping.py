"""What is kept: timelines, runs and what they are told, what Slack shows, and who executes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Protocol, TypeVar

from bot.domain.alert_groups import AlertGroup, Member
from bot.domain.alerts import Do
from bot.domain.audit_log import Question
from bot.domain.incident import Incident, Seen, Severity, Status
from bot.domain.measures import Measure, measure
from bot.domain.outcomes import Outcome
from bot.domain.run import Reply, Run, RunStatus, Source
from bot.domain.timeline import Author, Draft, Entry, Head, Person
from bot.ports.beating import Beating

T = TypeVar("T")

ASKED = "approval"
"""The key under which a run keeps that it has asked for an approval: the number of the entry before its request."""


class Tx(Protocol):
    """An open transaction. Only the adapters know what is inside; the engine hands it on."""


class Store(Protocol):
    """The database: one group-committing writer, many readers."""

    async def write(self, act: Callable[[Tx], T]) -> T:
        """Run `act` in a transaction and return once it is durable. `act` must be quick: others share its commit."""

    async def read(self, act: Callable[[Tx], T]) -> T:
        """Run `act` on one consistent view."""


LISTING = "listing"
"""The topic that is rung when the listing of incidents has changed."""


@dataclass(frozen=True)
class Listed:
    """A row of the incident list (a projection, written with the entries it comes from).

    `team` is the workspace of its channel; before it has one, that it was opened in.
    """

    id: str
    title: str
    severity: Severity
    status: Status
    service: str
    channel: str
    opened_at: datetime
    private: bool = False
    team: str = ""
    drill: bool = False
    verdict: str = ""
    counts: bool = True
    milestones: Mapping[str, datetime] = field(default_factory=dict)
    commander: Person | None = None
    people: tuple[Person, ...] = ()

    @classmethod
    def of(cls, incident: Incident) -> "Listed":
        """Give what lists show of an incident."""
        return cls(**{each.name: getattr(incident, each.name) for each in fields(cls)})

    @property
    def number(self) -> int:
        """The number in its id."""
        return int(self.id.rpartition("-")[2])

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Its five measures; none when it does not count."""
        return measure(self.milestones) if self.counts else ()


@dataclass(frozen=True)
class Selection:
    """Which incidents of the list are meant: those that everything given here fits, public ones and those `private`.

    Every one of the `words` must be somewhere in id, title, service, verdict or the name of who takes part. `before`
    and `after` are numbers of incidents, for the page that follows one and the page in front of it; `since` is when
    the first was opened.
    """

    words: Sequence[str] = ()
    statuses: Collection[Status] = ()
    severities: Collection[Severity] = ()
    service: str = ""
    drill: bool | None = None
    since: datetime | None = None
    private: Collection[str] = ()
    before: int = 0
    after: int = 0
    limit: int = 50


class Timeline(Protocol):
    """The append-only timelines."""

    def open(self, tx: Tx, draft: Draft, author: Author, now: datetime) -> str:
        """Begin a new incident with its opening entry; give its id (`INC-7`)."""

    def append(self, tx: Tx, incident_id: str, drafts: Sequence[Draft], author: Author, now: datetime) -> None:
        """Add entries to the end of a chain, in order."""

    def entries(self, tx: Tx, incident_id: str, after: int = 0) -> list[Entry]:
        """Give the entries of a chain with `seq` > `after`, in order."""

    def of_house(self, tx: Tx, run_ids: Collection[str]) -> list[Entry]:
        """Give what these runs have put on the house's timeline, in order."""

    def actions(self, tx: Tx) -> list[Entry]:
        """Give the entries about action items of every incident that is not private, chain by chain in order."""

    def drills(self, tx: Tx) -> list[Entry]:
        """Give the entries that ended a drill, of every incident that is not private, oldest first."""

    def incidents(self, tx: Tx, *, ended: bool = False, limit: int = 50, private: bool = False) -> list[Listed]:
        """Give the latest incidents first, closed and resolved ones only if `ended`, private ones only if `private`."""

    def private(self, tx: Tx) -> Sequence[Seen]:
        """Give every private incident, the latest first: who may know of it is for whoever asks to decide."""

    def find(self, tx: Tx, selection: Selection) -> list[Listed]:
        """Give a page of a selection, the latest incidents first."""

    def count(self, tx: Tx, selection: Selection) -> int:
        """Tell how many incidents are in a selection, on all of its pages."""

    def outcomes(self, tx: Tx, selection: Selection) -> list[Outcome]:
        """Give how each incident of a selection went, on all of its pages; of those that count."""

    def audited(self, tx: Tx, question: Question) -> list[Entry]:
        """Give a page of what the audit log shows, the latest first."""

    def listed(self, tx: Tx, incident_id: str) -> Listed:
        """Give the row of one incident.

        :raises IncidentNotFound: there is no such incident.
        """

    def incident_of(self, tx: Tx, channel: str, team: str = "") -> str:
        """Give the id of the incident whose channel this is, or "".

        `team` is the channel's workspace; one that is not known, here or of the incident, may be any.
        """

    def naming(self, tx: Tx, sha256: str) -> list[str]:
        """Give the ids of the incidents that name an artifact, or whose runs do, those that are not private first.

        Blanking the entry, or forgetting the run, changes nothing: the bytes are about the incident still.
        """

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


@dataclass(frozen=True)
class Memo:
    """What a run has kept under a key, and when."""

    value: str
    at: datetime


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

    def memo(self, tx: Tx, run_id: str, key: str) -> str | None:
        """Give what a run has kept under a key so far, or None."""

    def memos(self, tx: Tx, run_id: str, keys: Sequence[str]) -> Mapping[str, Memo]:
        """Give what a run has kept so far under those of the keys that it has used."""

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

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        """Delete ended runs that belong to no incident, delivered answers and lapsed holds; tell how many went.

        All are older than `before`. At most `limit` of each go, so that nobody waits long for the writer. A child stays
        as long as its parent.
        """

    def running(self, tx: Tx, playbook: str, incident_id: str) -> list[str]:
        """Give the ids of an incident's unended runs of a playbook."""

    def children(self, tx: Tx, run: Run) -> list[Run]:
        """Give the runs that a run has begun for the same incident, oldest first."""

    def asking(self, tx: Tx) -> list[Run]:
        """Give the runs that have asked for an approval, whatever became of it, and have not ended, oldest first."""

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


class Engine(Beating, Protocol):
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


@dataclass(frozen=True)
class Installation:
    """What a workspace of Slack gave when it installed the app. `token` is empty once it was revoked."""

    team: str
    team_name: str
    bot_user: str
    bot_id: str
    token: str = field(repr=False)
    scopes: tuple[str, ...]
    installed_by: str
    installed_at: datetime
    revoked_at: datetime | None = None


class Installations(Protocol):
    """The workspaces that have installed the app. A change is told of as the topic `installations`."""

    def all(self, tx: Tx) -> list[Installation]:
        """Give every installation there has been, by workspace; without a token where it cannot be read."""

    def keep(self, tx: Tx, given: Installation) -> None:
        """Keep what a workspace gave, over what it gave before."""

    def revoke(self, tx: Tx, team: str, at: datetime) -> bool:
        """Mark an installation revoked and forget its token, unless it is newer than that; tell whether it was done."""
