"""What is said where there is nothing: that, and where to go instead."""

from fastapi import Response

from bot.engine.ports import Ports
from handlers.html import Html
from handlers.reader import Reader
from handlers.visible import visible_incidents


async def lost(ports: Ports, html: Html, reader: Reader, what: str) -> Response:
    """Answer that something is not there, with the open incidents that they may see."""
    open_ = await ports.store.read(lambda tx: visible_incidents(ports, tx, reader.person))
    return html.page("not_found.html", reader, 404, what=what, open_=open_)


async def without_postmortem(ports: Ports, html: Html, reader: Reader, incident_id: str) -> Response:
    """Answer that an incident whose postmortem is asked for is not there."""
    return await lost(ports, html, reader, f"There is no incident {incident_id[:20]}, so it has no postmortem.")
