"""What the API answers when something is wrong: problem details, RFC 9457."""

from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from bot.domain.errors import CommandRejected, IncidentNotFound, StoreUnusable
from handlers.bodies import Json, NotJson, TooLong

MEDIA_TYPE = "application/problem+json"
_KIND = "urn:firstfive:problem:"
_AGAIN_S = "2"


class Trouble(Enum):
    """What can be wrong: the last word of its type, its status, its title."""

    NOTHING_HERE = "nothing-here", 404, "There is nothing at this address"
    NOT_THERE = "not-there", 404, "There is no such thing, or it is not yours to see"
    NOT_VALID = "not-valid", 422, "Something in the request is not as described"
    REFUSED = "command-refused", 422, "The words do not make a command"
    KEY_REUSED = "key-reused", 422, "This Idempotency-Key came with another body before"
    NOT_JSON = "not-json", 415, "The body is not said to be JSON"
    TOO_LONG = "too-long", 413, "The body is too long"
    SIGN_IN = "sign-in", 401, "Nobody is known by this request"
    NOT_ALLOWED = "not-allowed", 403, "This is not for whoever asks"
    WAIT = "wait", 429, "Too many tokens that nobody knows"
    DATABASE = "database-away", 503, "FirstFive's own database cannot be used"
    BUG = "bug", 500, "FirstFive has a bug"

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.type = f"{_KIND}{slug}"
        self.status = status
        self.title = title


class Wrong(BaseModel):
    """One thing that is not valid, and where it stands: `query.limit`, `body.text`."""

    where: str
    what: str


class Problem(BaseModel):
    """What is wrong. `type` stands for the kind of problem, `detail` says what to do, for a person."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Wrong] = Field(default=[], description="Where and what, if the request is not as described.")


class ProblemMet(Exception):
    """A request that is answered with a problem."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble


def problem(
    trouble: Trouble, detail: str, errors: list[Wrong] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Give the answer that tells of a problem."""
    told = Problem(
        type=trouble.type, title=trouble.title, status=trouble.status, detail=detail, errors=errors or []
    ).model_dump()
    return Json(told, trouble.status, headers, media_type=MEDIA_TYPE)


def lost(what: str, name: str) -> ProblemMet:
    """Give the problem of something that is not there, whatever was asked for."""
    return ProblemMet(Trouble.NOT_THERE, f"There is no {what} {name[:40]}.")


def answered(app: FastAPI) -> None:
    """Let an application answer everything that goes wrong in it with a problem."""
    app.add_exception_handler(ProblemMet, _met)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)
    for kind in _TROUBLES:
        app.add_exception_handler(kind, _known)


_TROUBLES: Mapping[type[Exception], Trouble] = {
    CommandRejected: Trouble.REFUSED,
    IncidentNotFound: Trouble.NOT_THERE,
    StoreUnusable: Trouble.DATABASE,
    NotJson: Trouble.NOT_JSON,
    TooLong: Trouble.TOO_LONG,
}


async def _met(_: Request, error: Any) -> Response:
    return problem(error.trouble, str(error))


async def _known(_: Request, error: Exception) -> Response:
    trouble = next(trouble for kind, trouble in _TROUBLES.items() if isinstance(error, kind))
    headers = {"Retry-After": _AGAIN_S} if trouble is Trouble.DATABASE else None
    return problem(trouble, str(error), headers=headers)


async def _invalid(_: Request, error: Any) -> Response:
    """Tell what is not valid; never what was sent, it may be a secret."""
    found = [Wrong(where=".".join(map(str, each["loc"])), what=f"{each['msg']}.") for each in error.errors()]
    if any(each.where.startswith("path.") for each in found):
        return problem(Trouble.NOT_THERE, "Nothing has such a name.")
    return problem(Trouble.NOT_VALID, " ".join(f"{each.where}: {each.what}" for each in found[:3]), found)


async def _http(_: Request, error: Any) -> Response:
    """Answer what no route of ours does: there is none, or none that takes this method."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(Trouble.NOTHING_HERE, "GET /api/v1/openapi.json describes what there is.")
    told = {"type": "about:blank", "title": str(error.detail), "status": error.status_code, "detail": ""}
    return Json({**told, "errors": []}, error.status_code, error.headers, media_type=MEDIA_TYPE)


async def _bug(*_: Any) -> Response:
    return problem(Trouble.BUG, "It is in the log of the bot, with the time of this answer.")


def described(*troubles: Trouble) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of an operation, and those that every operation has."""
    found: dict[int | str, dict[str, Any]] = {}
    for each in sorted({*troubles, Trouble.NOT_ALLOWED, Trouble.SIGN_IN, Trouble.DATABASE}, key=lambda t: t.status):
        known = found.setdefault(
            each.status, {"description": "", "content": {MEDIA_TYPE: {"schema": _SCHEMA, "examples": {}}}}
        )
        known["description"] = " ".join(filter(None, (known["description"], f"{each.title}.")))
        value = Problem(type=each.type, title=each.title, status=each.status, detail="What to do, in words.")
        known["content"][MEDIA_TYPE]["examples"][each.type.removeprefix(_KIND)] = {"value": value.model_dump()}
    return found


_SCHEMA = {"$ref": "#/components/schemas/Problem"}
