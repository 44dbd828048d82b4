"""Keep everything but Slack's routes and the probes to this machine, until there is a sign-in.

Alerts may come from the network once a token is configured for them.
"""

import re
from collections.abc import Iterable, Mapping
from secrets import token_urlsafe

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.domain.addresses import is_loopback
from handlers.api.problems import Trouble, problem
from handlers.reader import LOCAL, Reader, Way, admit

# Who answers these asks nobody's leave: Slack signs its requests, probes and metrics tell nothing about incidents.
PUBLIC = ("/slack/", "/health/")
PUBLIC_EXACT = ("/metrics", "/healthz")

SAFE = {"GET", "HEAD", "OPTIONS"}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
# Any of these means that the request came through something that stands in front of us, a tunnel for instance.
_FORWARDED = ("forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-envoy-external-address")
_FORWARDED_PREFIX = "x-forwarded-"

GUARDED_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers say of our own forms that they come from nowhere
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class LoopbackOnly:
    """ASGI middleware: answers 403, with the reason, to whoever is not a program on this machine asking directly."""

    def __init__(self, app: ASGIApp, also_public: tuple[str, ...] = ()) -> None:
        """`also_public` are beginnings of paths whose routes ask for a token of their own."""
        self._app = app
        self._public = PUBLIC + also_public
        self._reader = Reader(LOCAL, Way.MACHINE, token_urlsafe(24))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        send = with_headers(send)
        if scope["type"] == "lifespan" or is_public(scope["path"], self._public):
            await self._app(scope, receive, send)
            return
        reason = refusal(scope)
        if reason:
            await _refused(scope, reason)(scope, receive, send)
            return
        admit(scope, self._reader)
        await self._app(scope, receive, send)


def _refused(scope: Scope, reason: str) -> Response:
    is_api = scope["path"].startswith("/api/")
    return problem(Trouble.NOT_ALLOWED, reason.strip()) if is_api else PlainTextResponse(reason, 403)


def refusal(scope: Scope) -> str:
    """Say why a request must not see pages or API; "" when it may."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    hosts = headers.getlist("host")
    if client is None or not is_loopback(client[0]):
        return _explain("this request comes from another machine")
    if len(hosts) != 1 or not _is_loopback_host(hosts[0]):
        return _explain("the Host header does not name this machine (localhost, 127.0.0.1 or [::1])")
    if _forwarded(headers.keys()):
        return _explain("this request came through a proxy or a tunnel")
    if scope.get("method", "GET") not in SAFE or scope["type"] == "websocket":
        return foreign(headers, f"http://{hosts[0]}", f"https://{hosts[0]}")
    return ""


def _explain(what: str) -> str:
    return (
        f"Not shown: {what}. Until there is a sign-in, FirstFive's pages and API answer only to this machine itself. "
        "From elsewhere use an SSH tunnel: ssh -L PORT:127.0.0.1:PORT this-machine\n"
    )


def foreign(headers: Headers, *own: str) -> str:
    """Say why what changes something is not asked by a page of our `own` origins, or by no page at all (curl)."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if (origin is None or origin in own) and site in {"none", "same-origin"}:
        return ""
    return "Refused: this request was made by a page of another origin. Nothing was changed.\n"


def is_public(path: str, beginnings: tuple[str, ...]) -> bool:
    """Tell whether a path is of those who ask nobody's leave, or for a token of their own."""
    return path in PUBLIC_EXACT or path.startswith(beginnings)


def _is_loopback_host(host: str) -> bool:
    match = _HOST.fullmatch(host.strip())
    return match is not None and is_loopback(match["name"])


def _forwarded(names: Iterable[str]) -> bool:
    return any(name in _FORWARDED or name.startswith(_FORWARDED_PREFIX) for name in names)


def with_headers(send: Send) -> Send:
    """Add the headers that every answer has, whoever gives it, unless it brought stricter ones."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in GUARDED_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return add
