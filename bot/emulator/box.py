"""The emulator's parts, put together once."""

import time
from collections import deque
from dataclasses import dataclass, field, fields
from typing import Any

from bot.emulator.clock import Clock
from bot.emulator.delivery import Answer, Delivered, DeliveryLog, Kind, Retry, Transport
from bot.emulator.events import Events
from bot.emulator.faults import Faults
from bot.emulator.identifiers import Identifiers
from bot.emulator.live import Live
from bot.emulator.messages import Json
from bot.emulator.rates import RateLimits
from bot.emulator.response_urls import ResponseUrls
from bot.emulator.seed import seeded_workspace
from bot.emulator.settings import Settings
from bot.emulator.signed_http import SignedHttp
from bot.emulator.socket_mode import SocketMode
from bot.emulator.triggers import Triggers
from bot.emulator.views import View, Views
from bot.emulator.workspace import Workspace

LOG_LENGTH = 10_000


@dataclass(slots=True)
class Box:
    """Everything one emulator holds."""

    settings: Settings
    clock: Clock
    ids: Identifiers
    workspace: Workspace
    views: Views
    triggers: Triggers
    response_urls: ResponseUrls
    limits: RateLimits
    faults: Faults
    live: Live
    http: SignedHttp
    sockets: SocketMode
    events: Events = field(init=False)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    deliveries: DeliveryLog = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))

    @property
    def transport(self) -> Transport:
        """Return the way to the app that was chosen at start."""
        return self.sockets if self.settings.socket_mode else self.http

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Answer:
        """Send one payload to the app and log how it went."""
        started = time.perf_counter()
        answer = await self.transport.deliver(kind, payload, retry)
        elapsed_ms = round((time.perf_counter() - started) * 1000, 3)
        self.deliveries.append(Delivered(kind, payload, answer.failure, retry.number if retry else 0, elapsed_ms))
        return answer

    def view_payload(self, view: View) -> Json:
        """Render a view as Slack sends it."""
        return view.payload(self.settings.team_id, self.settings.app_id, self.workspace.bot.bot_id)

    def listen(self) -> None:
        """Let the page and the app hear of what happens in the workspace."""
        self.events = Events(self.settings, self.workspace, self.clock, self.deliver)
        self.workspace.listeners[:] = [self.live.hear, self.events.hear]

    async def reset(self) -> None:
        """Begin again as if just started; the app's connections and open pages stay."""
        await self.events.close()
        fresh = build_box(self.settings)
        kept = {"settings", "http", "sockets", "live"}
        for part in fields(self):
            if part.name not in kept:
                setattr(self, part.name, getattr(fresh, part.name))
        self.live.follow(self.workspace, self.views)
        self.listen()

    async def close(self) -> None:
        """Stop what runs and close what is open."""
        self.live.close()
        await self.events.close()
        await self.sockets.close()
        await self.http.close()


def build_box(settings: Settings, clock: Clock | None = None) -> Box:
    """Put a fresh emulator together."""
    clock, ids = clock or Clock(), Identifiers()
    workspace = seeded_workspace(settings, clock, ids)
    views = Views(workspace, ids)
    box = Box(
        settings=settings,
        clock=clock,
        ids=ids,
        workspace=workspace,
        views=views,
        triggers=Triggers(clock),
        response_urls=ResponseUrls(workspace, ids, clock, settings.base_url, settings.app_id),
        limits=RateLimits(clock, on=settings.limits_on),
        faults=Faults(),
        live=Live(settings, workspace, views),
        http=SignedHttp(settings, clock),
        sockets=SocketMode(settings),
    )
    box.listen()
    return box
