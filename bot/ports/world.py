"""What lies outside: time, people, bytes, targets, histories."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from bot.domain.backends import Backend
from bot.domain.checks import Check
from bot.domain.configured_actions import Call, Done
from bot.domain.drills import Size, Switch
from bot.domain.dyeing import Front, Landed, Request
from bot.domain.expected import Lineage
from bot.domain.facts import Build
from bot.domain.fronts import Certificate, EdgeAnswer
from bot.domain.messages import ChatFile, ChatMessage, Unread
from bot.domain.run import Missing, Reply
from bot.domain.service import Edge, Service, Target
from bot.domain.sightings import Discovered
from bot.domain.snapshot import Captured, Manifest, Part, Probe
from bot.domain.timeline import Person
from bot.domain.traffic import Move, Split


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


@dataclass(frozen=True)
class Picture:
    """A PNG, its title, and the same in words."""

    title: str
    words: str
    png: bytes


class Poster(Protocol):
    """Posts into channels that belong to no incident."""

    async def post(self, channel: str, text: str, key: str, picture: Picture | None = None) -> Posted:
        """Post Markdown to a channel by its name, once for a key: a repeat finds the message and leaves it.

        A picture that cannot be shown keeps nobody from posting the words.
        """

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

    async def history(
        self, base: str, query: str, until: datetime, length: timedelta, step: timedelta
    ) -> tuple[float | None, ...] | Missing:
        """Give a query's largest value at every step up to a moment, oldest first; None where there was none."""

    async def exposition(self, address: str) -> tuple[Sample, ...] | Missing:
        """Give what an address exposes in Prometheus's text format; the label `__name__` is the metric's name."""


class Router(Protocol):
    """What shares a service's requests between baseline and canary; never raises for what the other side does."""

    async def read(self, service: Service) -> Split | Missing:
        """Read what it does now."""

    async def backends(self, service: Service) -> tuple[Backend, ...] | Missing:
        """Give what it has counted of each of the service's backends since it began; Missing where it tells none."""

    async def earlier(self, service: Service) -> str | Missing:
        """Name the release before the one that runs, in the controller's own words; "" where it knows of none."""

    async def plan(self, service: Service, wanted: Split) -> tuple[Move, ...] | Missing:
        """Give the moves from what it does now to what is wanted, in order; none when it does that already."""

    async def make(self, service: Service, move: Move) -> Missing | None:
        """Make one move; safe to repeat. What came of it is what `read` says then: an answer may be late or lost."""


class Doer(Protocol):
    """Does configured actions; never raises for what they do."""

    async def do(self, call: Call) -> Done:
        """Do it and wait for its end, no longer than it may take; output is short and without secrets."""


class Fronts(Protocol):
    """What stands between a service and its users; never raises for what they do."""

    async def certificate(self, target: Target) -> Certificate | None:
        """Read until when a target's certificate is valid; None when it does not serve HTTPS."""

    async def edge(self, edge: Edge) -> tuple[EdgeAnswer, ...]:
        """Ask every address of an edge for its path."""

    async def send(self, front: Front, requests: Sequence[Request]) -> tuple[Landed, ...]:
        """Send requests through the address that users go through; one answer for each, in their order."""


class Checkup(Protocol):
    """Looks at everything that FirstFive needs."""

    async def checks(self) -> tuple[Check, ...]:
        """Give a line for each thing, no secret in any; never raises for what it finds."""


class Directory(Protocol):
    """Who is who in the chat."""

    async def find(self, mention: str) -> Person | None:
        """Find a person by id, mention, name or e-mail; None when the workspace has nobody like that."""

    async def with_mail(self, mail: str) -> Person | Missing:
        """Find the person who has an e-mail address; or say why nobody is given. Never raises, and answers soon."""

    async def named(self, person: Person) -> Person:
        """Give a person the name that people know them by; as given when that cannot be told at once."""


class Groups(Protocol):
    """Who belongs to which user group of the chat; never raises, and answers soon."""

    async def members(self, group: str) -> frozenset[str] | Missing:
        """Give the ids of everybody in a group; or why that cannot be told now."""


@dataclass(frozen=True)
class Commit:
    """One commit of a service's repository."""

    sha: str
    author: str
    at: datetime
    subject: str


@dataclass(frozen=True)
class OnCall:
    """Who is on call, and by what that is known; `as_of`: None when it never was, `note`: what is wrong with it."""

    people: tuple[Person, ...]
    source: str = ""
    as_of: datetime | None = None
    note: str = ""


