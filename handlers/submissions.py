"""What is sent to the deploy gate: read as JSON or as a form, and where that fails, what of it can be made out."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from email.message import Message
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from bot.domain.gate.evidence import Objection, Obstacle
from bot.domain.service import Catalog
from bot.engine.releases import CommitName, DigestName, ReleaseName
from handlers.bodies import TooLong, bounded, where_wrong

BODY_MAX = 16_000_000
BODY_WITHIN_S = 20.0
_FORM = "multipart/form-data"
_LOOKED_AT = 64_000
_NAMES = rb"(service|release|digest|commit|by)"
_IN_JSON = re.compile(rb'"' + _NAMES + rb'"\s{0,9}:\s{0,9}"([^"\\\r\n]{1,100})"')
_IN_FORM = re.compile(
    rb'; name="?' + _NAMES + rb'"?\r\n(?:[A-Za-z-]{1,40}:[^\r\n]{0,200}\r\n)?\r\n([^\r\n]{1,100})\r\n'
)

Word = Annotated[str, Field(max_length=100)]
_KINDS: Mapping[str, TypeAdapter[str]] = {
    "release": TypeAdapter(ReleaseName),
    "digest": TypeAdapter(DigestName),
    "commit": TypeAdapter(CommitName),
    "by": TypeAdapter(Word),
}


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
    """A body cannot be read; says why, with which status that is answered, and what had come of it."""

    def __init__(self, obstacle: Obstacle, text: str, status: int, content: bytes = b"") -> None:
        self.objection = Objection(obstacle, text)
        super().__init__(str(self.objection))
        self.status = status
        self.content = content


async def shown_in(request: Request, *, forms: bool) -> Shown:
    """Read what is shown; `forms`: a form is taken. Without a token it is not: any page in a browser could send one.

    :raises Unreadable: it is of another kind, too long or too slow, breaks off, or is not what it should be.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _read(request, content, forms=forms)
    except TimeoutError:
        wrong = Obstacle.SLOW, f"the body did not come within {BODY_WITHIN_S:.0f} s", 408
    except ClientDisconnect:
        wrong = Obstacle.INCOMPLETE, f"the body broke off after {len(content)} bytes", 400
    except TooLong:
        wrong = Obstacle.OVERSIZED, f"more than {BODY_MAX} bytes were sent", 413
    except _OtherKind as error:
        wrong = Obstacle.MALFORMED, str(error), 415
    except ValidationError as error:
        wrong = Obstacle.MALFORMED, where_wrong(error), 422
    # A form names its own encodings; some exist for no text, or fail in ways of their own.
    except (MultiPartException, UnicodeError, LookupError) as error:
        wrong = Obstacle.MALFORMED, f"the form cannot be read ({str(error)[:100]})", 422
    raise Unreadable(*wrong, bytes(content))


def named_in(content: bytes, catalog: Catalog) -> dict[str, str]:
    """Give what a body that cannot be read names, as far as that is what it can be: a known service, a release, ...

    It is looked for at the beginning and the end alone: what proves a build is long, and lies between.
    """
    ends = content if len(content) <= 2 * _LOOKED_AT else content[:_LOOKED_AT] + b"\r\n" + content[-_LOOKED_AT:]
    found: dict[str, str] = {}
    for name, value in (*_IN_JSON.findall(ends), *_IN_FORM.findall(ends)):
        found.setdefault(name.decode(), value.decode(errors="replace"))
    return sound(found, catalog)


def sound(named: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Leave out what no service, release, digest and so on could be."""
    return {name: value for name, value in named.items() if value and _is_sound(name, value, catalog)}


def _is_sound(name: str, value: str, catalog: Catalog) -> bool:
    if name == "service":
        return catalog.service(value) is not None
    try:
        _KINDS[name].validate_python(value)
    except ValidationError:
        return False
    return True


class _OtherKind(Exception):
    """A body is said to be neither JSON nor a form that is taken."""


async def _read(request: Request, content: bytearray, *, forms: bool) -> Shown:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/json", *([_FORM] if forms else [])}:
        more = f" or {_FORM}" if forms else "; a form is taken only where FIRSTFIVE_DEPLOYS_TOKEN is set"
        raise _OtherKind(f"send it as application/json{more}")
    whole = await bounded(request, BODY_MAX, content)
    if kind == _FORM:
        return Shown.model_validate(await _fields(request, whole))
    return Shown.model_validate_json(whole)


def _ends(request: Request, content: bytes) -> bool:
    kind = Message()
    kind["Content-Type"] = request.headers["content-type"]
    return f"--{kind.get_boundary('')}--".encode("latin-1") in content


async def _fields(request: Request, content: bytes) -> dict[str, Any]:
    """Give the fields of a form, files as their text; those that are there several times are joined by lines."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    # The parser takes a form without its end for one without its last field.
    if not _ends(request, content):
        raise MultiPartException("it has no end")
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
