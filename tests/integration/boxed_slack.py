"""The local Slack without a wire, by a clock that is moved by hand: its rules and its limits, minutes in a moment."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.canvas import Studio
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.chat import Chat, Json
from bot.adapters.slack.ledger import Ledger
from bot.adapters.slack.reconciler import Reconciler
from bot.domain.errors import ChatFailed
from bot.domain.timeline import Author, Draft, Kind
from bot.emulator.arguments import Arguments
from bot.emulator.box import Box, build_box
from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.methods.registry import METHODS
from bot.emulator.settings import TOKEN_PREFIX, Settings
from bot.ports import Tx
from tests.fakes import FakeArtifacts, FakeMarks, FakeStore, FakeSurfaces, FakeTimeline
from tests.unit.slack.fake_slack import ADA, CONFIG, HandClock, limits_of, settled

T = TypeVar("T")

LOBBY = "incidents"


class _SlackTime(Clock):
    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        return self._clock.at.timestamp()


class _OpenStore(FakeStore):
    """Copies nothing: a storm reads often, and nothing in it is taken back."""

    async def write(self, act: Callable[[Tx], T]) -> T:
        self.now.topics = set()
        value = act(self.now)
        if self.now.topics:
            self._on_commit(frozenset(self.now.topics))
        await asyncio.sleep(0)
        return value

    async def read(self, act: Callable[[Tx], T]) -> T:
        await asyncio.sleep(0)
        return act(self.now)


class BoxedChat(Chat):
    """Calls the local Slack's methods as its web server does, after its limits; or finds nobody there."""

    box: Box
    calls: list[tuple[float, str, Mapping[str, str], str]]
    away = ""
    attempts = 0

    async def _post(
        self, url: str, data: Any, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, float | None, Json]:
        del headers, timeout_s
        self.attempts += 1
        await asyncio.sleep(0)
        if self.away:
            raise ChatFailed(self.away, retryable=True, unsure=self.away != "unreachable")
        method = url.rpartition("/")[2]
        status, wait_s, body = self._answer(method, data)
        outcome = "ok" if body["ok"] else str(body["error"])
        self.calls.append((self.box.clock.now(), method, data, outcome))
        return status, wait_s, body

    def _answer(self, method: str, data: Mapping[str, str]) -> tuple[int, float | None, Json]:
        if wait_s := self.box.limits.retry_after(method, data.get("channel", "")):
            return 429, wait_s, {"ok": False, "error": "ratelimited"}
        try:
            return 200, None, {"ok": True, **METHODS[method](self.box, Arguments(dict(data)))}
        except SlackError as error:
            return 200, None, error.body()


class Storm:
    """A workspace, a database, and one process at a time that speaks."""

    def __init__(self) -> None:
        self.clock = HandClock()
        settings = Settings("http://127.0.0.1:1", "secret", f"{TOKEN_PREFIX}test")
        self.box = build_box(settings, _SlackTime(self.clock))
        self.box.workspace.listeners.clear()
        self.store = _OpenStore(self._heard)
        self.timeline, self.surfaces, self.marks = FakeTimeline(), FakeSurfaces(), FakeMarks()
        self.calls: list[tuple[float, str, Mapping[str, str], str]] = []
        self.chat: BoxedChat
        self.reconciler: Reconciler

    async def speak(self) -> None:
        """Begin as a new process does: it knows what the database knows."""
        limits = limits_of(self.clock)
        ledger = Ledger(self.store, self.marks, self.clock, limits)
        self.chat = BoxedChat(CONFIG, self.clock, limits, note=ledger.note)
        self.chat.box, self.chat.calls = self.box, self.calls
        await ledger.recall()
        studio = Studio(
            store=self.store,
            timeline=self.timeline,
            surfaces=self.surfaces,
            artifacts=FakeArtifacts(),
            clock=self.clock,
            chat=self.chat,
            channels=Channels(self.chat),
            around=Around("http://pages", ("checkout",)),
            announcements=LOBBY,
        )
        self.reconciler = Reconciler(studio)
        await self.reconciler.start()
        self.clock.advance(3)

    async def open(self, severity: int, notes: int = 3) -> str:
        body = {"title": "checkout 5xx", "severity": f"SEV{severity}", "service": "", "warnings": []}
        now, author = self.clock.now(), Author(ADA)
        draft = Draft(Kind.OPENED, body)
        incident_id = await self.store.write(lambda tx: self.timeline.open(tx, draft, author, now))
        for number in range(notes):
            await self.append(incident_id, Kind.NOTE, text=f"note {number}")
        return incident_id

    async def append(self, incident_id: str, kind: Kind, **body: Any) -> None:
        drafts, now = [Draft(kind, body)], self.clock.now()
        await self.store.write(lambda tx: self.timeline.append(tx, incident_id, drafts, Author(ADA), now))

    async def rest(self, limit_s: float = 600) -> float:
        """Let time pass until all is shown; give the seconds that took."""
        began = self.clock.at
        await settled(self.clock, lambda: not self.reconciler.pending, limit_s)
        return (self.clock.at - began).total_seconds()

    def outcomes(self) -> Counter[str]:
        return Counter(outcome for _, _, _, outcome in self.calls)

    def order(self, method: str, **wanted: str) -> list[str]:
        """Give in which order incidents came to a call, by the number in its channel's name or its message's mark."""
        marked = [args for _, name, args, outcome in self.calls if name == method and outcome == "ok"]
        return [_incident(args) for args in marked if wanted.items() <= args.items()]

    def lobby(self) -> str:
        channel = self.box.workspace.channel_named(LOBBY)
        assert channel is not None
        return channel.id

    def severity(self, incident_id: str) -> str:
        return str(self.store.now.chains[incident_id][0].facts["severity"])

    def _heard(self, topics: frozenset[str]) -> None:
        for topic in topics:
            kind, _, name = topic.partition(":")
            if kind == "incident":
                self.reconciler.touch(name)


def _incident(args: Mapping[str, str]) -> str:
    if "name" in args:
        return f"INC-{args['name'].split('-')[1]}"
    payload = Arguments(dict(args)).structure("metadata")["event_payload"]
    return str(payload["incident"])


def doubled(storm: Storm) -> dict[Any, int]:
    """Give what stands in a channel more than once, by its key."""
    marks = Counter(
        (channel.id, payload["incident"], payload["key"])
        for channel in storm.box.workspace.channels.values()
        for message in channel.messages.values()
        if (payload := (message.metadata or {}).get("event_payload"))
    )
    return {mark: times for mark, times in marks.items() if times > 1}
