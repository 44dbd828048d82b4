"""How the app comes into a workspace: the way to Slack's page of consent, and back from there with a code.

The way there is for whoever runs FirstFive: it answers to this machine, or to a link that was made on it. Without that
anybody could bring the app into a workspace of their own, and command it. The way back is for everybody, and believes
nobody: only the browser that was sent there holds the cookie that belongs to the state, once and for ten minutes.
"""

import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import RedirectResponse

from bot.domain.errors import ChatFailed, StoreUnusable
from bot.ports import Clock, Installation, Journal, Store
from handlers.html import shipped
from handlers.loopback import GUARDED_HEADERS, refusal

log = structlog.get_logger()

INSTALL, BACK = "/slack/install", "/slack/oauth_redirect"
_COOKIE = "firstfive_install"
_PURPOSE = b"firstfive: states and links of installations"
_STATE, _LINK = "state", "link"
_LIFE_S = {_STATE: 600, _LINK: 3_600}
_WORD = re.compile("[a-z0-9_]{1,60}")
_STYLE = "firstfive.css"

_AGAIN = "Begin again where you began. Nothing was installed."
_REFUSALS = {
    "invalid_code": "Slack does not know this consent any more: it holds for ten minutes.",
    "code_already_used": "Slack has answered this consent already.",
    "bad_redirect_uri": "The address of this page is not the one that the app's settings name under Redirect URLs.",
    "bad_client_secret": "Slack does not accept the app's client secret: SLACK_CLIENT_SECRET is not right.",
    "invalid_client_id": "Slack does not know the app: SLACK_CLIENT_ID is not right.",
    "org_install": "The app was given to a whole organization. FirstFive comes into workspaces one by one: choose one.",
    "unreachable": "Slack did not answer.",
}


class Door(Protocol):
    """Slack's side of an installation."""

    def address(self, state: str) -> str:
        """Give the address of the page on which a person consents."""

    async def exchange(self, code: str) -> Installation:
        """Give what the workspace gave.

        :raises ChatFailed: Slack refused, or was not reached.
        """


@dataclass(frozen=True)
class Told:
    """What a page says: what happened, and what to do next."""

    heading: str
    what: str
    next: str = ""
    status: int = 400


_STRANGE = Told(
    "This is no answer that FirstFive waits for",
    "It is more than ten minutes old, or was not asked for by FirstFive.",
    _AGAIN,
)
_OTHER_BROWSER = Told(
    "This was begun in another browser",
    "FirstFive takes the answer only from the browser that was sent to Slack, and only of the last time it was sent.",
    f"{_AGAIN} Cookies must be allowed.",
)
_USED = Told(
    "This answer was taken already",
    "It counts once.",
    "If /incident help answers in Slack, FirstFive is there. If not, begin again where you began.",
)
_CANCELLED = Told("Nothing was installed", "You have not let FirstFive in.", "You can close this page.", 200)
_CLOSED = Told(
    "Only whoever runs FirstFive can begin here",
    "This page answers to the machine that FirstFive runs on, and to links that were made there.",
    "Ask whoever runs it to open /slack/install on that machine (or through an SSH tunnel), and to send you the link.",
    403,
)
_OLD_LINK = Told("This link is too old", "Links to this page hold for an hour.", _CLOSED.next, 403)


@dataclass(frozen=True)
class Hall:
    """What an installation passes through. `keep` makes it durable, and the workspace one of ours."""

    door: Door
    keep: Callable[[Installation], Awaitable[None]]
    store: Store
    journal: Journal
    clock: Clock
    page_url: str
    client_secret: str = field(repr=False)

    def sealed(self, purpose: str, text: str) -> str:
        """Give a text that only we can have written, for a purpose, now."""
        return self._seal.encrypt_at_time(f"{purpose} {text}".encode(), self._now_s).decode()

    def opened(self, purpose: str, sealed: str) -> str:
        """Give what was sealed for a purpose; "" when it was not, or is too old."""
        try:
            text = self._seal.decrypt_at_time(sealed.encode(), _LIFE_S[purpose], self._now_s).decode()
        except (InvalidToken, UnicodeEncodeError):
            return ""
        meant, _, said = text.partition(" ")
        return said if meant == purpose else ""

    async def used(self, state: str) -> bool:
        """Use a state up; tell whether that was done before, here or by another replica."""
        now, me = self.clock.now(), token_urlsafe(12)
        key = f"slack state {sha256(state.encode()).hexdigest()[:32]}"
        until = now + timedelta(seconds=_LIFE_S[_STATE])
        return await self.store.write(lambda tx: self.journal.hold(tx, key, me, now, until)) != me

    @property
    def _seal(self) -> Fernet:
        derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(self.client_secret.encode())
        return Fernet(base64.urlsafe_b64encode(derived))

    @property
    def _now_s(self) -> int:
        return int(self.clock.now().timestamp())


