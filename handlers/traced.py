"""Which trace a request is a part of, where nothing records it: log lines and runs name it all the same."""

from opentelemetry.context import attach, detach
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.engine.spans import BAGGAGE, PARENT, received


class Traced:
    """ASGI middleware: what is done for a request belongs to the trace that the request names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read W3C's headers, where a request has them."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or PARENT not in headers:
            await self._app(scope, receive, send)
            return
        undo = attach(received(headers[PARENT], headers.get(BAGGAGE, "")))
        try:
            await self._app(scope, receive, send)
        finally:
            detach(undo)
