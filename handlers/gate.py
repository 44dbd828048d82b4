"""The deploy gate over HTTP: what is shown of a build is read, one run of the engine decides, and the answer waits.

Only 200 lets a deploy through. Whatever else happens is a denial with its reason, so that nobody has to read the body
to stop: not understood, too long, too slow, nobody there to decide. A denial of what could not be looked at is recorded
as one too, by a run of its own; whoever has no token leaves nothing behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response

from bot.domain.errors import CommandRejected, FirstFiveError, StoreUnusable
from bot.domain.gate.evidence import Objection, Obstacle, Submission
from bot.domain.run import VIA_DEPLOYS, Source
from bot.domain.timeline import Person
from bot.engine.admission import Admission, Command, answering
from bot.engine.gate_answers import Undecided, answer, kept_as, shown_as, slot_of
from bot.engine.ports import Ports
from handlers.bodies import Json
from handlers.submissions import Shown, Unreadable, named_in, shown_in, sound
from handlers.webhooks import bears, check_service

log = structlog.get_logger()

PATH = "/gate"
ASKER = Person("webhook:gate", "Deploy gate webhook")
_ASKS, _TURNS_AWAY = "gate", "deny"
_SAID_MAX = 300
_NAMED = {"service", "release", "digest", "commit", "by"}


def router(admission: Admission, ports: Ports, token: str) -> APIRouter:
    """Give the route; without a token somebody else must keep the network out."""
    door = _Door(admission, ports, token)
    routes = APIRouter()
    routes.add_api_route(PATH, door.ask, methods=["POST"], response_model=None)
    return routes


@dataclass
class _Door:
    admission: Admission
    ports: Ports
    token: str

    async def ask(self, request: Request) -> Response:
        """Answer whether a build may be deployed: 200 and nothing else says that it may."""
        if not bears(request.headers, self.token):
            reason = "send the token: Authorization: Bearer, and what FIRSTFIVE_DEPLOYS_TOKEN holds here"
            return _no(reason, 401, {"WWW-Authenticate": "Bearer"})
        try:
            shown = await shown_in(request, forms=bool(self.token))
        except Unreadable as error:
            named = named_in(error.content, self.ports.catalog)
            return await self._turn_away(error.objection, error.status, named)
        named = sound(shown.model_dump(include=_NAMED), self.ports.catalog)
        try:
            return await self._decide(shown, named)
        except CommandRejected as error:
            return await self._turn_away(Objection(Obstacle.MALFORMED, str(error)), 422, named)
        except StoreUnusable as error:
            return _no(f"{Obstacle.NOT_VERIFIED}: {error}", 503)
        except FirstFiveError as error:
            return await self._turn_away(Objection(Obstacle.NOT_VERIFIED, str(error)), 503, named)

    async def _decide(self, shown: Shown, named: Mapping[str, str]) -> Response:
        check_service(self.ports, shown.service)
        told = shown.model_dump(include=_NAMED)
        # What it is about must be right before megabytes of proofs are kept for it.
        self.admission.plan(_ASKS, told)
        submission = Submission(shown.digest.lower(), shown.proofs, shown.sbom, shown.sbom_signature)
        try:
            kept = await self.ports.artifacts.put(kept_as(shown.service, shown.release), shown_as(submission))
        except StoreUnusable as error:
            # The artifacts may be elsewhere than the database, which can be well and record it.
            lost = Objection(Obstacle.NOT_VERIFIED, f"what was sent cannot be kept: {error}")
            return await self._turn_away(lost, 503, named)
        params = told | {"evidence": kept.sha256}
        async with answering(_ASKS):
            slot = await slot_of(self.ports, shown.service, shown.id) if shown.id else ""
            admitted = await self.admission.admit(Command(_ASKS, params, ASKER, Source(via=VIA_DEPLOYS), slot=slot))
            asked = self.admission.plan(_ASKS, params).params
            is_other = not admitted.fresh and await self._was_asked(admitted.run_id) != asked
        if is_other:
            other = Objection(Obstacle.REPLAYED, f"{shown.id!r} was asked about something else before")
            return await self._turn_away(other, 409, named)
        gated = await answer(self.ports, admitted.run_id)
        if isinstance(gated, Undecided):
            log.error("gate has not decided", run=admitted.run_id, reason=gated.objection.text)
            if gated.over:
                return await self._turn_away(gated.objection, 503, named)
            return _no(str(gated.objection), 503, run=admitted.run_id)
        log.info("gate decided", service=shown.service, release=shown.release, allowed=gated.allowed)
        told_of = {"reasons": list(gated.reasons), "proven": list(gated.proven), "overridden": gated.overridden}
        answered = {"allowed": gated.allowed, **told_of, "summary": gated.summary, **_run(admitted.run_id)}
        return Json(answered, 200 if gated.allowed else 403)

    async def _was_asked(self, run_id: str) -> Mapping[str, Any]:
        """Give what a run was asked: the release, its artifact, and all that was shown of it."""
        run = await self.ports.store.read(lambda tx: self.ports.journal.get(tx, run_id))
        return run.plan.params if run else {}

    async def _turn_away(self, objection: Objection, status: int, named: Mapping[str, str]) -> Response:
        """Deny what could not be looked at, and have that recorded; it is denied also where nobody can record it."""
        told = {"obstacle": objection.obstacle.value, "text": objection.text.removesuffix(".")[:_SAID_MAX]}
        reason = ": ".join(told.values())
        command = Command(_TURNS_AWAY, {**told, **named}, ASKER, Source(via=VIA_DEPLOYS))
        try:
            async with answering(_TURNS_AWAY):
                admitted = await self.admission.admit(command)
        except FirstFiveError as error:
            log.error("gate denied, not recorded", reason=reason, why=str(error))  # noqa: TRY400 - the reason says it all
            return _no(reason, status)
        log.info("gate denied", reason=reason, run=admitted.run_id, **named)
        return _no(reason, status, run=admitted.run_id)


def _no(reason: str, status: int, headers: dict[str, str] | None = None, run: str = "") -> Response:
    return Json({"allowed": False, "reasons": [reason], **(_run(run) if run else {})}, status, headers=headers)


def _run(run_id: str) -> dict[str, str]:
    return {"run": run_id, "url": f"/api/v1/runs/{run_id}"}
