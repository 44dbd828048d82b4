"""What every surface of an incident needs: shown once, tried again when Slack passes out, given up when it says no.

A surface that Slack refuses for now is tried again by a later pass; one that it refuses for good gets a CHAT_FAILED
entry, once, and is left alone until it should show something else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.chat import CREDENTIALS, UNREACHABLE, Chat
from bot.domain.errors import ChatFailed
from bot.domain.incident import Incident
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Entry, Kind
from bot.ports import Artifacts, Clock, Store, Surface, Surfaces, Timeline, Tx

log = structlog.get_logger()

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
LOST = "lost "
_PAST = timedelta(hours=1)
_BUSY = {"busy", "ratelimited"}
_NO_CHANNEL = {"channel_not_found", "is_archived", "not_in_channel"}
# Whoever waits for a turn comes back before it is there, so that they stand in line and the gravest gets it.
_EARLY_S, _LEAST_S = 1.5, 0.2

_ADVICE = {
    "user_not_found": "there is no such person in this workspace; name somebody who is: /incident role commander @name",
    "cant_invite": "this person cannot be invited",
    "is_archived": "the channel was archived twice, so no other is made; `firstfive` and the incident's page go on",
    "not_in_private": "FirstFive is not in the private channel any more; write /invite @FirstFive there",
    "missing_scope": "the app lacks a permission; install it again with the scopes of slack-manifest.yml",
    "restricted_action": "this workspace does not let the app do that; ask an admin of the workspace",
    "announcements_not_found": "there is no channel of the configured name; change `announcements`",
}


@dataclass(frozen=True)
class Studio:
    """What a pass works with."""

    store: Store
    timeline: Timeline
    surfaces: Surfaces
    artifacts: Artifacts
    clock: Clock
    chat: Chat
    channels: Channels
    around: Around
    announcements: str = ""
    # Tells whether what belongs to a workspace's id is shown here.
    owns: Callable[[str], bool] = lambda _: True
    # Asks for a look at an incident at a later time; None: at no time.
    wake: Callable[[str, datetime | None], None] = lambda *_: None


@dataclass
class Memory:
    """What this process knows of an incident's surfaces and the database need not.

    Entries up to `first_seq` may have been posted by a process before this one; `fresh` when no other process can have
    shown anything; `edited` holds when a message was changed last; `doubt` holds keys whose last call was not answered;
    `failed` what was refused for good. What was not answered may also be done after all that came later: such keys are
    `late`, then `due` to be looked at again.
    """

    first_seq: int
    fresh: bool = False
    doubt: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    looks: int = 0
    edited: dict[str, datetime] = field(default_factory=dict)
    failures: int = 0


class Canvas:
    """An incident as one pass finds it, and what it leaves."""

    def __init__(
        self, studio: Studio, incident: Incident, entries: list[Entry], shown: dict[str, Surface], memory: Memory
    ) -> None:
        self.studio = studio
        self.incident = incident
        self.entries = entries
        self.shown = shown
        self.memory = memory
        self.channel = ""
        self.again_s: float | None = None
        self.stopped = False
        self.failed_now = False
        self.waiting: set[str] = set()
        self._entered = False

    @property
    def is_past(self) -> bool:
        """Tell whether it is over for so long that nothing new is made for it, only kept up to date."""
        changed_at = self.incident.changed_at or self.incident.opened_at
        return self.incident.is_over and self.studio.clock.now() - changed_at > _PAST

    def is_shown(self, key: str, wanted: str) -> bool:
        """Tell whether a surface shows what it should, and nothing late can have changed that."""
        shown = self.shown.get(key)
        return shown is not None and shown.digest == wanted and key not in self.memory.due

    async def show(self, key: str, wanted: str, act: Callable[[], Awaitable[str]], *, bound: bool = True) -> bool:
        """Bring a surface to where it should be; tell whether it is."""
        if self.is_shown(key, wanted):
            return True
        if self.memory.failed.get(key) == wanted:
            return False
        try:
            ref = await (self.remedied(act) if bound else act())
        except ChatFailed as failure:
            await self.refused(key, wanted, failure, bound=bound)
            return False
        await self.remember(key, ref, wanted)
        return True

    async def remedied(self, act: Callable[[], Awaitable[str]]) -> str:
        """Do it; when the channel has to be entered first, do that and then it again."""
        while True:
            try:
                return await act()
            except ChatFailed as failure:
                if failure.code != "not_in_channel" or not self.channel or self.incident.private or self._entered:
                    raise
            self._entered = True
            await self.studio.chat.call("conversations.join", channel=self.channel)

    async def refused(self, key: str, wanted: str, failure: ChatFailed, *, bound: bool = True) -> None:
        """Try again later, make a new channel, or give the surface up. `bound`: the surface is in the channel."""
        log.info("slack refused", surface=key, error=failure.code, incident=self.incident.id)
        if failure.unsure:
            self.memory.doubt.add(key)
            # A channel that is made late finds its name taken.
            self.memory.late |= {key} - {"channel"}
        if failure.code == "busy":
            self.waiting.add(key)
        if failure.retryable:
            self._retry(failure)
        elif bound and failure.code in _NO_CHANNEL and self.channel:
            await self._lost_channel(key, wanted, failure.code)
        else:
            self.memory.failed[key] = wanted
            await self._tell(key, failure.code)

    def put_off(self, key: str, failure: ChatFailed) -> None:
        """Look at what is due again later, unless Slack says that it never can be."""
        if failure.retryable:
            self.memory.due.add(key)
            self._retry(failure)
        else:
            log.info("slack cannot be looked at", surface=key, error=failure.code, incident=self.incident.id)
            self.memory.due.discard(key)

    def _retry(self, failure: ChatFailed) -> None:
        if failure.code in _BUSY and failure.retry_after_s is not None:
            self.want_again(max(failure.retry_after_s - _EARLY_S, _LEAST_S))
            return
        self.failed_now = True
        wait_s = min(_FIRST_WAIT_S * 2.0 ** min(self.memory.failures, 10), _LONGEST_WAIT_S)
        self.want_again(max(wait_s, failure.retry_after_s or 0.0))
        self.memory.failures += 1
        everywhere = failure.code in UNREACHABLE or failure.code in CREDENTIALS
        self.stopped = self.stopped or everywhere or failure.code.startswith("http_5")

    def want_again(self, seconds: float) -> None:
        """Ask for another pass."""
        self.again_s = seconds if self.again_s is None else min(self.again_s, seconds)

    async def _lost_channel(self, key: str, wanted: str, code: str) -> None:
        """Do without the channel for this pass; by the next one there is another, if there should be."""
        if code == "is_archived":
            await self._archived_channel(key, wanted)
        elif self.incident.private:
            # Whoever is not in a private channel cannot tell whether it is there, and may not enter it.
            self.memory.failed[key] = wanted
            await self._tell("channel", "not_in_private")
        elif code == "channel_not_found":
            await self._missing_channel()
        else:
            self.memory.failed[key] = wanted
            await self._tell(key, code)
        self.channel = ""

    async def _archived_channel(self, key: str, wanted: str) -> None:
        """Make another one, as no app may unarchive; once, since whoever archives that one too means it.

        To archive the channel of an incident that is over is what people do: nothing to make or tell.
        """
        if not self.incident.is_over and "replaced" not in self.shown:
            await self.remember("replaced", self.channel, "archived")
            await self._replace_channel()
            return
        self.memory.failed[key] = wanted
        if not self.incident.is_over:
            await self._tell("channel", "is_archived")

    async def _missing_channel(self) -> None:
        """Make another one, if it is really gone."""
        try:
            gone = not await self.studio.channels.exists(self.channel)
        except ChatFailed as failure:
            self._retry(failure)
            return
        if gone and self.is_past:
            self.stopped = True
        elif gone:
            await self._replace_channel()
        else:
            self._retry(ChatFailed("channel_not_found", retryable=True))

    async def _replace_channel(self) -> None:
        await self.remember("channel", "", LOST + self.channel)
        self.memory.failed.clear()
        self.want_again(0.0)

    async def _tell(self, surface: str, code: str) -> None:
        """Put it on the timeline, once: the fold of the timeline is all that people can rely on."""
        body = {"surface": surface, "reason": f"{code}: {_ADVICE[code]}" if code in _ADVICE else code}
        told = (entry.facts for entry in self.entries if entry.kind == Kind.CHAT_FAILED)
        if body not in told:
            await self.write(self.entry(Draft(Kind.CHAT_FAILED, body)))

    async def remember(self, key: str, ref: str, wanted: str) -> None:
        """Keep that a surface is shown."""
        await self.write(self.surface(key, ref, wanted))
        self.memory.doubt.discard(key)
        self.memory.due.discard(key)
        self.memory.failed.pop(key, None)

    async def write(self, *effects: Callable[[Tx], None]) -> None:
        """Commit effects together."""

        def act(tx: Tx) -> None:
            for effect in effects:
                effect(tx)

        await self.studio.store.write(act)

    def surface(self, key: str, ref: str, wanted: str = "") -> Callable[[Tx], None]:
        """Give the effect that a surface is kept."""
        surface = Surface(self.incident.id, key, ref, wanted)
        self.shown[key] = surface
        return lambda tx: self.studio.surfaces.show(tx, surface)

    def entry(self, draft: Draft) -> Callable[[Tx], None]:
        """Give the effect that an entry of FirstFive itself is appended."""
        now, author = self.studio.clock.now(), Author(FIRSTFIVE)
        return lambda tx: self.studio.timeline.append(tx, self.incident.id, [draft], author, now)

    def may_be_there(self, key: str) -> bool:
        """Tell whether a call that nobody remembers may have shown a surface already."""
        return key in self.memory.doubt or key in self.memory.due or not self.memory.fresh

    def card_ref(self) -> str:
        """Give where the card stands in the channel, or ""."""
        shown = self.shown.get("card")
        return shown.ref if shown is not None and shown.ref.startswith(f"{self.channel}/") and self.channel else ""
