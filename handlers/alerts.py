"""Alerts come in here, by the webhooks of Alertmanager and Grafana: read, one call of the engine, a count back."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic_core import from_json
from starlette.requests import ClientDisconnect

from bot.domain.alerts import Sender, normalise
from bot.domain.errors import AlertsRefused, StoreUnusable
from bot.engine.intake import Intake, Taken
from handlers.bodies import Json, TooLong, bounded
from handlers.webhooks import bears

log = structlog.get_logger()

PREFIX = "/alerts/"
_LARGEST = 8_000_000
_DEEPEST = 32
_READ_S = 10.0
# Alertmanager gives up on a delivery after 10 s and tries again, as it does after a 5xx.
_PATIENCE_S = 8.0


def router(intake: Intake, token: str) -> APIRouter:
    """Give the routes; without a token somebody else must keep the network out."""
    door = _Door(intake, token)
    routes = APIRouter()
    routes.add_api_route(f"{PREFIX}alertmanager", door.alertmanager, methods=["POST"], response_model=None)
    routes.add_api_route(f"{PREFIX}grafana", door.grafana, methods=["POST"], response_model=None)
    return routes


@dataclass
class _Door:
    """The routes' functions, and what they share."""

    intake: Intake
    token: str

    async def alertmanager(self, request: Request) -> Response:
        """Take a delivery of Alertmanager's webhook receiver."""
        return await self._take(request, Sender.ALERTMANAGER)

    async def grafana(self, request: Request) -> Response:
        """Take a delivery of Grafana's webhook contact point."""
        return await self._take(request, Sender.GRAFANA)

    async def _take(self, request: Request, sender: Sender) -> Response:
        if not bears(request.headers, self.token):
            return _refuse("Send the token: Authorization: Bearer, and what FIRSTFIVE_ALERTS_TOKEN holds here.", 401)
        content = await _read(request)
        if isinstance(content, Response):
            return content
        try:
            alerts = normalise(_parse(content), sender)
        except AlertsRefused as refused:
            log.warning("alerts refused", sender=sender.value, reason=str(refused))
            return _refuse(str(refused), 422)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                taken = await self.intake.take(alerts, sender)
        except (StoreUnusable, TimeoutError) as error:
            reason = str(error) or "the database does not answer in time"
            log.error("alerts not recorded", sender=sender.value, reason=reason)  # noqa: TRY400 - the reason says it all
            return _refuse(f"Not recorded: {reason.rstrip('.')}. Send it again.", 503)
        return _count(taken)


async def _read(request: Request) -> bytes | Response:
    """Read a body of bounded length within a bounded time."""
    try:
        async with asyncio.timeout(_READ_S):
            return await bounded(request, _LARGEST)
    except TooLong as error:
        return _refuse(f"{error} Group alerts by fewer labels, or set max_alerts in the receiver.", 413)
    except TimeoutError:
        return _refuse(f"The body did not come within {_READ_S:.0f} s.", 408)
    except ClientDisconnect:
        return _refuse("The body broke off.", 400)


def _parse(content: bytes) -> Any:
    """Read JSON whose depth is bounded.

    :raises AlertsRefused: it is none.
    """
    try:
        value = from_json(content, allow_inf_nan=False, cache_strings="none")
    except (ValueError, RecursionError) as error:
        raise AlertsRefused(f"the body: JSON is wanted: {str(error)[:200]}.") from None
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise AlertsRefused(f"the body: it is nested more than {_DEEPEST} deep.")
        inside = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [part for parts in inside for part in parts]
    return value


def _refuse(reason: str, status: int) -> Response:
    return Json({"error": reason}, status, headers={"WWW-Authenticate": "Bearer"} if status == 401 else None)  # noqa: PLR2004 - as HTTP names it


def _count(taken: Taken) -> Response:
    counted = {"alerts": taken.alerts, "news": taken.news, "known": taken.known, "ignored": taken.ignored}
    return Json({**counted, "runs": [f"/api/v1/runs/{run.id}" for run in taken.runs]}, 202)
