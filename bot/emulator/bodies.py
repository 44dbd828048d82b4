"""JSON bodies of requests."""

import json

from aiohttp import web

from bot.emulator.errors import SlackError
from bot.emulator.messages import Json


async def json_object(request: web.Request) -> Json:
    """Read a body that must be a JSON object; an empty one counts as `{}`."""
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
