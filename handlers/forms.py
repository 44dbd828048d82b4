"""The forms of our own pages: read within bounds, and believed only from a page that we gave to the same reader."""

from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl

from fastapi import Request

from bot.domain.errors import FirstFiveError
from handlers.reader import Reader

SEAL = "seal"
_MAX = 64_000
_FIELDS_MAX = 100
_TYPE = "application/x-www-form-urlencoded"


class FormRefused(FirstFiveError):
    """A form that is not believed, or cannot be read; says why, and what to do. Nothing was done."""


async def filled(request: Request, reader: Reader) -> Mapping[str, str]:
    """Give the fields of a form of ours, without spaces around and without those left empty; the last of two counts.

    :raises FormRefused: it is not a form, is too long, or was not given to this reader by one of our pages.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise FormRefused(f"This is sent as {_TYPE}, by the form on the page.")
    fields = _read(await _body(request))
    seal = fields.pop(SEAL, "")
    if not reader.seal or not compare_digest(seal.encode(), reader.seal.encode()):
        raise FormRefused("This form is not from the page as you have it now. Load the page again, and send it again.")
    return {name: value.strip() for name, value in fields.items() if value.strip()}


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MAX:
            raise FormRefused(f"The form is longer than {_MAX} bytes. Say it in fewer words.")
    return bytes(content)


def _read(content: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise FormRefused("The form cannot be read.") from None
    # A browser sends the ends of lines of a text as CR LF, whatever they were.
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
