"""A workspace in memory that can fail at any single call, and a clock that is moved by hand."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.canvas import Studio
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.chat import Chat, Json
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.limits import Limits
from bot.domain.errors import ChatFailed
from bot.domain.timeline import Author, Draft, Kind, Person
from bot.ports import Answer, Surface
from tests.fakes import NOON, FakeArtifacts, FakeStore, FakeSurfaces, FakeTimeline

ADA = Person("U0ADA0001", "ada")
BEN = Person("U0BEN0002", "ben")
BOT = "U0BOT0001"
CONFIG = SlackConfig("xoxb-test", "secret")
BEFORE, AFTER, LATE = "before", "after", "late"
LATE_S = 12.0


class HandClock:
    """Time that stands until a test moves it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, at: datetime) -> None:
        if at <= self.at:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((at, future))
        await future

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        for at, future in self._waiting:
            if at <= self.at and not future.done():
                future.set_result(None)
        self._waiting = [(at, future) for at, future in self._waiting if not future.done()]

    def seconds(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.at + timedelta(seconds=seconds))

    def next(self) -> float | None:
        """Seconds until somebody wants to go on."""
        waiting = [at for at, future in self._waiting if not future.done()]
        return (min(waiting) - self.at).total_seconds() if waiting else None


def limits_of(clock: HandClock) -> Limits:
    """Slack's limits by a clock that is moved by hand."""
    return Limits(clock.seconds, clock.sleep)


async def settled(clock: HandClock, is_done: Callable[[], bool], limit_s: float = 3_600) -> None:
    """Let tasks run, and time pass when they all wait, until it is done."""
    until = clock.at + timedelta(seconds=limit_s)
    while True:
        for _ in range(60):
            await asyncio.sleep(0)
        if is_done():
            return
        wait = clock.next()
        assert wait is not None, "nothing is done any more, and it is not done"
        clock.advance(wait)
        assert clock.at < until, "it does not come to an end"