class Rota(Protocol):
    """Who is on call now; never raises, and answers soon: with what was known last, if it must."""

    async def on_call(self, service: str) -> OnCall:
        """Give who is on call for a service ("": for whatever is not configured otherwise)."""


class Repository(Protocol):
    """The git history of a service."""

    async def bring(self, place: str, *, fresh: bool) -> Path | Missing:
        """Give the folder of a repository, by its path or address; one that is elsewhere is mirrored here.

        `fresh`: the mirror is brought up to date if its origin answers; else any will do.
        """

    async def between(self, service: Service, good: str, bad: str, limit: int) -> tuple[Commit, ...] | Missing:
        """Give the commits in `bad` that are not in `good`, newest first."""

    async def lineage(self, service: Service, commit: str, other: str) -> Lineage | Missing:
        """Say where a commit lies in the history, and to another one (a commit, or a tag; "" for none)."""

    async def holds(self, service: Service, branches: Sequence[str], commit: str) -> bool | Missing:
        """Tell whether a commit is an ancestor of one of the branches, however old it is, or the branch itself."""

    async def tags(self, service: Service, limit: int) -> tuple[Commit, ...] | Missing:
        """Give the latest tags, newest first: their names as subjects, who made them and when, their commits."""

    async def files(self, place: str, sha: str, names: Collection[str]) -> Mapping[str, bytes] | Missing:
        """Give every file of these names (globs), in whatever folder, as a commit of a repository has it, by path.

        Quick: a repository that was never brought here, or lacks the commit, is not asked for elsewhere.
        """


class Transcript(Protocol):
    """What people say in the chat; never raises for what the chat does."""

    async def message(self, channel: str, ts: str) -> ChatMessage | Unread | None:
        """Give a message as it is now; None when it was deleted."""

    async def is_pinned(self, channel: str, ts: str) -> bool | Unread:
        """Tell whether a message is pinned in its channel."""

    async def members(self, channel: str) -> frozenset[str] | Unread:
        """Give the ids of who is in a channel now."""

    async def plain(self, text: str) -> str:
        """Give a text as people read it, without the chat's markup of names and links."""

    async def file(self, file: ChatFile, most: int) -> bytes | Missing:
        """Give the bytes of a message's file if they are at most so many, or say why not."""


Keep = Callable[[Captured], Awaitable[Captured]]
"""Gets a part as it was captured, and gives what is to be told of it: the record, with its content or without."""


async def as_it_is(captured: Captured) -> Captured:
    """Keep the content in memory."""
    return captured


class Targets(Protocol):
    """Asks the targets of a service; never raises for what a target does."""

    async def probe(self, target: Target, requests: int = 5) -> Probe:
        """Ask a target what its users get now."""

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        """Capture parts of a target, redacted, each recorded whatever becomes of it, and kept before the next."""


class Discovery(Protocol):
    """Knows which targets a service has now: those that are named, and those that are found."""

    async def targets(self, service: Service) -> Discovered:
        """Give them, and who was left out; never raises, and answers soon: with what was known last, if it must."""


class Switches(Protocol):
    """Switches the faults of a lab's targets; never raises for what a target does."""

    async def read(self, target: Target) -> tuple[Switch, ...] | Missing:
        """Give what a target can be switched to; Missing says why it is not known."""

    async def turn(self, target: Target, name: str, size: Size | None, lasts: timedelta | None) -> Missing | None:
        """Switch a fault on at a size, for so long (None: as the lab thinks best), or off; Missing says why not."""


class Replica(Protocol):
    """This process, as one of those that execute runs."""

    @property
    def name(self) -> str:
        """HOST:PID, and what tells it from every other process there ever was."""

    async def build(self) -> Build:
        """Give which build of FirstFive it runs, as far as its installation tells."""

    def lose(self) -> Missing:
        """Be gone at once, as if killed, and begin anew; returns only where that cannot be, and says why."""


class Chance(Protocol):
    """What nobody can foresee."""

    def below(self, count: int) -> int:
        """Give one of 0 .. count - 1, each as likely."""

    def nonce(self) -> str:
        """Give a word that nobody can guess."""


class Archive(Protocol):
    """Packs snapshots and bundles."""

    async def pack(self, manifest: Manifest, content: Callable[[Captured], Awaitable[bytes]]) -> bytes:
        """Pack a snapshot into one tar.gz, one part after the other; equal snapshots give equal bytes."""

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
