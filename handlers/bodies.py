"""The bodies of requests and answers in JSON, for the API and for webhooks."""

import json
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

_BODY_MAX = 64_000


class Json(JSONResponse):
    """JSON in ASCII, so that no text can keep it from being sent."""

    def render(self, content: Any) -> bytes:
        """Give the bytes of a value."""
        return json.dumps(content).encode("ascii")


class NotJson(Exception):
    """A body is not said to be JSON: a page in somebody's browser cannot send that here unasked."""


class TooLong(Exception):
    """A body is longer than it may be."""


async def json_of(request: Request) -> bytes:
    """Read a body of bounded length that says that it is JSON.

    :raises NotJson, TooLong: it does not, or it is longer.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotJson("Send it as application/json.")
    return await bounded(request, _BODY_MAX)


async def bounded(request: Request, most: int, content: bytearray | None = None) -> bytes:
    """Read a body of at most so many bytes, into `content`, which then holds what had come also where it fails.

    :raises TooLong: it is longer.
    :raises ClientDisconnect: it breaks off.
    """
    content = bytearray() if content is None else content
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise TooLong(f"The body is longer than {most} bytes.")
    return bytes(content)


async def limited_json(request: Request) -> bytes | Response:
    """Read such a body for a webhook, or give the answer to one that is none."""
    try:
        return await json_of(request)
    except NotJson as error:
        return Json({"error": str(error)}, 415)
    except TooLong as error:
        return Json({"error": str(error)}, 413)


def where_wrong(error: ValidationError) -> str:
    """Say where in a body the first thing is wrong, and what."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}."
