"""Deploys are told here, by a webhook of whatever deploys: read, one call of the engine, the run back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import VIA_DEPLOYS, Source
from bot.domain.timeline import Person
from bot.engine.admission import Admission, Command, answering
from bot.engine.ports import Ports
from handlers.bodies import Json, limited_json, where_wrong
from handlers.webhooks import bears, check_service

log = structlog.get_logger()

PATH = "/api/deploys"
WEBHOOK = Person("webhook:deploys", "Deploy webhook")
_PLAYBOOK = "deploy"

Word = Annotated[str, Field(max_length=100)]


class Told(BaseModel):
    """The body of POST /api/deploys. `at` is ISO 8601 with its offset; `id` makes it safe to send again."""

    model_config = ConfigDict(extra="forbid")

    service: Word
    release: Word
    commit: Word = ""
    at: datetime | None = None
    by: Word = ""
    id: Word = ""
    go: Word = ""
    build: Annotated[str, Field(max_length=200)] = ""


def router(admission: Admission, ports: Ports, token: str) -> APIRouter:
    """Give the route; without a token somebody else must keep the network out."""
    door = _Door(admission, ports, token)
    routes = APIRouter()
    routes.add_api_route(PATH, door.deploy, methods=["POST"], response_model=None)
    return routes


@dataclass
class _Door:
    admission: Admission
    ports: Ports
    token: str

    async def deploy(self, request: Request) -> Response:
        """Take what was deployed; 202 with the run that records it."""
        if not bears(request.headers, self.token):
            reason = "Send the token: Authorization: Bearer, and what FIRSTFIVE_DEPLOYS_TOKEN holds here."
            return Json({"error": reason}, 401, headers={"WWW-Authenticate": "Bearer"})
        content = await limited_json(request)
        if isinstance(content, Response):
            return content
        try:
            told = Told.model_validate_json(content)
            return await self._admit(told)
        except ValidationError as error:
            return Json({"error": where_wrong(error)}, 422)
        except CommandRejected as error:
            return Json({"error": str(error)}, 422)
        except StoreUnusable as error:
            return Json({"error": str(error)}, 503)

    async def _admit(self, told: Told) -> Response:
        now = self.ports.clock.now()
        check_service(self.ports, told.service)
        if told.at is not None and told.at.tzinfo is None:
            raise CommandRejected("at: give its offset, as in 2026-03-01T12:00:00Z.")
        if told.at is not None and told.at > now:
            raise CommandRejected(f"at: it is still to come; here it is {now:%Y-%m-%dT%H:%M:%SZ}.")
        at = told.at.isoformat() if told.at else ""
        params = {**told.model_dump(include={"service", "release", "commit", "by", "go", "build"}), "at": at}
        key = told.id or at
        slot = f"deploy:{told.service}:{told.release}:{told.commit}:{key}" if key else ""
        async with answering(_PLAYBOOK):
            admitted = await self.admission.admit(
                Command(_PLAYBOOK, params, WEBHOOK, Source(via=VIA_DEPLOYS), slot=slot)
            )
        log.info("deploy told", service=told.service, release=told.release, run=admitted.run_id, fresh=admitted.fresh)
        return Json({"run": admitted.run_id, "fresh": admitted.fresh, "url": f"/api/v1/runs/{admitted.run_id}"}, 202)
