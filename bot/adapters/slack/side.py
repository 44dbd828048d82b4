"""Everything that talks to Slack, as one thing to start and stop."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.answers import Answers
from bot.adapters.slack.blocks import Around, answer
from bot.adapters.slack.canvas import Studio
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.chat import Chat, Count, Health
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.directory import SlackDirectory
from bot.adapters.slack.home import Homes
from bot.adapters.slack.ledger import Ledger
from bot.adapters.slack.limits import Limits
from bot.adapters.slack.pager import SlackPager
from bot.adapters.slack.poster import SlackPoster
from bot.adapters.slack.reconciler import Reconciler
from bot.adapters.slack.sockets import SocketLink
from bot.adapters.slack.speaker import Speaker
from bot.adapters.slack.ticks import Ticks
from bot.adapters.slack.transcript import SlackTranscript
from bot.adapters.slack.usergroups import Usergroups
from bot.adapters.slack.whispers import Whispers
from bot.domain.errors import ChatFailed
from bot.domain.run import Reply
from bot.domain.service import Catalog
from bot.ports import Artifacts, Clock, Marks, Store, Surfaces, Timeline

log = structlog.get_logger()

_VIEW_S = 2.0


class SlackSide:
    """The composition root makes one. `directory`, `pager`, `poster` are ports; `touch` and `touch_replies` wake it."""

    def __init__(  # noqa: PLR0913 - the composition root names every part it hands over
        self,
        config: SlackConfig,
        *,
        store: Store,
        timeline: Timeline,
        surfaces: Surfaces,
        marks: Marks,
        artifacts: Artifacts,
        clock: Clock,
        catalog: Catalog,
        count: Count = lambda *_: None,
        speaker: Speaker | None = None,
    ) -> None:
        """With a `speaker`, this process is one of several, and shows and answers only while it has the word."""
        self._config = config
        limits = Limits()
        self._ledger = Ledger(store, marks, clock, limits)
        self._chat = Chat(config, clock, limits, count)
        self._around = Around(config.page_url, catalog.names, config.phases)
        self._speaker = speaker
        self._ticks = Ticks(clock, self.touch)
        speaking = self._chat.under(lambda: speaker is None or speaker.may_speak, self._ledger.note)
        kept: Any = {"store": store, "timeline": timeline, "surfaces": surfaces, "artifacts": artifacts}
        shown: Any = {"around": self._around, "announcements": config.announcements, "wake": self._ticks.at}
        studio = Studio(**kept, **shown, clock=clock, chat=speaking, channels=Channels(speaking))
        self._studio = studio
        self.reconciler = Reconciler(studio)
        self.answers = Answers(studio)
        self._offer(config, clock)
        self.homes = Homes(self._chat, studio, catalog.reminders)
        self._sockets: SocketLink | None = None
        self._greeting: asyncio.Task[None] | None = None

    def _offer(self, config: SlackConfig, clock: Clock) -> None:
        """Make what others use of Slack, also while another process has the word."""
        self.directory = SlackDirectory(self._chat, clock)
        self.usergroups = Usergroups(self._chat, self.directory)
        self.pager = SlackPager(self._chat)
        self.poster = SlackPoster(self._chat, Channels(self._chat), clock, self._around)
        self.transcript = SlackTranscript(self._chat, config, self.directory)
        self.whispers = Whispers(self._chat, clock, self.draw)

    async def start(self, app: AsyncApp | None = None) -> None:
        """Begin to show and to answer; with an app token, to receive over Socket Mode. Waits for nothing of Slack."""
        if self._speaker is None:
            await self._begin()
        else:
            await self._speaker.start(self._begin, self._cease)
        await self.homes.start()
        self._greeting = asyncio.create_task(self._greet())
        if self._config.app_token and app is not None:
            self._sockets = SocketLink(self._config.app_token, self._web_client())
            await self._sockets.start(app)

    async def stop(self) -> None:
        """Stop where it stands; what is not shown yet is shown after the next start."""
        if self._sockets is not None:
            await self._sockets.stop()
        if self._speaker is not None:
            await self._speaker.stop()
        await self._cease()
        await self.whispers.stop()
        await self.homes.stop()
        if self._speaker is not None:
            await self._speaker.release()
        if self._greeting is not None:
            self._greeting.cancel()
            await asyncio.gather(self._greeting, return_exceptions=True)
        await self._chat.close()

    def ports(self) -> dict[str, Any]:
        """Give the ports that Slack is behind, by their names."""
        return {
            "directory": self.directory,
            "pager": self.pager,
            "poster": self.poster,
            "transcript": self.transcript,
        }

    def heard(self, topics: Iterable[str]) -> None:
        """Take in what a commit has touched: `incident:INC-7`, `replies`, or `everything`; from any thread."""
        for topic in topics:
            kind, _, name = topic.partition(":")
            if kind == "incident":
                self.touch(name)
                self.homes.touch()
            elif kind == "replies":
                self.touch_replies()
            elif kind == "everything":
                self.reconciler.look_again()
                self.homes.touch()
                self.touch_replies()

    def touch(self, incident_id: str) -> None:
        """Say that an incident has new entries; from any thread."""
        self.reconciler.touch(incident_id)

    def touch_replies(self) -> None:
        """Say that an answer is owed; from any thread."""
        self.answers.touch()

    def health(self) -> Health:
        """Tell whether Slack answers; never a reason to take the bot out."""
        return self._chat.health()

    def ailment(self) -> str | None:
        """Say in a line what is wrong with Slack, or None."""
        health = self.health()
        if not health.ok:
            return f"Slack: {health.error} since {health.since:%H:%M:%S} UTC"
        return None if self._sockets is None else self._sockets.ailment()

    def draw(self, reply: Reply) -> dict[str, Any]:
        """Give the text and blocks of an answer, for the handlers to acknowledge with."""
        return answer(reply, self._around).args()

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal while a person waits.

        :raises ChatFailed: Slack refused, or did not answer within 2 seconds.
        """
        await self._chat.call_within(_VIEW_S, "views.open", trigger_id=trigger_id, view=view)

    async def _begin(self) -> None:
        """Speak, remembering nothing of an earlier time: others may have spoken since."""
        await self._ledger.recall()
        self.reconciler, self.answers = Reconciler(self._studio), Answers(self._studio)
        await self.reconciler.start()
        await self.answers.start()

    async def _cease(self) -> None:
        await self.reconciler.stop()
        await self._ticks.stop()
        await self.answers.stop()

    async def _greet(self) -> None:
        """Ask who we are, so that a wrong token shows in the log and in the health, not at 03:00."""
        try:
            await self._chat.me()
        except ChatFailed as failure:
            log.warning("slack does not know us", error=failure.code)

    def _web_client(self) -> AsyncWebClient:
        return AsyncWebClient(
            self._config.bot_token, base_url=self._config.api_url, session=self._chat.session, retry_handlers=[]
        )
