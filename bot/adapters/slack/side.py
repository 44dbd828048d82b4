"""Everything that talks to Slack, as one thing to start and stop."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.blocks import Around, answer
from bot.adapters.slack.chat import Chat, Count
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.sockets import Acknowledged, SocketLink
from bot.adapters.slack.speaker import Speaker
from bot.adapters.slack.whispers import Whispers
from bot.adapters.slack.workspace import Shared, Workspace
from bot.adapters.slack.workspaces import TOPIC, Workspaces, lost
from bot.domain.errors import ChatFailed
from bot.domain.run import Reply, Source
from bot.domain.service import Catalog
from bot.domain.timeline import Person
from bot.ports import Artifacts, Clock, Installations, Marks, Store, Surfaces, Timeline

log = structlog.get_logger()

_VIEW_S = 2.0


class SlackSide:
    """The composition root makes one. What is about one workspace is handed on to it."""

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
        acknowledged: Acknowledged = lambda _: None,
        speaker: Speaker | None = None,
        installations: Installations | None = None,
    ) -> None:
        """With a `speaker`, this process is one of several, and shows and answers only while it has the word.

        With `installations`, workspaces come and go by OAuth. `acknowledged` is told of deliveries by Socket Mode.
        """
        self.config = config
        routed = tuple(service.name for service in catalog.services if service.route)
        self._around = Around(config.page_url, catalog.names, config.phases, routed)
        self._speaker = speaker
        self._acknowledged = acknowledged
        kept: Any = {"store": store, "timeline": timeline, "surfaces": surfaces, "marks": marks, "artifacts": artifacts}
        may_speak: Any = {"may_speak": (lambda: speaker.may_speak) if speaker else (lambda: True)}
        drawn: Any = {"around": self._around, "draw": self.draw, "ailments": self._ailing}
        shared = Shared(**kept, **drawn, **may_speak, clock=clock, catalog=catalog, count=count)
        # Says in lines what is wrong with FirstFive.
        self.ailments: Callable[[], Sequence[str]] = tuple
        self.workspaces = Workspaces(config, shared, installations)
        self._sockets: SocketLink | None = None
        self._session: aiohttp.ClientSession | None = None
        # Answers those whose workspace has not installed the app, by their response urls: these need no token.
        self._strangers = Whispers(Chat(config, clock), clock, self.draw)

    async def start(self, app: AsyncApp | None = None) -> None:
        """Begin to show and to answer; with an app token, to receive over Socket Mode. Waits for nothing of Slack."""
        await self.workspaces.start()
        if self._speaker is None:
            await self.workspaces.begin()
        else:
            await self._speaker.start(self.workspaces.begin, self.workspaces.cease)
        if self.config.app_token and app is not None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.config.timeout_s))
            client = AsyncWebClient(base_url=self.config.api_url, session=self._session, retry_handlers=[])
            self._sockets = SocketLink(self.config.app_token, client, acknowledged=self._acknowledged)
            await self._sockets.start(app)

    async def stop(self) -> None:
        """Stop where it stands; what is not shown yet is shown after the next start."""
        if self._sockets is not None:
            await self._sockets.stop()
        if self._speaker is not None:
            await self._speaker.stop()
        await self._strangers.stop()
        await self.workspaces.end()
        if self._speaker is not None:
            await self._speaker.release()
        if self._session is not None:
            await self._session.close()

    def heard(self, topics: Iterable[str]) -> None:
        """Take in what a commit has touched: `incident:INC-7`, `replies`, or `everything`; from any thread."""
        for topic in topics:
            kind, _, name = topic.partition(":")
            if kind in {TOPIC, "everything"}:
                self.workspaces.changed()
            for workspace in self.workspaces:
                if kind == "incident":
                    workspace.touch(name)
                elif kind == "replies":
                    workspace.touch_replies()
                elif kind == "everything":
                    workspace.look_again()

    @property
    def home(self) -> Workspace:
        """The workspace of what belongs to none.

        :raises ChatFailed: there is none.
        """
        if self.workspaces.default is None:
            raise ChatFailed("not_installed")
        return self.workspaces.default

    @property
    def pending(self) -> int:
        """How many incidents have something to show that is not shown yet."""
        return sum(workspace.reconciler.pending for workspace in self.workspaces)

    def ailment(self) -> str | None:
        """Say in a line what is wrong with Slack, or None; never a reason to take the bot out."""
        found = [said for workspace in self.workspaces if (said := workspace.ailment())]
        found += [f"Slack: {lost(gone)}" for gone in self.workspaces.lost]
        if self._sockets is not None and (deaf := self._sockets.ailment()):
            found.append(deaf)
        if not found and self.workspaces.default is None:
            found.append("Slack: no workspace has installed FirstFive yet: open /slack/install on its machine")
        return "; ".join(found) or None

    def draw(self, reply: Reply) -> dict[str, Any]:
        """Give the text and blocks of an answer, for the handlers to acknowledge with."""
        return answer(reply, self._around).args()

    async def open_view(self, team: str, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal while a person waits.

        :raises ChatFailed: Slack refused, or did not answer within 2 seconds; the app is not installed there.
        """
        workspace = self.workspaces.of(team)
        if workspace is None:
            raise ChatFailed("not_installed")
        await workspace.chat.call_within(_VIEW_S, "views.open", trigger_id=trigger_id, view=view)

    def whisper(self, source: Source, person: Person, reply: Reply) -> None:
        """Begin to tell somebody what nobody else sees."""
        workspace = self.workspaces.of(source.team)
        if workspace is not None:
            workspace.whispers.tell(source, person, reply)
        else:
            self._strangers.tell(Source(response_url=source.response_url), Person("", person.name), reply)

    def open_home(self, team: str, user: str) -> None:
        """Say that somebody looks at their Home tab."""
        workspace = self.workspaces.of(team)
        if workspace is not None:
            workspace.homes.open(user)

    def _ailing(self) -> Sequence[str]:
        return self.ailments()

    async def admits(self, team: str) -> bool:
        """Tell whether the app is installed in a workspace, without asking Slack."""
        return await self.workspaces.admits(team)

    async def revoke(self, team: str, at: datetime) -> None:
        """Take in that a workspace has removed the app.

        :raises StoreUnusable: it is not kept; whoever tells it must tell it again.
        """
        await self.workspaces.revoke(team, at)
