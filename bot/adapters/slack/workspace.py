"""One workspace: its line to Slack, with its token and its limits, and everything that is shown and asked over it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.adapters.slack.answers import Answers
from bot.adapters.slack.blocks import Around
from bot.adapters.slack.canvas import Studio
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.chat import Chat, Count
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.directory import SlackDirectory
from bot.adapters.slack.home import Homes
from bot.adapters.slack.ledger import Ledger
from bot.adapters.slack.limits import Limits
from bot.adapters.slack.pager import SlackPager
from bot.adapters.slack.poster import SlackPoster
from bot.adapters.slack.reconciler import Reconciler
from bot.adapters.slack.ticks import Ticks
from bot.adapters.slack.transcript import SlackTranscript
from bot.adapters.slack.usergroups import SlackGroups, Usergroups
from bot.adapters.slack.whispers import Draw, Whispers
from bot.domain.errors import ChatFailed
from bot.domain.service import Catalog
from bot.ports import Artifacts, Clock, Installation, Marks, Store, Surfaces, Timeline

log = structlog.get_logger()


@dataclass(frozen=True)
class Shared:
    """What all workspaces have in common. `may_speak`: this process has the word."""

    store: Store
    timeline: Timeline
    surfaces: Surfaces
    marks: Marks
    artifacts: Artifacts
    clock: Clock
    catalog: Catalog
    around: Around
    draw: Draw
    ailments: Callable[[], Sequence[str]]
    count: Count = lambda *_: None
    may_speak: Callable[[], bool] = lambda: True


class Workspace:
    """What is lost with its token. `directory`, `groups`, `pager`, `poster`, `transcript` are ports."""

    def __init__(
        self, config: SlackConfig, shared: Shared, owns: Callable[[str], bool], given: Installation | None = None
    ) -> None:
        """`owns` tells whether what belongs to a workspace's id is shown here; `given`: what it gave at its install."""
        self.given = given
        self.name = given.team_name if given else ""
        self._token = config.bot_token
        self._has_ended = False
        clock, limits = shared.clock, Limits()
        self._ledger = Ledger(shared.store, shared.marks, clock, limits, given.team if given else "")
        chat = Chat(config, clock, limits, shared.count, may_speak=lambda: not self._has_ended)
        if given is not None:
            chat.know({"user_id": given.bot_user, "bot_id": given.bot_id, "team_id": given.team})
        speaking = chat.under(lambda: shared.may_speak() and not self._has_ended, self._ledger.note)
        self.chat = chat
        self._ticks = Ticks(clock, self._tick)
        kept: Any = {"store": shared.store, "timeline": shared.timeline, "surfaces": shared.surfaces}
        shown: Any = {"around": shared.around, "announcements": config.announcements, "wake": self._ticks.at}
        self._studio = Studio(
            **kept,
            **shown,
            artifacts=shared.artifacts,
            clock=clock,
            chat=speaking,
            channels=Channels(speaking),
            owns=owns,
        )
        self.reconciler, self._answers = Reconciler(self._studio), Answers(self._studio)
        self._greeting: asyncio.Task[None] | None = None
        self._offer(config, shared)

    def _offer(self, config: SlackConfig, shared: Shared) -> None:
        """Make what others use of Slack, also while another process has the word."""
        chat, clock = self.chat, shared.clock
        self.directory = SlackDirectory(chat, clock)
        self.usergroups, self.groups = Usergroups(chat, self.directory), SlackGroups(chat, clock)
        self.pager = SlackPager(chat)
        self.poster = SlackPoster(chat, Channels(chat), clock, shared.around)
        self.transcript = SlackTranscript(chat, config, self.directory)
        self.whispers = Whispers(chat, clock, shared.draw)
        self.homes = Homes(chat, self._studio, shared.catalog.reminders, shared.ailments)

    @property
    def team(self) -> str:
        """The workspace's id; "" until Slack has told it."""
        return self.chat.team

    def is_as(self, given: Installation) -> bool:
        """Tell whether this is still what a workspace gave."""
        return self._token == given.token and self.given == given

    async def start(self) -> None:
        """Begin to draw what people look at, and ask Slack who we are. Waits for nothing of Slack."""
        await self.homes.start()
        self._greeting = asyncio.create_task(self._greet())

    async def begin(self) -> None:
        """Speak, remembering nothing of an earlier time: others may have spoken since."""
        await self._ledger.recall()
        self.reconciler, self._answers = Reconciler(self._studio), Answers(self._studio)
        await self.reconciler.start()
        await self._answers.start()

    async def cease(self) -> None:
        """Speak no more; what is not shown yet is shown by whoever begins next."""
        await self.reconciler.stop()
        await self._ticks.stop()
        await self._answers.stop()

    async def end(self) -> None:
        """Send nothing any more, whoever still asks for it."""
        await self.cease()
        await self.whispers.stop()
        await self.homes.stop()
        self._has_ended = True
        if self._greeting is not None:
            self._greeting.cancel()
            await asyncio.gather(self._greeting, return_exceptions=True)
        await self.chat.close()

    def touch(self, incident_id: str) -> None:
        """Say that an incident has new entries; from any thread."""
        self.reconciler.touch(incident_id)
        self.homes.touch()

    def touch_replies(self) -> None:
        """Say that an answer is owed; from any thread."""
        self._answers.touch()

    def look_again(self) -> None:
        """Say that anything may have changed; from any thread."""
        self.reconciler.look_again()
        self.homes.touch()
        self._answers.touch()

    def ailment(self) -> str:
        """Say in a line what is wrong with it, or ""."""
        health, named = self.chat.health(), f" ({self.name})" if self.name else ""
        return "" if health.ok else f"Slack{named}: {health.error} since {health.since:%H:%M:%S} UTC"

    def _tick(self, incident_id: str) -> None:
        self.reconciler.touch(incident_id)

    async def _greet(self) -> None:
        """Ask who we are, so that a wrong token shows in the log and in the health, not at 03:00."""
        try:
            self.chat.know(await self.chat.call("auth.test"))
        except ChatFailed as failure:
            log.warning("slack does not know us", error=failure.code, workspace=self.name or None)