def router(hall: Hall) -> APIRouter:
    """Make the two routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(INSTALL)
    async def install(request: Request) -> Response:
        return _begin(hall, request)

    @routes.get(BACK)
    async def back(request: Request) -> Response:
        try:
            told = await _answered(hall, request)
        except StoreUnusable as error:
            told = Told("FirstFive's own database does not answer", str(error), _AGAIN, 503)
        answer = _page(told)
        answer.delete_cookie(_COOKIE, path="/slack/")
        return answer

    return routes


def _begin(hall: Hall, request: Request) -> Response:
    """Send a browser to Slack, and give it the cookie by which it is known when it comes back."""
    link = request.query_params.get("link", "")
    if link and not hall.opened(_LINK, link):
        return _page(_OLD_LINK)
    if not link and refusal(request.scope):
        return _page(_CLOSED)
    here = urlsplit(hall.page_url)
    if not link and request.headers.get("host") != here.netloc:
        # Slack sends people back to that address, and only there the cookie will be.
        return RedirectResponse(f"{hall.page_url}{INSTALL}?{urlencode({'link': hall.sealed(_LINK, 'install')})}", 303)
    nonce = token_urlsafe(24)
    answer = RedirectResponse(hall.door.address(hall.sealed(_STATE, nonce)), 303, GUARDED_HEADERS)
    answer.set_cookie(
        _COOKIE,
        nonce,
        max_age=_LIFE_S[_STATE],
        path="/slack/",
        secure=here.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


async def _answered(hall: Hall, request: Request) -> Told:
    """Take what Slack sends a person back with; say what came of it.

    :raises StoreUnusable: nothing can be kept.
    """
    given = request.query_params
    nonce = hall.opened(_STATE, given.get("state", ""))
    if not nonce:
        return _STRANGE
    if not compare_digest(request.cookies.get(_COOKIE, "").encode(), nonce.encode()):
        return _OTHER_BROWSER
    if await hall.used(given["state"]):
        return _USED
    error = given.get("error", "")
    if error:
        return _CANCELLED if error == "access_denied" else _refused(error)
    return await _install(hall, given.get("code", ""))


async def _install(hall: Hall, code: str) -> Told:
    try:
        installation = await hall.door.exchange(code)
    except ChatFailed as failure:
        log.warning("not installed", error=failure.code)
        return _refused(failure.code)
    await hall.keep(installation)
    log.info("installed", workspace=installation.team, by=installation.installed_by)
    return Told(
        f"FirstFive is in {installation.team_name}",
        "Its commands work there from now on, and incidents that begin there have their channels there.",
        "Type /incident help in any channel there. You can close this page.",
        200,
    )


def _refused(code: str) -> Told:
    word = code if _WORD.fullmatch(code) else "something unknown"
    what = _REFUSALS.get(word, f"Slack says {word}.")
    return Told("FirstFive was not installed", what, _AGAIN, 502 if word == "unreachable" else 400)


def _page(told: Told) -> Response:
    """Draw a page that needs nothing else: it is seen by people who may not have anything else of us."""
    style = shipped().static[_STYLE].content
    proof = base64.b64encode(sha256(style).digest()).decode()
    answer = shipped().page("installation.html", None, told.status, told=told, style=Markup(style.decode()))  # noqa: S704 - ours
    answer.headers.update(GUARDED_HEADERS)
    answer.headers["Content-Security-Policy"] += f"; style-src 'sha256-{proof}'"
    return answer
