"""Health and metrics, for whoever runs the bot."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from bot.domain.errors import FirstFiveError

Check = Callable[[], Awaitable[str | None]]
Glance = Callable[[], str | None]
Expose = Callable[[str, Mapping[str, bool], Mapping[str, bool]], Awaitable[tuple[bytes, str]]]
"""Gives metrics and their media type, by what is accepted, which checks are passed, what is degraded."""

_PATIENCE_S = 2.0
_FRESH = {"Cache-Control": "no-store"}


def router(checks: Mapping[str, Check], degraded: Mapping[str, Glance], expose: Expose) -> APIRouter:
    """Give the routes of the probes.

    `checks` decide about readiness: our own database, schema and engine, and nothing else, since an outage elsewhere is
    when the bot is needed. Each gives None or the reason why it cannot work. `degraded` is only shown.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/health/live")
    async def live() -> Response:
        """Tell that the process runs."""
        return PlainTextResponse("live\n", headers=_FRESH)

    @routes.get("/health/ready")
    async def ready(request: Request) -> Response:
        """Tell whether commands can be taken: 503 only if our own parts cannot be used."""
        unusable = {name: reason for name, reason in (await _look(checks)).items() if reason}
        worse = {name: reason for name, glance in degraded.items() if (reason := glance())}
        return _answer(request, list(checks), unusable, worse)

    @routes.get("/metrics")
    async def exposition(request: Request) -> Response:
        """Give the bot's own metrics, ready or not."""
        usable = {name: reason is None for name, reason in (await _look(checks)).items()}
        worse = {name: glance() is not None for name, glance in degraded.items()}
        content, kind = await expose(request.headers.get("accept", ""), usable, worse)
        return Response(content, media_type=kind, headers=_FRESH)

    return routes


async def _look(checks: Mapping[str, Check]) -> dict[str, str | None]:
    reasons = await asyncio.gather(*(_ask(check) for check in checks.values()))
    return dict(zip(checks, reasons, strict=True))


async def _ask(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await check()
    except TimeoutError:
        return f"gave no answer within {_PATIENCE_S:.0f} s"
    except FirstFiveError as error:
        return str(error)
    except OSError as error:
        return type(error).__name__


def _answer(request: Request, names: list[str], unusable: dict[str, str], worse: dict[str, str]) -> Response:
    status = 503 if unusable else 200
    word = "unusable" if unusable else "ready"
    text = "; ".join(
        [word, *(f"{n}: {r}" for n, r in unusable.items()), *(f"degraded {n}: {r}" for n, r in worse.items())]
    )
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse(f"{text}\n", status, headers=_FRESH)
    body = {
        "status": word,
        "text": text,
        "checks": {name: unusable.get(name, "ok") for name in names},
        "degraded": worse,
    }
    return Response(json.dumps(body), status, headers=_FRESH, media_type="application/json")
