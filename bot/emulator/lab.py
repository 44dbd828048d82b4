"""The lab panel's other end: reads and switches the faults of targets, which the browser itself must not reach."""

import asyncio
from typing import Any

import aiohttp
from aiohttp import web

from bot.emulator.messages import Json
from bot.emulator.settings import Lab, Settings

PATIENCE_S = 2.0


class LabPanel:
    """Answers /lab and /lab/TARGET/FAULT."""

    def __init__(self, settings: Settings) -> None:
        self._labs = {lab.name: lab for lab in settings.labs}

    async def read(self, _request: web.Request) -> web.StreamResponse:
        """List the targets, whether they answer, and their faults."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
            targets = await asyncio.gather(*(_target(session, lab) for lab in self._labs.values()))
        return web.json_response({"targets": targets})

    async def switch(self, request: web.Request) -> web.StreamResponse:
        """Switch one fault of one target."""
        lab = self._labs.get(request.match_info["target"])
        if lab is None:
            raise web.HTTPNotFound
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        wanted = {"on": bool((await request.json()).get("on"))}
        url = f"{lab.url.rstrip('/')}/debug/faults/{request.match_info['fault']}"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
            try:
                async with session.post(url, json=wanted) as response:
                    if not response.ok:
                        return web.json_response({"ok": False, "error": f"HTTP {response.status}"}, status=502)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                return web.json_response({"ok": False, "error": _why(error)}, status=502)
            return web.json_response({"ok": True, "target": await _target(session, lab)})


async def _target(session: aiohttp.ClientSession, lab: Lab) -> Json:
    body: dict[str, Any] = {"name": lab.name, "url": lab.url, "reachable": False, "faults": []}
    try:
        async with session.get(f"{lab.url.rstrip('/')}/debug/faults") as response:
            if not response.ok:
                return {**body, "error": f"HTTP {response.status}"}
            faults = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return {**body, "error": _why(error)}
    known = [fault for fault in faults if isinstance(fault, dict) and "name" in fault] if faults else []
    return {**body, "reachable": True, "faults": known}


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return "nothing answers there" if isinstance(error, OSError) else "its answer is not a list of faults"
