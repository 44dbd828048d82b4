"""Slack's rate limits per method: tiers, and the methods with limits of their own.

Source: rate_limit_tiers.json and MethodsRateLimitTier of Slack's Java SDK; the numbers are calls a minute.
"""

import math
from collections import deque

from bot.emulator.clock import Clock

MINUTE_S = 60.0
TIER_2, TIER_3, TIER_4 = 20, 50, 100
# Slack says "one message a second per channel, short bursts allowed" and gives no number for the burst.
POST_BURST = 5
POST_PER_SECOND = 1.0
POST_WORKSPACE = 300

_TIER_2 = (
    "conversations.create conversations.setTopic conversations.setPurpose conversations.archive "
    "conversations.unarchive conversations.list conversations.rename users.conversations pins.add pins.list "
    "pins.remove bookmarks.add bookmarks.edit bookmarks.remove usergroups.list usergroups.users.list users.list "
    "reactions.remove"
)
_TIER_3 = (
    "chat.update chat.delete conversations.invite conversations.history conversations.replies conversations.info "
    "conversations.open conversations.join reactions.add reactions.get bookmarks.list users.lookupByEmail "
    "team.info bots.info openid.connect.userInfo"
)
_TIER_4 = (
    "views.open views.push views.update views.publish files.getUploadURLExternal files.completeUploadExternal "
    "files.info chat.postEphemeral users.info conversations.members api.test openid.connect.token"
)
# apps.connections.open is tier 1 (once a minute) but Slack lets an app open its ten connections at once.
PER_MINUTE = {
    **dict.fromkeys(_TIER_2.split(), TIER_2),
    **dict.fromkeys(_TIER_3.split(), TIER_3),
    **dict.fromkeys(_TIER_4.split(), TIER_4),
    "auth.test": 600,
    "chat.getPermalink": 600,
    "blocks.validate": 600,
    "chat.postMessage": POST_WORKSPACE,
    "apps.connections.open": 10,
}


class RateLimits:
    """Counts calls; tells how long to wait when there were too many."""

    def __init__(self, clock: Clock, *, on: bool = True) -> None:
        self.on = on
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}
        self._buckets: dict[str, tuple[float, float]] = {}

    def retry_after(self, method: str, channel: str = "") -> int:
        """Count one call; 0 when it may pass, else the whole seconds to wait. A refused call is not counted."""
        if not self.on:
            return 0
        now = self._clock.now()
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - MINUTE_S:
            calls.popleft()
        if len(calls) >= PER_MINUTE.get(method, TIER_3):
            return max(1, math.ceil(calls[0] + MINUTE_S - now))
        if method == "chat.postMessage" and channel and (wait := self._post_wait(channel, now)):
            return wait
        calls.append(now)
        return 0

    def reset(self) -> None:
        """Forget every call."""
        self._calls.clear()
        self._buckets.clear()

    def _post_wait(self, channel: str, now: float) -> int:
        tokens, at = self._buckets.get(channel, (float(POST_BURST), now))
        tokens = min(float(POST_BURST), tokens + (now - at) * POST_PER_SECOND)
        self._buckets[channel] = (max(tokens - 1, 0) if tokens >= 1 else tokens, now)
        return 0 if tokens >= 1 else max(1, math.ceil((1 - tokens) / POST_PER_SECOND))
