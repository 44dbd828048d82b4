"""One emulator: its workspaces, and where what arrives belongs."""

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from bot.emulator.box import Box, Common, build_box, common_parts
from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.files import StoredFile
from bot.emulator.live import Live
from bot.emulator.settings import SECOND_TEAM, Settings


class Town:
    """The workspaces, the first of which has the app installed."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.common: Common = common_parts(settings, clock)
        self._fill({})

    @property
    def boxes(self) -> dict[str, Box]:
        """Return the workspaces by their ids."""
        return self.common.boxes

    @property
    def first(self) -> Box:
        """Return the workspace everything is about unless another one is named."""
        return self.boxes[self.settings.team_id]

    def box(self, team: str = "") -> Box:
        """Find a workspace by its id; the first one when none is named."""
        found = self.boxes.get(team or self.settings.team_id)
        if found is None:
            raise SlackError("team_not_found")
        return found

    def visited(self, request: web.Request) -> Box:
        """Find the workspace that an address names with `?team=`."""
        try:
            return self.box(request.query.get("team", ""))
        except SlackError as error:
            raise web.HTTPNotFound(text=error.error) from None

    def answered(self, key: str) -> Box:
        """Find the workspace a response url belongs to."""
        return next((box for box in self.boxes.values() if box.response_urls.knows(key)), self.first)

    def file(self, file_id: str) -> tuple[Box, StoredFile] | None:
        """Find a file and the workspace it is in."""
        for box in self.boxes.values():
            if file_id in box.workspace.files:
                return box, box.workspace.files[file_id]
        return None

    async def reset(self) -> None:
        """Begin again as if just started; the app's connections and open pages stay."""
        for box in self.boxes.values():
            await box.events.close()
        pages = {team: box.live for team, box in self.boxes.items()}
        courier = self.common.courier
        courier.mishaps.clear()
        courier.exchanges.clear()
        self.common.clock.rewind()
        self.common = common_parts(self.settings, self.common.clock, courier)
        self._fill(pages)

    async def close(self) -> None:
        """Stop what runs and close what is open."""
        for box in self.boxes.values():
            box.live.close()
            await box.events.close()
        await self.common.courier.close()

    def _fill(self, pages: Mapping[str, Live]) -> None:
        for settings in self._teams():
            box = build_box(settings, common=self.common)
            if (live := pages.get(settings.team_id)) is not None:
                live.follow(box.workspace, box.views)
                box.live = live
                box.listen()

    def _teams(self) -> list[Settings]:
        teams = [self.settings]
        if self.settings.second_team:
            teams.append(replace(self.settings, team_id=SECOND_TEAM, team_domain="the-other-box"))
        return teams
