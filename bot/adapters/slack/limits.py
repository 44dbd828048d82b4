"""Hands out turns, so that Slack has no reason to answer 429, and the gravest incident is shown first.

Numbers: rate_limit_tiers.json and MethodsRateLimitTier of Slack's Java SDK, calls a minute and workspace;
chat.postMessage besides takes one message a second and channel, short bursts allowed. We stay a twentieth below. A
tenth of the rest is kept for SEV1 and SEV2, and for calls that somebody waits for: they pass even behind a storm of
lesser incidents. Fifty of those take as many minutes at the 17 left of a tier of 20 as they would at 20: three windows.
"""

import asyncio
import itertools
import time
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from bot.domain.errors import ChatFailed

# A call is counted when it leaves: the second more than Slack's minute covers the time on the way.
WINDOW_S = 61.0
_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
_OURS, _FOR_GRAVE = 0.95, 0.1
_POST = "chat.postMessage"
_POST_GAP_S = 1.0
_POST_BURST = 3
_MOST_CHANNELS = 1_000
_GRAVE = 2

_PER_MINUTE = {
    **dict.fromkeys(
        (
            "bookmarks.add",
            "bookmarks.remove",
            "conversations.create",
            "conversations.list",
            "conversations.setTopic",
            "pins.add",
            "usergroups.list",
            "usergroups.users.list",
            "users.conversations",
            "users.list",
        ),
        _TIER_2,
    ),
    **dict.fromkeys(
        (
            "chat.postEphemeral",
            "files.completeUploadExternal",
            "files.getUploadURLExternal",
            "users.info",
            "views.open",
        ),
        _TIER_4,
    ),
    "auth.test": 600,
    _POST: 300,
}


@dataclass(frozen=True, order=True)
class Rank:
    """Who goes first when a method's turns are scarce: announcements, then the graver, then the older incident."""

    after_announcements: bool = False
    severity: int = 0
    number: int = 0

    @property
    def is_grave(self) -> bool:
        """Tell whether it may use what is kept free."""
        return self.severity <= _GRAVE


def is_scarce(method: str) -> bool:
    """Tell whether a minute's turns can be used up by a storm."""
    return _PER_MINUTE.get(method, _TIER_3) <= _TIER_3


_rank: ContextVar[Rank] = ContextVar("rank", default=Rank())  # noqa: B039 - it is frozen


@contextmanager
def ranked(rank: Rank) -> Iterator[None]:
    """Ask for turns at this rank, in this task; outside of it somebody waits for the call."""
    token = _rank.set(rank)
    try:
        yield
    finally:
        _rank.reset(token)


@dataclass(eq=False)
class _Asked:
    rank: Rank
    order: int
    channel: str
    granted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def place(self) -> tuple[Rank, int]:
        return self.rank, self.order


class _Lane:
    """The turns of one method."""

    def __init__(self, method: str) -> None:
        self.method = method
        self._most = int(_PER_MINUTE.get(method, _TIER_3) * _OURS)
        self._most_ordinary = self._most - max(1, round(self._most * _FOR_GRAVE))
        self.turns: deque[float] = deque(maxlen=self._most)
        self.asking: list[_Asked] = []
        self._paused: dict[str, float] = {}
        self._next_post: dict[str, float] = {}

    def pause(self, channel: str, until: float) -> None:
        """Let nothing pass before; a post's pause is about its channel."""
        key = self._key(channel)
        self._paused[key] = max(self._paused.get(key, 0.0), until)

    def paused_until(self, channel: str) -> float:
        """Tell when the pause that Slack asked for is over."""
        return self._paused.get(self._key(channel), 0.0)

    def free_at(self, asked: _Asked, now: float) -> float:
        """Tell when there is room, if nobody goes before."""
        at = max(now, self.paused_until(asked.channel))
        most = self._most if asked.rank.is_grave else self._most_ordinary
        if len(self.turns) >= most:
            at = max(at, self.turns[-most] + WINDOW_S)
        return max(at, self._next_post.get(self._key(asked.channel), 0.0) - (_POST_BURST - 1) * _POST_GAP_S)

    def hand_out(self, now: float) -> None:
        """Grant what can be granted now, in the order of rank."""
        for asked in self.asking:
            if not asked.granted.is_set() and self.free_at(asked, now) <= now:
                self.turns.append(now)
                self._count_post(asked.channel, now)
                asked.granted.set()

    def _count_post(self, channel: str, now: float) -> None:
        if key := self._key(channel):
            if len(self._next_post) > _MOST_CHANNELS:
                self._next_post = {other: at for other, at in self._next_post.items() if at > now}
            self._next_post[key] = max(self._next_post.get(key, 0.0), now) + _POST_GAP_S

    def _key(self, channel: str) -> str:
        return channel if self.method == _POST else ""


class Limits:
    """Lets a call pass when its method's minute and its channel's second have room."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}
        self._order = itertools.count()

    async def turn(self, method: str, channel: str = "", patience_s: float = 3.0) -> None:
        """Return when the call may be made.

        :raises ChatFailed: that would take longer than `patience_s`; nothing was counted.
        """
        lane, until = self._lane(method), self._monotonic() + patience_s
        asked = _Asked(_rank.get(), next(self._order), channel)
        insort(lane.asking, asked, key=lambda one: one.place)
        try:
            while True:
                now = self._monotonic()
                lane.hand_out(now)
                if asked.granted.is_set():
                    return
                at = lane.free_at(asked, now)
                if at > until:
                    code = "ratelimited" if lane.paused_until(channel) > until else "busy"
                    raise ChatFailed(code, retryable=True, retry_after_s=at - now)
                await self._granted_or_later(asked, at - now)
        finally:
            lane.asking.remove(asked)

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Heed a 429: nothing passes until it is over. A post's 429 is about its channel."""
        self._lane(method).pause(channel, self._monotonic() + seconds)

    def used(self) -> dict[str, list[float]]:
        """Give by scarce method the seconds since each turn that still counts, the oldest first."""
        now = self._monotonic()
        scarce = {name: lane for name, lane in self._lanes.items() if is_scarce(name)}
        return {name: [now - at for at in lane.turns if now - at < WINDOW_S] for name, lane in scarce.items()}

    def take_over(self, used: Mapping[str, Sequence[float]]) -> None:
        """Count the turns that were used by whoever spoke before, instead of what is known here."""
        now = self._monotonic()
        for method, ages in used.items():
            turns = self._lane(method).turns
            turns.clear()
            turns.extend(now - max(age, 0.0) for age in ages)

    def _lane(self, method: str) -> _Lane:
        if method not in self._lanes:
            self._lanes[method] = _Lane(method)
        return self._lanes[method]

    async def _granted_or_later(self, asked: _Asked, seconds: float) -> None:
        waiters = [asyncio.ensure_future(asked.granted.wait()), asyncio.ensure_future(self._sleep(seconds))]
        try:
            await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
