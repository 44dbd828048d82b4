"""Stands in front of everything once there is a sign-in: nobody passes whom nobody knows, from wherever they come."""

import re
from functools import partial
from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.domain.addresses import DEFAULT_PORTS
from bot.domain.errors import StoreUnusable
from bot.domain.sign_in import own_path
from handlers.api.problems import Trouble, problem
from handlers.html import shipped
from handlers.loopback import PUBLIC, SAFE, foreign, is_public, with_headers
from handlers.reader import Reader, Way, admit
from handlers.readers import Denied, Readers

SIGN_IN, BEGIN, BACK, SIGN_OUT = "/sign-in", "/sign-in/begin", "/sign-in/back", "/sign-out"
OPEN = (SIGN_IN, BEGIN, BACK, SIGN_OUT)
"""These take whoever comes, and know them if they have signed in."""
_SHIPPED, _ICON = "/static/", "/favicon.ico"
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,260}")
_FOR_TOKENS = ("/api/", "/artifacts/")


class Guard:
    """ASGI middleware: lets through what is public, and whoever is known; says to the rest where to sign in."""

    def __init__(self, app: ASGIApp, readers: Readers, url: str, also_public: tuple[str, ...] = ()) -> None:
        """`url` is where browsers reach us, and no other host is; `also_public` as in `LoopbackOnly`."""
        self._app = app
        self._readers = readers
        self._url = url
        self._public = PUBLIC + also_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        send = with_headers(send)
        if scope["type"] == "lifespan" or is_public(scope["path"], self._public):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refused = await self._refused(scope)
            await (refused or self._app)(scope, receive, send)

    async def _refused(self, scope: Scope) -> Response | None:
        """Give the answer to who may not pass; None when they may, and who they are is known then."""
        request, path = HTTPConnection(scope), scope["path"]
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or _place(f"//{hosts[0]}", self._url) != _place(self._url, self._url):
            return PlainTextResponse(f"FirstFive is at {self._url}, and answers to that name only.\n", 421)
        if scope["method"] not in SAFE and (reason := foreign(request.headers, _origin(self._url))):
            return PlainTextResponse(reason, 403)
        if path.startswith(_SHIPPED) or path == _ICON:
            return None
        try:
            found = await self._readers.of(request)
        except StoreUnusable as error:
            return _told(request, 503, "Not now", str(error))
        if isinstance(found, Reader):
            admit(scope, found, partial(self._is_still, request, found))
            return _beyond(request, found)
        return None if path in OPEN else _who_are_you(request, found)

    async def _is_still(self, request: HTTPConnection, reader: Reader) -> bool:
        found = await self._readers.of(request)
        return isinstance(found, Reader) and found.person.id == reader.person.id


def _beyond(request: HTTPConnection, reader: Reader) -> Response | None:
    """Refuse a token what it may not do: it opens the API and its evidence, and may only look unless it says more."""
    if reader.way is not Way.TOKEN:
        return None
    path, looks = request.scope["path"], request.scope["method"] in SAFE
    if not path.startswith(_FOR_TOKENS):
        return _told(request, 403, "Not with a token", "A token opens /api/ and /artifacts/ only.")
    if not looks and not (reader.may_command and path.startswith("/api/")):
        return _told(request, 403, "Not with this token", "This token may read, and nothing else.")
    return None


def _who_are_you(request: HTTPConnection, denied: Denied) -> Response:
    """Send a browser to the page of sign-in, and back from there to where it wanted to; tell everybody else."""
    if denied.wait_s:
        return _told(request, 429, "Wait a little", denied.reason, {"Retry-After": str(denied.wait_s)})
    if not _is_api(request) and "text/html" in request.headers.get("accept", ""):
        safe = request.scope["method"] in SAFE
        return RedirectResponse(
            f"{SIGN_IN}?next={quote(own_path(_wanted(request)), safe='/')}" + _LOST * (not safe), 303
        )
    return _told(request, 401, "Sign in first", denied.reason, {"WWW-Authenticate": 'Bearer realm="FirstFive"'})


_LOST = "&lost=1"
"""What was sent was not taken: they had signed out meanwhile."""


def _wanted(request: HTTPConnection) -> str:
    """Give where somebody wanted to: for a form that was sent, the page that it stands on."""
    scope = request.scope
    if scope["method"] not in SAFE:
        page = urlsplit(request.headers.get("referer", ""))
        return f"{page.path}?{page.query}" if page.query else page.path
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"], safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")


_TROUBLES = {401: Trouble.SIGN_IN, 403: Trouble.NOT_ALLOWED, 429: Trouble.WAIT, 503: Trouble.DATABASE}


def _told(
    request: HTTPConnection, status: int, heading: str, what: str, headers: dict[str, str] | None = None
) -> Response:
    if _is_api(request):
        return problem(_TROUBLES[status], what, headers=headers)
    if "text/html" in request.headers.get("accept", ""):
        answer = shipped().page("not_found.html", None, status, heading=heading, what=what, open_=())
        answer.headers.update(headers or {})
        return answer
    return PlainTextResponse(f"{what}\n", status, headers)


def _is_api(request: HTTPConnection) -> bool:
    return bool(request.scope["path"].startswith("/api/"))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _place(url: str, like: str) -> tuple[str, int]:
    """Give host and port of an address; where it names no port, that of the scheme of `like`."""
    try:
        parts = urlsplit(url if _HOST.fullmatch(url.partition("//")[2].partition("/")[0]) else "")
        return (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(urlsplit(like).scheme, 0)
    except ValueError:
        return "", 0
