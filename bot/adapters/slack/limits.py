"""Waits its turn, so that Slack has no reason to answer 429.

Numbers: rate_limit_tiers.json and MethodsRateLimitTier of Slack's Java SDK, calls a minute and workspace;
chat.postMessage besides takes one message a second and channel, short bursts allowed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from bot.domain.errors import ChatFailed

# A call is counted when it arrives: the second more than Slack's minute covers the time on the way.
_WINDOW_S = 61.0
_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
_POST = "chat.postMessage"
_POST_GAP_S = 1.0
_POST_BURST = 3
_MOST_CHANNELS = 1_000

_PER_MINUTE = {
    **dict.fromkeys(
        (
            "conversations.create",
            "conversations.setTopic",
            "conversations.unarchive",
            "conversations.list",
            "users.conversations",
            "users.list",
            "pins.add",
            "bookmarks.add",
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


class Limits:
    """Lets a call pass when its method's minute and its channel's second have room, in the order of asking."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._turns: dict[str, deque[float]] = {}
        self._next_post: dict[str, float] = {}
        self._paused: dict[str, float] = {}

    async def turn(self, method: str, channel: str = "", patience_s: float = 3.0) -> None:
        """Return when the call may be made.

        :raises ChatFailed: that would take longer than `patience_s`; nothing was counted.
        """
        now = self._monotonic()
        at = self._free_at(method, channel, now)
        if at - now > patience_s:
            raise ChatFailed("busy", retryable=True, retry_after_s=at - now)
        self._turns.setdefault(method, deque(maxlen=_limit(method))).append(at)
        if method == _POST and channel:
            self._next_post[channel] = max(self._next_post.get(channel, 0.0), at) + _POST_GAP_S
        if at > now:
            await self._sleep(at - now)

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Heed a 429: nothing passes until it is over. A post's 429 is about its channel."""
        key = _paused_key(method, channel)
        self._paused[key] = max(self._paused.get(key, 0.0), self._monotonic() + seconds)

    def _free_at(self, method: str, channel: str, now: float) -> float:
        turns = self._turns.get(method)
        at = max(now, self._paused.get(_paused_key(method, channel), 0.0))
        if turns and len(turns) == _limit(method):
            at = max(at, turns[0] + _WINDOW_S)
        if method == _POST and channel:
            self._forget_idle(now)
            at = max(at, self._next_post.get(channel, 0.0) - (_POST_BURST - 1) * _POST_GAP_S)
        return at

    def _forget_idle(self, now: float) -> None:
        if len(self._next_post) > _MOST_CHANNELS:
            self._next_post = {channel: at for channel, at in self._next_post.items() if at > now}


def _limit(method: str) -> int:
    return _PER_MINUTE.get(method, _TIER_3)


def _paused_key(method: str, channel: str) -> str:
    return f"{method} {channel}" if method == _POST else method
