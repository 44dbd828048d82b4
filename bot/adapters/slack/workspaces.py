"""The registry of workspaces: that of SLACK_BOT_TOKEN, and those that have installed the app.

What the database says of installations is remembered, so that no delivery waits for it or for Slack: for a minute, and
anew at once when this process or another tells that something has changed.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.workspace import Shared, Workspace
from bot.domain.errors import StoreUnusable
from bot.ports import Installation, Installations, Tx

log = structlog.get_logger()

TOPIC = "installations"
FIRST = "slack first workspace"
_FRESH = timedelta(seconds=60)
# A database that hangs must not hold a delivery up: what was known is good enough for a moment.
_WAITS_S = 0.5


def lost(given: Installation) -> str:
    """Say in a line why an installation cannot be used any more."""
    if given.revoked_at is None:
        return f"the token of {given.team_name} cannot be read, SLACK_CLIENT_SECRET is not what it was: install again"
    return f"{given.team_name} ({given.team}) has removed FirstFive at {given.revoked_at:%Y-%m-%d %H:%M} UTC"


class Workspaces:
    """Knows which workspace is meant, and starts and ends what belongs to each."""

    def __init__(self, config: SlackConfig, shared: Shared, installations: Installations | None) -> None:
        """Without `installations` there is the workspace of the configured token alone, and everything is its."""
        self._config = config
        self._shared = shared
        self._installations = installations
        self._known: dict[str, Installation] = {}
        self._there: dict[str, Workspace] = {}
        self._first = ""
        self._fresh_until: datetime | None = None
        self._looking: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._speaks = self._stale = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._own = self._made(config) if config.bot_token else None

    def __iter__(self) -> Iterator[Workspace]:
        """Every workspace that can be used now."""
        return iter([*([self._own] if self._own else []), *self._there.values()])

    @property
    def default(self) -> Workspace | None:
        """The workspace of what belongs to none: the configured one, else the token's, else the first that came."""
        own = self._own
        if self._config.team:
            return self._there.get(self._config.team) or (own if own and own.team == self._config.team else None)
        return self._there.get(own.team, own) if own else self._there.get(self._first)

    @property
    def lost(self) -> list[Installation]:
        """What cannot be used any more: it was revoked, or its token cannot be read."""
        return [given for given in self._known.values() if given.team not in self._there]

    def of(self, team: str) -> Workspace | None:
        """Give a workspace by its id, the default one for ""; None where the app is not installed."""
        if not team:
            return self.default
        if team in self._there or self._own is None:
            return self._there.get(team)
        is_own = self._own.team == team or (not self._own.team and team not in self._known)
        return self._own if self._installations is None or is_own else None

    def ours(self, team: str) -> Workspace | None:
        """Give a workspace by its id, if that is known to be one of ours: one is not taken for another, as by `of`."""
        return self._there.get(team) or (self._own if self._own and team and self._own.team == team else None)

    async def admits(self, team: str) -> bool:
        """Tell whether the app is installed in a workspace, by memory while that is fresh. Slack is not asked."""
        if self._installations is not None and (self._fresh_until is None or self._now() >= self._fresh_until):
            await asyncio.wait({self._look_soon()}, timeout=_WAITS_S)
        return self.of(team) is not None

    async def keep(self, given: Installation) -> None:
        """Keep what a workspace gave when it installed the app, and begin to use it.

        :raises StoreUnusable: it is not kept.
        """

        def act(tx: Tx) -> None:
            if self._installations is not None:
                self._installations.keep(tx, given)
            self._shared.marks.swap(tx, FIRST, None, given.team)

        await self._shared.store.write(act)
        await self.look()

    async def revoke(self, team: str, at: datetime) -> None:
        """Take in that a workspace has taken its token back; one that it gave later is not meant.

        :raises StoreUnusable: it is not kept; whoever tells it must tell it again.
        """
        installations = self._installations
        if installations is None:
            return
        if await self._shared.store.write(lambda tx: installations.revoke(tx, team, at)):
            log.warning("slack workspace has removed the app", team=team)
        await self.look()

    async def start(self) -> None:
        """Begin with every workspace there is."""
        self._loop = asyncio.get_running_loop()
        if self._own is not None:
            await self._own.start()
        await self._look_quietly()

    async def begin(self) -> None:
        """Speak, in every workspace that is there or comes."""
        async with self._turn:
            self._speaks = True
            for workspace in self:
                await workspace.begin()

    async def cease(self) -> None:
        """Speak in none."""
        async with self._turn:
            self._speaks = False
            for workspace in self:
                await workspace.cease()

    async def end(self) -> None:
        """Let go of all of them."""
        self._loop = None
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for workspace in self:
            await workspace.end()

    def changed(self) -> None:
        """Say that installations have changed; from any thread."""
        if self._loop is not None and self._installations is not None:
            self._stale = True
            self._loop.call_soon_threadsafe(self._look_soon)

    async def look(self) -> None:
        """Read what there is, and make it so."""
        installations = self._installations
        if installations is None:
            return
        async with self._turn:
            self._stale = False
            given, first = await self._shared.store.read(
                lambda tx: (installations.all(tx), self._shared.marks.get(tx, FIRST))
            )
            self._known = {one.team: one for one in given}
            self._first, self._fresh_until = first or "", self._now() + _FRESH
            for team, workspace in list(self._there.items()):
                if team not in self._known or not workspace.is_as(self._known[team]):
                    del self._there[team]
                    await workspace.end()
            for one in given:
                if one.token and one.revoked_at is None and one.team not in self._there:
                    await self._welcome(one)

    def _look_soon(self) -> asyncio.Task[None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_quietly(), name="slack installations")
        return self._looking

    async def _look_quietly(self) -> None:
        try:
            await self.look()
            while self._stale:
                await self.look()
        except StoreUnusable as error:
            log.warning("installations are not known anew", reason=str(error))

    async def _welcome(self, given: Installation) -> None:
        workspace = self._made(replace(self._config, bot_token=given.token), given)
        self._there[given.team] = workspace
        await workspace.start()
        if self._speaks:
            await workspace.begin()

    def _made(self, config: SlackConfig, given: Installation | None = None) -> Workspace:
        workspace: Workspace
        workspace = Workspace(config, self._shared, lambda team: self.of(team) is workspace, given)
        return workspace

    def _now(self) -> datetime:
        return self._shared.clock.now()
