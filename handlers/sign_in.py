"""Signing in and out: the page that says what will happen, the way to the provider, and the way back from there.

The way back believes nobody. Only the browser that was sent there holds the cookie that belongs to the answer, for ten
minutes and once; what the provider says is verified; and whoever is let in gets a session that did not exist before.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any, Protocol

import structlog
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from bot.domain.errors import SignInFailed
from bot.domain.run import Missing
from bot.domain.sign_in import LIFE, Known, Session, Vouched, own_path
from bot.domain.timeline import HOUSE, Author, Draft, Kind, Person
from bot.engine.ports import Ports
from bot.ports import Sessions, Tx
from handlers.cookies import BEGUN_S, Begun, Cookies, digest_of
from handlers.forms import filled
from handlers.grants import Grants
from handlers.guard import BACK, BEGIN, SIGN_IN, SIGN_OUT
from handlers.html import Html
from handlers.reader import Way, perhaps

log = structlog.get_logger()

_WORD = re.compile("[a-z0-9_]{1,60}")
_REFUSALS = {
    "unreachable": "{} did not answer.",
    "expired": "What {} said was too old when it came here. Try again; if it stays so, one of the two clocks is wrong.",
    "not_believed": "What {} said of you could not be verified, so nobody was signed in.",
    "other_issuer": "Whoever answered in the place of {} is somebody else.",
    "invalid_code": "{} does not know this answer any more. Try again.",
    "invalid_grant": "{} does not know this answer any more. Try again.",
    "bad_redirect_uri": "The address of this page is not one that the app's settings name under Redirect URLs.",
    "bad_client_secret": "{} does not accept the secret that FirstFive shows.",
    "invalid_client": "{} does not accept the secret that FirstFive shows.",
    "invalid_client_id": "{} does not know FirstFive by its client id.",
}


class Provider(Protocol):
    """Who says who people are."""

    async def called(self) -> str:
        """Give the issuer as the provider writes itself.

        :raises SignInFailed: the provider does not say.
        """

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Give the address of the page on which a person signs in.

        :raises SignInFailed: the provider does not say where that is.
        """

    async def vouch(self, code: str, nonce: str, verifier: str) -> Vouched:
        """Give what the provider says of somebody, verified.

        :raises SignInFailed: it is not to be believed.
        """


@dataclass(frozen=True)
class Said:
    """What the page says before it offers to sign in: that something went wrong, or that somebody has left."""

    heading: str
    what: str
    status: int = 400


_OUT = Said("You have signed out", "This browser shows nothing of FirstFive any more.", 200)
_LOST = Said("You were not signed in any more", "What you sent was not done. Sign in, and send it again.", 200)
_STRANGE = Said(
    "This is no answer that FirstFive waits for",
    "It is more than ten minutes old, or was begun in another browser. Cookies must be allowed.",
)
_USED = Said("This answer was taken already", "It counts once. Sign in again.")
_CANCELLED = Said("You were not signed in", "You have not let FirstFive know who you are.", 200)


