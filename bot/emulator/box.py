"""One workspace and all that belongs to it, put together once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.emulator.clock import Clock
from bot.emulator.courier import Courier
from bot.emulator.events import Events
from bot.emulator.exchanges import Exchanges
from bot.emulator.faults import Faults
from bot.emulator.grants import Grants
from bot.emulator.identifiers import Identifiers
from bot.emulator.live import Live
from bot.emulator.messages import Json
from bot.emulator.openid import OpenId
from bot.emulator.rates import RateLimits
from bot.emulator.response_urls import ResponseUrls
from bot.emulator.seed import seeded_workspace
from bot.emulator.settings import Settings
from bot.emulator.triggers import Triggers
from bot.emulator.views import View, Views
from bot.emulator.workspace import Workspace


@dataclass(slots=True)
class Common:
    """What every workspace of one emulator has in common, and which there are."""

    clock: Clock
    ids: Identifiers
    grants: Grants
    openid: OpenId
    faults: Faults
    exchanges: Exchanges
    courier: Courier
    boxes: dict[str, "Box"] = field(default_factory=dict)


@dataclass(slots=True)
class Box:
    """Everything one workspace holds; `settings` names it."""

    settings: Settings
    common: Common
    workspace: Workspace
    views: Views
    triggers: Triggers
    response_urls: ResponseUrls
    limits: RateLimits
    live: Live
    events: Events = field(init=False)

    @property
    def clock(self) -> Clock:
        """Return Slack's clock."""
        return self.common.clock

    @property
    def ids(self) -> Identifiers:
        """Return who gives out ids."""
        return self.common.ids

    @property
    def courier(self) -> Courier:
        """Return the way to the app."""
        return self.common.courier

    def may(self, scope: str) -> bool:
        """Say whether the app is installed here with a scope."""
        return self.common.grants.may(self.settings.team_id, scope)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something after a while of real time, at once when that is none; not if the box was reset meanwhile."""

        def still() -> None:
            if self.common.boxes.get(self.settings.team_id) is self:
                act()

        if seconds:
            asyncio.get_running_loop().call_later(seconds, still)
        else:
            act()

    def view_payload(self, view: View) -> Json:
        """Render a view as Slack sends it."""
        return view.payload(self.settings.team_id, self.settings.app_id, self.workspace.bot.bot_id)

    def listen(self) -> None:
        """Let the page and the app hear of what happens in the workspace."""
        common = self.common
        self.events = Events(self.settings, self.workspace, common.clock, common.courier.deliver, common.grants)
        self.workspace.listeners[:] = [self.live.hear, self.events.hear]


def common_parts(settings: Settings, clock: Clock | None = None, courier: Courier | None = None) -> Common:
    """Make what workspaces share; the connections of a `courier` go on."""
    clock = clock or Clock()
    exchanges = courier.exchanges if courier else Exchanges(clock)
    courier = courier or Courier(settings, clock, exchanges)
    grants = Grants(settings, clock)
    return Common(clock, Identifiers(), grants, OpenId(settings, clock, grants), Faults(), exchanges, courier)


def build_box(settings: Settings, clock: Clock | None = None, common: Common | None = None) -> Box:
    """Put a fresh workspace together."""
    common = common or common_parts(settings, clock)
    clock, ids = common.clock, common.ids
    workspace = seeded_workspace(settings, clock, ids)
    views = Views(workspace, ids)
    box = Box(
        settings=settings,
        common=common,
        workspace=workspace,
        views=views,
        triggers=Triggers(clock),
        response_urls=ResponseUrls(workspace, ids, clock, settings.base_url, settings.app_id),
        limits=RateLimits(clock, on=settings.limits_on),
        live=Live(settings, workspace, views),
    )
    box.listen()
    common.boxes[settings.team_id] = box
    return box
