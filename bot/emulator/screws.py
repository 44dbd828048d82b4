"""/__box/*: a test turns the emulator's screws: faults, limits, time, mishaps, garbage."""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import aiohttp

from bot.emulator.arguments import Arguments
from bot.emulator.errors import SlackError
from bot.emulator.faults import MODES, Fault, mode_is_known
from bot.emulator.messages import Json
from bot.emulator.mishaps import KINDS, SPOILED, Mishap
from bot.emulator.mishaps import MODES as MISHAPS
from bot.emulator.socket_mode import CUT, MOST_CONNECTIONS, REASONS
from bot.emulator.town import Town

Act = Callable[[Arguments], Awaitable[Json]]


class Screws:
    """What is turned for every workspace at once."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.acts: dict[str, Act] = {
            "faults": self._faults,
            "deliveries-faults": self._mishaps,
            "deliver": self._deliver,
            "limits": self._limits,
            "clock": self._clock,
            "disconnect": self._disconnect,
            "reset": self._reset,
        }

    async def _faults(self, args: Arguments) -> Json:
        faults = self._town.common.faults
        if args.flag("clear"):
            faults.clear()
            return {}
        mode = args.required("mode")
        if not mode_is_known(mode):
            raise SlackError("invalid_mode", [f"mode must be one of {', '.join(MODES)}"])
        times, delay_ms = args.number("times", 1), args.number("delay_ms", 0)
        faults.add(Fault(args.text("method", "*"), mode, times, delay_ms, args.number("retry_after_s", 1)))
        return {"waiting": [asdict(one) for one in faults.waiting]}

    async def _mishaps(self, args: Arguments) -> Json:
        mishaps = self._town.common.courier.mishaps
        if args.flag("clear"):
            mishaps.clear()
            return {}
        kind, mode = args.text("kind", "*"), args.required("mode")
        if mode not in MISHAPS or kind not in (*KINDS, "*"):
            known = f"mode must be one of {', '.join(MISHAPS)}; kind one of {', '.join(KINDS)}, *"
            raise SlackError("invalid_mode", [known])
        if self._town.settings.socket_mode and mode.endswith("_signature"):
            raise SlackError("invalid_mode", ["nothing is signed in Socket Mode"])
        times, delay_s = args.number("times", 1), float(args.text("delay_s", "0"))
        mishaps.add(Mishap(kind, mode, times, delay_s, args.number("copies", 2)))
        return {"waiting": [asdict(one) for one in mishaps.waiting]}

    async def _deliver(self, args: Arguments) -> Json:
        if args.given("payload"):
            kind = args.required("kind")
            if kind not in KINDS:
                raise SlackError("invalid_kind", [f"kind must be one of {', '.join(KINDS)}"])
            answer = await self._town.common.courier.deliver(KINDS[kind], args.structure("payload"))
            return {"failure": answer.failure, "body": answer.body}
        return await self._raw(args)

    async def _raw(self, args: Arguments) -> Json:
        courier, started = self._town.common.courier, time.perf_counter()
        body = _bytes(args)
        with courier.exchanges.note("to_app", "raw", "", {"bytes": len(body)}) as exchange:
            try:
                if self._town.settings.socket_mode:
                    await courier.sockets.post(body.decode(errors="replace"))
                    return {"sent": True}
                reply = await courier.http.post(body, self._headers(args, body))
            except (aiohttp.ClientError, OSError) as error:
                exchange.outcome = "connection_failed"
                raise SlackError("connection_failed", [str(error)]) from None
            exchange.answer = {"status": reply.status, "body": reply.text}
            return {**exchange.answer, "ms": round((time.perf_counter() - started) * 1000, 3)}

    def _headers(self, args: Arguments, body: bytes) -> Json:
        signed, spoiled = self._town.common.courier.http.signed, SPOILED.get(args.text("spoiled"), "")
        proof = {} if args.text("sign") == "false" else signed(body, spoiled, args.number("age_s", 0))
        return {**proof, **(args.structure("headers") or {})}

    async def _limits(self, args: Arguments) -> Json:
        boxes = self._town.boxes.values()
        for box in boxes:
            if args.given("on"):
                box.limits.on = args.flag("on")
            box.limits.reset()
        return {"on": self._town.first.limits.on}

    async def _clock(self, args: Arguments) -> Json:
        clock = self._town.common.clock
        clock.advance(float(args.text("advance_s", "0")))
        return {"now": clock.now()}

    async def _disconnect(self, args: Arguments) -> Json:
        reason = args.text("reason", "refresh_requested")
        if reason not in (*REASONS, CUT):
            raise SlackError("invalid_reason", [f"reason must be one of {', '.join((*REASONS, CUT))}"])
        most = args.number("connections", MOST_CONNECTIONS)
        return {"asked": await self._town.common.courier.sockets.disconnect(reason, most)}

    async def _reset(self, _args: Arguments) -> Json:
        await self._town.reset()
        return {}


def _bytes(args: Arguments) -> bytes:
    if not args.given("raw_base64"):
        return args.text("raw").encode()
    try:
        return base64.b64decode(args.text("raw_base64"), validate=True)
    except binascii.Error:
        raise SlackError("invalid_arguments", ["raw_base64 is not base64"]) from None
