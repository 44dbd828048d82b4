"""Events: acknowledged. Nothing that people write in a channel is a command, so nothing is read from them yet."""

from collections.abc import Mapping
from typing import Any

import structlog

log = structlog.get_logger()


async def take_event(body: Mapping[str, Any]) -> None:
    """Take an event in."""
    event = body.get("event") or {}
    log.debug("event", kind=event.get("type"), event_id=body.get("event_id"))
