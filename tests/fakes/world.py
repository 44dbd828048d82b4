"""Fakes of what lies outside."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.audits import Audited, Subject
from bot.domain.checks import Check
from bot.domain.configured_actions import Call, Done
from bot.domain.dyeing import Front, Landed, Request
from bot.domain.errors import AnchorRaced
from bot.domain.figure import Figure
from bot.domain.fronts import Certificate, EdgeAnswer
from bot.domain.guard_plan import Reason
from bot.domain.incident import Incident
from bot.domain.messages import ChatFile, ChatMessage, Unread
from bot.domain.run import Missing, Reply
from bot.domain.service import Edge, Target
from bot.domain.snapshot import Captured, Manifest
from bot.domain.timeline import Entry, Person
from bot.ports import Group, OnCall, PageState, Picture, Posted, Pushed, Reached, Stored, Wanted
from tests.fakes.keeping import NOON


class FakePoster:
    """Posts once for a key; `refusals` are given first, one for each try."""

    def __init__(self, *refusals: Posted) -> None:
        self.posts: dict[str, tuple[str, str]] = {}
        self.pictures: dict[str, Picture] = {}
        self.refusals = list(refusals)

    async def post(self, channel: str, text: str, key: str, picture: Picture | None = None) -> Posted:
        if self.refusals:
            return self.refusals.pop(0)
        self.posts.setdefault(key, (channel, text))
        if picture is not None:
            self.pictures.setdefault(key, picture)
        return Posted(ok=True, ref=f"{channel}/{len(self.posts)}")

    async def show(self, channel: str, reply: Reply, key: str) -> Posted:
        if self.refusals:
            return self.refusals.pop(0)
        self.posts[key] = (channel, reply.text)
        return Posted(ok=True, ref=f"{channel}/{len(self.posts)}")


class FakeFronts:
    """Gives what it was given, by target and by url."""

    def __init__(self, *certificates: Certificate, edges: Mapping[str, Sequence[EdgeAnswer]] | None = None) -> None:
        self.certificates = {one.target: one for one in certificates}
        self.edges = dict(edges or {})
        self.lands: Callable[[Request], Landed] = lambda request: Landed(request, "baseline", request.id)

    async def certificate(self, target: Target) -> Certificate | None:
        return self.certificates.get(target.name)

    async def edge(self, edge: Edge) -> tuple[EdgeAnswer, ...]:
        return tuple(self.edges.get(edge.url, ()))

    async def send(self, front: Front, requests: Sequence[Request]) -> tuple[Landed, ...]:
        assert front.url.startswith("http")
        return tuple(self.lands(request) for request in requests)


class FakeGateway:
    """Keeps what was pushed of each service and environment; `ailment` is what it answers instead."""

    def __init__(self, place: str = "http://127.0.0.1:9091") -> None:
        self.place = place
        self.told: dict[Group, dict[Reason, int]] = {}
        self.ailment = ""

    async def push(self, service: str, env: str, counts: Mapping[Reason, int]) -> Missing | None:
        if self.ailment:
            return Missing(self.ailment)
        self.told[service, env] = dict(counts)
        return None

    async def forget(self, groups: Collection[Group]) -> Missing | None:
        if self.ailment:
            return Missing(self.ailment)
        self.told = {group: kept for group, kept in self.told.items() if group not in groups}
        return None


class FakeDoer:
    """Does everything at once, and keeps what it was told; `end` is how."""

    def __init__(self, end: Done | None = None) -> None:
        self.end = end or Done(ok=True, how="exit code 0", output=b"restarted\n")
        self.calls: list[Call] = []

    async def do(self, call: Call) -> Done:
        self.calls.append(call)
        return self.end


class FakeArtifacts:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def check(self) -> None:
        await asyncio.sleep(0)

    async def put(self, name: str, content: bytes) -> Stored:
        digest = hashlib.sha256(content).hexdigest()
        self.kept[digest] = content
        return Stored(name, digest, len(content))

    async def get(self, sha256: str) -> bytes | None:
        return self.kept.get(sha256)


class FakeAnchors:
    def __init__(self) -> None:
        self.kept: list[str] = []

    async def lines(self) -> list[str]:
        return list(self.kept)

    async def append(self, line: str, number: int) -> None:
        if number != len(self.kept) + 1:
            raise AnchorRaced(f"Anchor {number} was written by somebody else meanwhile.")
        self.kept.append(line)


class FakeBundles:
    """A repository of bundles; `refusals` are given before anything is taken."""

    def __init__(self, place: str = "", refusals: Sequence[str] = ()) -> None:
        self._place = place
        self.refusals = list(refusals)
        self.kept: dict[str, bytes] = {}

    @property
    def place(self) -> str:
        return self._place

    async def push(self, path: str, content: bytes, at: datetime) -> Pushed | Missing:
        assert at.tzinfo
        if self.refusals:
            return Missing(self.refusals.pop(0))
        fresh = self.kept.get(path) != content
        self.kept[path] = content
        return Pushed(f"{self._place} {path}", "c0ffee", fresh)


class FakeCheckup:
    """Finds what it was given."""

    def __init__(self, *checks: Check) -> None:
        self.found = checks

    async def checks(self) -> tuple[Check, ...]:
        return self.found


class FakeArchive:
    async def pack(self, manifest: Manifest, content: Callable[[Captured], Awaitable[bytes]]) -> bytes:
        return manifest.to_json() + b"".join([await content(part) for part in manifest.artifacts])

    async def tar(self, folder: str, files: Mapping[str, bytes]) -> bytes:
        return "".join(f"{folder}/{name} {len(files[name])}\n" for name in sorted(files)).encode()


class FakeDocuments:
    def postmortem(self, incident: Incident, entries: Sequence[Entry]) -> str:
        return f"# {incident.id}: {incident.title}\n\n{len(entries)} entries\n"

    def file(self, title: str, markdown: str, figures: Sequence[Figure] = ()) -> str:
        return f"<title>{title}</title>{markdown}{len(figures)} figures"


class FakeDirectory:
    def __init__(self, people: Mapping[str, Person] | None = None) -> None:
        self.people = dict(people or {})

    async def find(self, mention: str) -> Person | None:
        return self.people.get(mention)

    async def with_mail(self, mail: str) -> Person | Missing:
        return self.people.get(mail, Missing(f"nobody in this workspace has the e-mail {mail}"))

    async def named(self, person: Person) -> Person:
        return self.people.get(person.id, person)


class FakeGroups:
    """Has these members by group; with a `failure`, tells of none."""

    def __init__(self, members: Mapping[str, Iterable[str]] | None = None, failure: str = "") -> None:
        self.known = {group: frozenset(ids) for group, ids in (members or {}).items()}
        self.failure = failure

    async def members(self, group: str) -> frozenset[str] | Missing:
        if self.failure:
            return Missing(self.failure)
        return self.known.get(group, Missing(f"no group has the id {group}"))


class FakeTranscript:
    """Has the messages it was given, by (channel, ts), and the bytes of files by id; `refusals` are given first."""

    def __init__(self, *messages: ChatMessage) -> None:
        self.messages = {(one.channel, one.ts): one for one in messages}
        self.pins: set[str] = set()
        self.people: dict[str, set[str]] = {}
        self.contents: dict[str, bytes] = {}
        self.refusals: list[Unread] = []

    async def message(self, channel: str, ts: str) -> ChatMessage | Unread | None:
        return self.refusals.pop(0) if self.refusals else self.messages.get((channel, ts))

    async def is_pinned(self, channel: str, ts: str) -> bool | Unread:
        return (channel, ts) in self.messages and ts in self.pins

    async def members(self, channel: str) -> frozenset[str] | Unread:
        return self.refusals.pop(0) if self.refusals else frozenset(self.people.get(channel, ()))

    async def plain(self, text: str) -> str:
        return text

    async def file(self, file: ChatFile, most: int) -> bytes | Missing:
        content = self.contents.get(file.id, b"")
        return content if 0 < len(content) <= most else Missing("Slack does not have its bytes")


class FakeRota:
    """Has these people on call for every service; with a `failure`, what it said last."""

    def __init__(self, *people: Person, failure: str = "") -> None:
        self.people = people
        self.failure = failure
        self._last = OnCall((), "fake")

    async def on_call(self, service: str) -> OnCall:
        assert isinstance(service, str)
        if self.failure:
            return replace(self._last, note=self.failure)
        self._last = OnCall(self.people, "fake", NOON)
        return self._last


class FakePager:
    def __init__(self, *, ok: bool = True, on_call: Sequence[Person] = (), paged: bool = True) -> None:
        self.ok = ok
        self.on_call = tuple(on_call)
        self.is_page = paged
        self.paged: dict[str, tuple[Person, str]] = {}
        self.answers: dict[str, Person] = {}
        self.followed: list[tuple[str, PageState]] = []

    async def page(self, person: Person, text: str, key: str) -> Reached:
        self.paged.setdefault(key, (person, text))
        return Reached(person, "fake", self.ok, "" if self.ok else "nobody is there", paged=self.is_page)

    async def answered(self, key: str) -> Person | None:
        return self.answers.get(key)

    async def follow(self, key: str, to: PageState) -> bool:
        self.followed.append((key, to))
        return True


class FakeAudits:
    """Finds what it was given, at whatever it looks; `asked` is what it was asked for."""

    def __init__(self, found: Subject | Missing) -> None:
        self.found = found
        self.asked: list[tuple[Audited, Wanted]] = []

    async def look(self, what: Audited, of: Wanted) -> Subject | Missing:
        self.asked.append((what, of))
        return self.found
