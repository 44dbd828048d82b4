"""The one way to the app: over HTTP or a socket, with the mishaps a test asked for, every delivery kept."""

import asyncio

from bot.emulator.clock import Clock
from bot.emulator.delivery import Answer, Kind, Retry, Spoiled, Transport
from bot.emulator.exchanges import Exchanges, What
from bot.emulator.messages import Json
from bot.emulator.mishaps import SPOILED, Mishap, Mishaps
from bot.emulator.settings import Settings
from bot.emulator.signed_http import SignedHttp
from bot.emulator.socket_mode import SocketMode

_WHAT: dict[Kind, What] = {"slash_commands": "command", "interactive": "interactive", "events_api": "event"}
_PASSED_BY_S = 5.0


class Courier:
    """Delivers to the app, whichever workspace it is for."""

    def __init__(self, settings: Settings, clock: Clock, exchanges: Exchanges) -> None:
        self._clock = clock
        self.exchanges = exchanges
        self._passing = asyncio.Event()
        self.mishaps = Mishaps()
        self.http = SignedHttp(settings, clock)
        self.sockets = SocketMode(settings, clock, exchanges)
        self._transport: Transport = self.sockets if settings.socket_mode else self.http

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Answer:
        """Bring one payload to the app; give its acknowledgement."""
        mishap = self.mishaps.take(kind)
        if mishap is None:
            return await self._bring(kind, payload, retry)
        return await self._astray(mishap, kind, payload, retry)

    async def close(self) -> None:
        """Close every connection to the app."""
        await self.sockets.close()
        await self.http.close()

    async def _astray(self, mishap: Mishap, kind: Kind, payload: Json, retry: Retry | None) -> Answer:
        match mishap.mode:
            case "duplicate":
                copies = (self._bring(kind, payload, retry) for _ in range(mishap.copies))
                return (await asyncio.gather(*copies))[0]
            case "drop":
                team = team_of(payload)
                with self.exchanges.note("to_app", _WHAT[kind], name_of(payload), payload, team=team) as exchange:
                    exchange.outcome = "connection_failed"
                return Answer("connection_failed")
            case "answer_lost":
                await self._bring(kind, payload, retry)
                return Answer("http_timeout")
            case "late":
                await self._clock.sleep_until(self._clock.now() + mishap.delay_s)
            case "reorder":
                await self._let_pass(mishap.delay_s or _PASSED_BY_S)
        return await self._bring(kind, payload, retry, SPOILED.get(mishap.mode, ""))

    async def _bring(self, kind: Kind, payload: Json, retry: Retry | None, spoiled: Spoiled = "") -> Answer:
        team, number = team_of(payload), retry.number if retry else 0
        with self.exchanges.note("to_app", _WHAT[kind], name_of(payload), payload, team=team, retry=number) as exchange:
            answer = await self._transport.deliver(kind, payload, retry, spoiled)
            exchange.answer, exchange.outcome = answer.body, answer.failure
        self._passing.set()
        self._passing = asyncio.Event()
        return answer

    async def _let_pass(self, within_s: float) -> None:
        try:
            await asyncio.wait_for(self._passing.wait(), within_s)
        except TimeoutError:
            return


def name_of(payload: Json) -> str:
    """Name a payload: the command, the event's type, or what was done with what."""
    if "command" in payload:
        return str(payload["command"])
    if "event" in payload:
        return str(payload["event"]["type"])
    about = payload.get("actions", [{}])[0].get("action_id") or payload.get("callback_id")
    view = payload.get("view", {}).get("callback_id")
    return " ".join(part for part in (str(payload.get("type", "")), about or view or "") if part)


def team_of(payload: Json) -> str:
    """Return the workspace a payload is from."""
    return str(payload.get("team_id") or payload.get("team", {}).get("id", ""))
