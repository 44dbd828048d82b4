"""One marked request through the address that users go through."""

import asyncio
import json

import httpx

from bot.adapters.targets.answers import head, one_line
from bot.domain.dyeing import Front, Landed, Mark, Request

CONNECTIONS = 8
_BODY_BYTES = 65_536


async def land(client: httpx.AsyncClient, front: Front, request: Request, timeout_s: float) -> Landed:
    """Send a request and read which track answered, and the id that came back."""
    headers = {"X-Request-ID": request.id, "Accept-Encoding": "identity"}
    params = {}
    for mark, phase in request.marks.items():
        if mark is Mark.HEADER:
            headers[front.header] = phase
        elif mark is Mark.COOKIE:
            headers["Cookie"] = f"{front.cookie}={phase}"
        else:
            params[front.argument] = phase
    try:
        async with (
            asyncio.timeout(timeout_s),
            client.stream("GET", f"{front.url}{front.path}", headers=headers, params=params) as response,
        ):
            track = await _track(front, response)
            told = response.headers
            phase = one_line(told.get(front.header, ""), 60)
            known = (one_line(track, 60), one_line(told.get("X-Request-ID", ""), 100))
            return Landed(request, *known, phase=phase, status=response.status_code)
    except (TimeoutError, httpx.TimeoutException):
        return Landed(request, error=f"nothing within {timeout_s:g} s")
    except httpx.HTTPError as error:
        return Landed(request, error=one_line(str(error), 100) or type(error).__name__)


async def _track(front: Front, response: httpx.Response) -> str:
    if not front.build:
        told: str = response.headers.get(front.track, "")
        return told
    try:
        body = json.loads(await head(response.aiter_raw(), _BODY_BYTES))
    except ValueError:
        return ""
    return str(body.get(front.build, "")) if isinstance(body, dict) else ""
