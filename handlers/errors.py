"""What pages answer where something is wrong; the API under /api/v1 has problems of its own."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse

from bot.domain.errors import StoreUnusable
from handlers.forms import FormRefused
from handlers.html import shipped
from handlers.loopback import GUARDED_HEADERS
from handlers.reader import perhaps


def answered(app: FastAPI) -> None:
    """Let an application answer whatever goes wrong in it."""
    app.add_exception_handler(404, not_found)
    app.add_exception_handler(405, not_so)
    app.add_exception_handler(StoreUnusable, unusable)
    app.add_exception_handler(FormRefused, unbelieved)
    app.add_exception_handler(RequestValidationError, not_valid)
    app.add_exception_handler(Exception, failed)


async def not_found(request: Request, _: Exception) -> Response:
    """Answer for an address that nothing is at."""
    path = request.url.path
    if path.startswith("/api/"):
        return JSONResponse({"error": "There is nothing here. The API is described at /api/v1/openapi.json."}, 404)
    if path.startswith(("/slack/", "/health/", "/metrics")):
        return PlainTextResponse("There is nothing here.\n", 404)
    return shipped().page("not_found.html", perhaps(request), 404, what="There is no such page.", open_=())


async def not_so(request: Request, error: Any) -> Response:
    """Answer for an address that there is, but not for this method: people by a page, scripts in JSON."""
    if "text/html" not in request.headers.get("accept", ""):
        return await http_exception_handler(request, error)
    what = "Nothing was done. This address is for a form of another page, or takes none: go to where you came from."
    page = shipped().page("not_found.html", perhaps(request), 405, heading="Not this way", what=what, open_=())
    page.headers.update(error.headers or {})
    return page


async def unusable(request: Request, error: Exception) -> Response:
    """Answer while our own database cannot be used."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": str(error)}, 503)
    return shipped().page("not_found.html", perhaps(request), 503, heading="Not now", what=str(error), open_=())


async def unbelieved(request: Request, error: Exception) -> Response:
    """Answer to a form that was refused."""
    return shipped().page("not_found.html", perhaps(request), 403, heading="Not done", what=str(error), open_=())


async def not_valid(request: Request, _: Exception) -> Response:
    """Answer to an address that asks for what cannot be; it does not repeat it."""
    what = "Something in the address, or in what was sent, is not as it should be."
    return shipped().page("not_found.html", perhaps(request), 422, heading="Not understood", what=what, open_=())


async def failed(request: Request, _: Exception) -> Response:
    """Answer where we have a bug, whose words may tell a secret: they are for the log alone.

    This answer is given outside of whoever adds the headers.
    """
    what, path = "FirstFive has a bug here. It is in the bot's log, with the time of this answer.", request.url.path
    if path.startswith(("/api/", "/slack/", "/health/", "/metrics", "/alerts/")):
        return PlainTextResponse(f"{what}\n", 500, GUARDED_HEADERS)
    page = shipped().page("not_found.html", perhaps(request), 500, heading="Not now", what=what, open_=())
    page.headers.update(GUARDED_HEADERS)
    return page
