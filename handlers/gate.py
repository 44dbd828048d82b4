"""The deploy gate over HTTP: what is shown of a build is read, one run of the engine decides, and the answer waits.

Only 200 lets a deploy through. Whatever else happens is a denial with its reason, so that nobody has to read the body
to stop: not understood, too long, too slow, nobody there to decide.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from bot.domain.errors import CommandRejected, FirstFiveError
from bot.domain.gate.evidence import Submission
from bot.domain.run import VIA_DEPLOYS, Missing, Source
from bot.domain.timeline import Person
from bot.engine.admission import Admission, Command, answering
from bot.engine.gate_answers import answer, kept_as, shown_as
from bot.engine.ports import Ports
from handlers.bodies import Json, TooLong, bounded, where_wrong
from handlers.webhooks import bears, check_service

log = structlog.get_logger()

PATH = "/gate"
ASKER = Person("webhook:gate", "Deploy gate webhook")
BODY_MAX = 16_000_000
BODY_WITHIN_S = 20.0
_PLAYBOOK = "gate"
_FORM = "multipart/form-data"

Word = Annotated[str, Field(max_length=100)]


class Shown(BaseModel):
    """The body of POST /gate, as JSON or as a form. `id` makes it safe to send again.

    `proofs` may be there several times in a form: each is a file of what cosign gives, a JSON document a line.
    """

    model_config = ConfigDict(extra="forbid")

    service: Word
    release: Word
    digest: Word
    commit: Word = ""
    by: Word = ""
    id: Word = ""
    proofs: str = ""
    sbom: str = ""
    sbom_signature: str = ""


class Unreadable(Exception):
    """A body is neither JSON nor a form that can be read; says why, and with which status that is answered."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.status = status


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
            async with asyncio.timeout(BODY_WITHIN_S):
                shown = await _read(request, forms=bool(self.token))
        except TimeoutError:
            return _no(f"slow: the body did not come within {BODY_WITHIN_S:.0f} s", 408)
        except Unreadable as error:
            return _no(str(error), error.status)
        try:
            return await self._decide(shown)
        except CommandRejected as error:
            return _no(f"malformed: {error}", 422)
        except FirstFiveError as error:
            return _no(f"not verified: {error}", 503)

    async def _decide(self, shown: Shown) -> Response:
        check_service(self.ports, shown.service)
        submission = Submission(shown.digest.lower(), shown.proofs, shown.sbom, shown.sbom_signature)
        kept = await self.ports.artifacts.put(kept_as(shown.service, shown.release), shown_as(submission))
        params = shown.model_dump(include={"service", "release", "digest", "commit", "by"}) | {"evidence": kept.sha256}
        slot = f"gate:{shown.service}:{shown.id}" if shown.id else ""
        async with answering(_PLAYBOOK):
            admitted = await self.admission.admit(Command(_PLAYBOOK, params, ASKER, Source(via=VIA_DEPLOYS), slot=slot))
            run = await self.ports.store.read(lambda tx: self.ports.journal.get(tx, admitted.run_id))
        if run is not None and not admitted.fresh and run.plan.params.get("evidence") != kept.sha256:
            return _no(f"replayed: {shown.id!r} was asked about something else before", 409)
        told = await answer(self.ports, admitted.run_id)
        if isinstance(told, Missing):
            log.error("gate has not decided", run=admitted.run_id, reason=told.reason)
            return _no(told.reason, 503, run=admitted.run_id)
        log.info("gate decided", service=shown.service, release=shown.release, allowed=told.allowed)
        told_of = {"reasons": list(told.reasons), "proven": list(told.proven), "overridden": told.overridden}
        answered = {"allowed": told.allowed, **told_of, "summary": told.summary, **_run(admitted.run_id)}
        return Json(answered, 200 if told.allowed else 403)


def _no(reason: str, status: int, headers: dict[str, str] | None = None, run: str = "") -> Response:
    return Json({"allowed": False, "reasons": [reason], **(_run(run) if run else {})}, status, headers=headers)


def _run(run_id: str) -> dict[str, str]:
    return {"run": run_id, "url": f"/api/v1/runs/{run_id}"}


async def _read(request: Request, *, forms: bool) -> Shown:
    """Read what is shown; `forms`: a form is taken. Without a token it is not: any page in a browser could send one.

    :raises Unreadable: it is of another kind, too long, or not what it should be.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/json", *([_FORM] if forms else [])}:
        more = f" or {_FORM}" if forms else "; a form is taken only where FIRSTFIVE_DEPLOYS_TOKEN is set"
        raise Unreadable(f"malformed: send it as application/json{more}", 415)
    try:
        content = await bounded(request, BODY_MAX)
        if kind == _FORM:
            return Shown.model_validate(await _fields(request, content))
        return Shown.model_validate_json(content)
    except TooLong:
        raise Unreadable(f"oversized: more than {BODY_MAX} bytes were sent", 413) from None
    except ValidationError as error:
        raise Unreadable(f"malformed: {where_wrong(error)}", 422) from None
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        raise Unreadable(f"malformed: the form cannot be read ({str(error)[:100]})", 422) from None


async def _fields(request: Request, content: bytes) -> dict[str, Any]:
    """Give the fields of a form, files as their text; those that are there several times are joined by lines."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    form = await MultiPartParser(request.headers, stream(), max_part_size=BODY_MAX).parse()
    try:
        fields: dict[str, str] = {}
        for name, value in form.multi_items():
            if name in fields and name != "proofs":
                raise MultiPartException(f"{name} is there twice")
            text = (await value.read()).decode() if isinstance(value, UploadFile) else value
            fields[name] = f"{fields[name]}\n{text}" if name in fields else text
        return fields
    finally:
        await form.close()