class FakeSlack(Chat):
    """Behaves like Slack as far as the reconciler can tell. `faults` are (method, mode) that happen once, in order."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(CONFIG, clock)
        self.clock = clock
        self.faults: list[tuple[str, str]] = []
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.channels: dict[str, Json] = {}
        self.responses: list[tuple[str, Json]] = []
        self.direct: list[Json] = []
        self.strangers: set[str] = set()
        self.late: list[asyncio.Future[None]] = []
        self._made = 0

    def called(self, method: str) -> int:
        return sum(1 for name, _ in self.calls if name == method)

    def add_channel(self, name: str, creator: str = BOT, **more: Any) -> Json:
        channel: Json = {
            "id": self._next("C0"),
            "name": name,
            "creator": creator,
            "created": self.clock.at.timestamp(),
            "messages": [],
            "pins": [],
            "bookmarks": [],
            "members": {BOT},
            "topic": "",
            "archived": False,
            "is_private": False,
            **more,
        }
        self.channels[channel["id"]] = channel
        return channel

    async def _call(self, method: str, args: Mapping[str, Any], timeout_s: float, patience_s: float) -> Json:
        del timeout_s, patience_s
        await asyncio.sleep(0)
        self.calls.append((method, args))
        mode = self._fault(method)
        if mode == BEFORE:
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        if mode and mode not in {AFTER, LATE}:
            raise ChatFailed(mode, retryable=mode == "ratelimited", retry_after_s=7 if mode == "ratelimited" else None)
        if mode == LATE:
            self.late.append(asyncio.ensure_future(self._do_later(method, args)))
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        answer = getattr(self, method.replace(".", "_"))(args)
        if mode == AFTER:
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        return dict(answer or {})

    async def _do_later(self, method: str, args: Mapping[str, Any]) -> None:
        """Do what was asked for, long after everybody has stopped waiting for it."""
        await self.clock.sleep_until(self.clock.at + timedelta(seconds=LATE_S))
        with suppress(ChatFailed):
            getattr(self, method.replace(".", "_"))(args)

    async def respond(self, url: str, body: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        mode = self._fault("respond")
        if mode == BEFORE:
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        if mode:
            raise ChatFailed(mode)
        self.responses.append((url, dict(body)))

    async def upload(self, name: str, title: str, content: bytes, **where: Any) -> Json:
        mode = self._fault("upload")
        if mode == BEFORE:
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        if mode == LATE:
            self.late.append(asyncio.ensure_future(self._share_later(name, title, content, where)))
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        if mode and mode != AFTER:
            raise ChatFailed(mode)
        self._share(name, title, content, where)
        if mode == AFTER:
            raise ChatFailed("unanswered", retryable=True, unsure=True)
        return {}

    async def _share_later(self, name: str, title: str, content: bytes, where: Mapping[str, Any]) -> None:
        await self.clock.sleep_until(self.clock.at + timedelta(seconds=LATE_S))
        self._share(name, title, content, where)

    def _share(self, name: str, title: str, content: bytes, where: Mapping[str, Any]) -> None:
        files = [{"title": title, "name": name, "size": len(content)}]
        self._say(str(where["channel_id"]), {"files": files, "thread_ts": where.get("thread_ts", "")})

    def auth_test(self, _: Mapping[str, Any]) -> Json:
        return {"user_id": BOT}

    def conversations_create(self, args: Mapping[str, Any]) -> Json:
        if any(channel["name"] == args["name"] for channel in self.channels.values()):
            raise ChatFailed("name_taken")
        return {"channel": self.add_channel(str(args["name"]), is_private=bool(args["is_private"]))}

    def conversations_info(self, args: Mapping[str, Any]) -> Json:
        return {"channel": self._channel(args, entered=False)}

    def conversations_list(self, _: Mapping[str, Any]) -> Json:
        return {"channels": list(self.channels.values())}

    def users_conversations(self, args: Mapping[str, Any]) -> Json:
        private = args["types"] == "private_channel"
        mine = [one for one in self.channels.values() if BOT in one["members"] and not one["archived"]]
        return {"channels": [one for one in mine if one["is_private"] is private]}

    def conversations_join(self, args: Mapping[str, Any]) -> None:
        self._channel(args, entered=False)["members"].add(BOT)

    def conversations_invite(self, args: Mapping[str, Any]) -> None:
        members = self._channel(args)["members"]
        if args["users"] in self.strangers:
            raise ChatFailed("user_not_found")
        if args["users"] in members:
            raise ChatFailed("already_in_channel")
        members.add(args["users"])

    def conversations_setTopic(self, args: Mapping[str, Any]) -> None:  # noqa: N802 - Slack's name
        self._channel(args)["topic"] = args["topic"]

    def conversations_history(self, args: Mapping[str, Any]) -> Json:
        messages = self._channel(args)["messages"]
        return {"messages": [message for message in reversed(messages) if not message["thread_ts"]]}

    def conversations_replies(self, args: Mapping[str, Any]) -> Json:
        messages = self._channel(args)["messages"]
        return {"messages": [message for message in messages if args["ts"] in (message["ts"], message["thread_ts"])]}

    def conversations_open(self, args: Mapping[str, Any]) -> Json:
        if args["users"] in self.strangers:
            raise ChatFailed("user_not_found")
        found = next((one for one in self.channels.values() if one["name"] == args["users"]), None)
        return {"channel": found or self.add_channel(str(args["users"]))}

    def chat_postMessage(self, args: Mapping[str, Any]) -> Json:  # noqa: N802 - Slack's name
        if str(args["channel"]).startswith("U"):
            self.direct.append(dict(args))
            return {"ts": "1.1", "channel": args["channel"]}
        self._channel(args)
        message = self._say(str(args["channel"]), {**args, "thread_ts": args.get("thread_ts", "")})
        return {"ts": message["ts"], "channel": args["channel"]}

    def chat_postEphemeral(self, args: Mapping[str, Any]) -> None:  # noqa: N802 - Slack's name
        self._channel(args).setdefault("ephemerals", []).append(dict(args))

    def chat_delete(self, args: Mapping[str, Any]) -> None:
        messages = self._channel(args)["messages"]
        messages[:] = [message for message in messages if message["ts"] != args["ts"]]

    def chat_update(self, args: Mapping[str, Any]) -> None:
        for message in self._channel(args)["messages"]:
            if message["ts"] == args["ts"]:
                message.update({"text": args["text"], "blocks": args.get("blocks", [])})
                return
        raise ChatFailed("message_not_found")

    def pins_add(self, args: Mapping[str, Any]) -> None:
        pins = self._channel(args)["pins"]
        if args["timestamp"] in pins:
            raise ChatFailed("already_pinned")
        pins.append(args["timestamp"])

    def bookmarks_add(self, args: Mapping[str, Any]) -> Json:
        bookmark = {"id": self._next("Bk"), "link": args["link"]}
        self._channel({"channel": args["channel_id"]})["bookmarks"].append(bookmark)
        return {"bookmark": bookmark}

    def bookmarks_remove(self, args: Mapping[str, Any]) -> None:
        bookmarks = self._channel({"channel": args["channel_id"]})["bookmarks"]
        bookmarks[:] = [bookmark for bookmark in bookmarks if bookmark["id"] != args["bookmark_id"]]

    def bookmarks_list(self, args: Mapping[str, Any]) -> Json:
        return {"bookmarks": self._channel({"channel": args["channel_id"]})["bookmarks"]}

    def _channel(self, args: Mapping[str, Any], *, entered: bool = True) -> Json:
        channel = self.channels.get(str(args["channel"]))
        if channel is None or (channel["is_private"] and BOT not in channel["members"]):
            raise ChatFailed("channel_not_found")
        if entered and channel["archived"]:
            raise ChatFailed("is_archived")
        if entered and BOT not in channel["members"]:
            raise ChatFailed("not_in_channel")
        return channel

    def _say(self, channel: str, message: Mapping[str, Any]) -> Json:
        said = {**message, "ts": f"{1_000 + len(self.calls)}.{self._next('')}"}
        self.channels[channel]["messages"].append(said)
        return said

    def _fault(self, method: str) -> str:
        for fault in self.faults:
            if fault[0] == method:
                self.faults.remove(fault)
                return fault[1]
        return ""

    def _next(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}{self._made:06}"


class World:
    """A timeline, its surfaces, and a workspace."""

    def __init__(self, announcements: str = "") -> None:
        self.clock = HandClock()
        self.store = FakeStore()
        self.timeline = FakeTimeline()
        self.surfaces = FakeSurfaces()
        self.artifacts = FakeArtifacts()
        self.slack = FakeSlack(self.clock)
        self.studio = Studio(
            store=self.store,
            timeline=self.timeline,
            surfaces=self.surfaces,
            artifacts=self.artifacts,
            clock=self.clock,
            chat=self.slack,
            channels=Channels(self.slack),
            around=Around("http://pages", ("checkout", "search")),
            announcements=announcements,
        )

    async def open(self, title: str = "checkout 5xx", **facts: Any) -> str:
        body = {"title": title, "severity": "SEV2", "service": "", "warnings": [], **facts}
        draft = Draft(Kind.OPENED, body)
        return await self.store.write(lambda tx: self.timeline.open(tx, draft, Author(ADA), self.clock.now()))

    async def append(self, incident_id: str, kind: Kind, run_id: str = "", /, **body: Any) -> None:
        drafts, author = [Draft(kind, body)], Author(ADA, run_id)
        await self.store.write(lambda tx: self.timeline.append(tx, incident_id, drafts, author, self.clock.now()))

    def kinds(self, incident_id: str) -> list[str]:
        return [entry.kind for entry in self.store.now.chains[incident_id]]

    def failures(self, incident_id: str) -> list[dict[str, Any]]:
        return [entry.facts for entry in self.store.now.chains[incident_id] if entry.kind == Kind.CHAT_FAILED]

    def shown(self, incident_id: str) -> dict[str, Surface]:
        return self.surfaces.shown(self.store.now, incident_id)

    def answers(self) -> dict[str, tuple[Answer, str]]:
        return self.store.now.answers