@dataclass(frozen=True)
class SignIn:
    """The routes. `identify` tells whom the claims of a provider are about, `title` is what people call it.

    `grants` keeps what it gave to be asked again with, where it is asked again.
    """

    ports: Ports
    html: Html
    sessions: Sessions
    cookies: Cookies
    provider: Provider
    title: str
    identify: Callable[[Mapping[str, Any]], Awaitable[Known | Missing]]
    grants: Grants | None = None

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route(SIGN_IN, self.page)
        routes.add_api_route(BEGIN, self.begin)
        routes.add_api_route(BACK, self.back)
        routes.add_api_route(SIGN_OUT, self.sign_out, methods=["POST"])

    async def page(self, request: Request, out: str = "", lost: str = "") -> Response:
        """Say what signing in does, to whoever is not signed in."""
        if perhaps(request) is not None:
            return RedirectResponse(self._onward(request), 303)
        return self._page(request, _LOST if lost else _OUT if out else None)

    async def begin(self, request: Request) -> Response:
        """Send a browser to the provider, and have it remember what must come back; only from our own page."""
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            return self._page(request)
        begun = Begun(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48), self._onward(request))
        try:
            address = await self.provider.address(begun.state, begun.nonce, begun.verifier)
        except SignInFailed as failure:
            return self._failed(request, failure)
        answer = RedirectResponse(address, 303)
        self.cookies.begin(answer, begun, self._now_s)
        return answer

    async def back(self, request: Request) -> Response:
        """Take what the provider sends a person back with."""
        begun, state = self.cookies.begun(request.cookies, self._now_s), request.query_params.get("state", "")
        if begun is None or not compare_digest(state.encode(), begun.state.encode()):
            answer = self._page(request, _STRANGE)
        else:
            answer = await self._answered(request, begun)
        self.cookies.over(answer)
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End the session, here and in the database."""
        reader = perhaps(request)
        if reader is not None and reader.way is Way.SESSION:
            await filled(request, reader)
            digest = digest_of(self.cookies.secret(request.cookies))

            def act(tx: Tx) -> None:
                if self.sessions.end(tx, digest):
                    self._tell(tx, Draft(Kind.SIGNED_OUT), reader.person)

            await self.ports.store.write(act)
        answer = RedirectResponse(f"{SIGN_IN}?out=1", 303)
        self.cookies.forget(answer)
        return answer

    async def _answered(self, request: Request, begun: Begun) -> Response:
        """Take an answer that belongs to what this browser has begun."""
        if await self._is_used(begun):
            return self._page(request, _USED, begun.onward)
        try:
            known = await self._known(request.query_params, begun)
        except SignInFailed as failure:
            return self._failed(request, failure, begun.onward)
        if isinstance(known, Missing):
            log.warning("not signed in", reason=known.reason)
            return self._page(request, Said("You cannot come in here", known.reason, 403), begun.onward)
        return await self._let_in(request, known, begun.onward)

    async def _known(self, given: Mapping[str, str], begun: Begun) -> Known | Missing:
        """Tell who has come back.

        :raises SignInFailed: the provider does not say, or is not to be believed.
        """
        if "iss" in given and given["iss"] != await self.provider.called():  # RFC 9207
            raise SignInFailed("other_issuer")
        if "error" in given:
            raise SignInFailed(given["error"])
        vouched = await self.provider.vouch(given.get("code", ""), begun.nonce, begun.verifier)
        known = await self.identify(vouched.claims)
        return known if isinstance(known, Missing) else replace(known, grant=vouched.grant)

    async def _let_in(self, request: Request, known: Known, onward: str) -> Response:
        """Begin a session, and end that which the browser had before."""
        now, secret, before = self.ports.clock.now(), token_urlsafe(32), self.cookies.secret(request.cookies)
        session = Session(digest_of(secret), known.person, known.team, now, now + LIFE)

        def act(tx: Tx) -> None:
            if before:
                self.sessions.end(tx, digest_of(before))
            self.sessions.keep(tx, session)
            if self.grants is not None:
                self.grants.keep(tx, known.person, known.grant)
            self._tell(tx, Draft(Kind.SIGNED_IN, {"by": self.title}), known.person)

        await self.ports.store.write(act)
        log.info("signed in", person=known.person.id)
        answer = RedirectResponse(onward, 303)
        self.cookies.keep(answer, secret, int(LIFE.total_seconds()))
        return answer

    def _tell(self, tx: Tx, draft: Draft, person: Person) -> None:
        self.ports.timeline.append(tx, HOUSE, [draft], Author(person), self.ports.clock.now())

    async def _is_used(self, begun: Begun) -> bool:
        """Use an answer up; tell whether that was done before, here or by another replica."""
        now, me, ports = self.ports.clock.now(), token_urlsafe(12), self.ports
        key, until = f"sign-in {digest_of(begun.state)[:32]}", now + timedelta(seconds=BEGUN_S)
        return await ports.store.write(lambda tx: ports.journal.hold(tx, key, me, now, until)) != me

    def _failed(self, request: Request, failure: SignInFailed, onward: str = "") -> Response:
        if failure.code == "access_denied":
            return self._page(request, _CANCELLED, onward)
        log.warning("not signed in", error=failure.code[:60], detail=failure.detail)
        word = failure.code if _WORD.fullmatch(failure.code) else "something unknown"
        what = _REFUSALS.get(word, f"{{}} says {word}.").format(self.title)
        return self._page(request, Said("You were not signed in", what, 502 if word == "unreachable" else 400), onward)

    def _page(self, request: Request, said: Said | None = None, onward: str = "") -> Response:
        onward = onward or self._onward(request)
        status = said.status if said else 200
        return self.html.page("sign_in.html", None, status, said=said, title=self.title, onward=onward, begin=BEGIN)

    def _onward(self, request: Request) -> str:
        return own_path(request.query_params.get("next", "/"))

    @property
    def _now_s(self) -> int:
        return int(self.ports.clock.now().timestamp())
