"""The tokens of scripts: whoever has signed in makes their own, sees what uses them, and takes them back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex, token_urlsafe

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from bot.domain.sign_in import Scope, Token
from bot.domain.timeline import HOUSE, Author, Draft, Kind, to_us
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers.cookies import digest_of
from handlers.forms import FormRefused, filled
from handlers.html import Html
from handlers.reader import Asks, Reader
from handlers.readers import PREFIX

TOKENS, REVOKE = "/settings/tokens", "/settings/tokens/revoke"
_NAME = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f]{0,58}[^\s\x00-\x1f])?")
_DAYS = (30, 90, 365)
_MOST = 20


@dataclass(frozen=True)
class ApiTokens:
    """The page's routes."""

    ports: Ports
    html: Html

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route(TOKENS, self.page)
        routes.add_api_route(TOKENS, self.make, methods=["POST"])
        routes.add_api_route(REVOKE, self.revoke, methods=["POST"])

    async def page(self, reader: Asks) -> Response:
        """Show somebody's tokens, and the form that makes another."""
        return await self._page(reader)

    async def make(self, request: Request, reader: Asks) -> Response:
        """Make a token, and show it: this once, as only its digest is kept."""
        wanted = _wanted(await filled(request, reader))
        now, secret = self.ports.clock.now(), f"{PREFIX}{token_urlsafe(32)}"
        token = Token(
            id=token_hex(4),
            digest=digest_of(secret),
            name=wanted.name,
            scope=wanted.scope,
            owner=reader.person,
            team=reader.team,
            made_at=now,
            ends_at=now + timedelta(days=wanted.days),
        )

        def act(tx: Tx) -> bool:
            if len(self.ports.tokens.of(tx, reader.person)) >= _MOST:
                return False
            self.ports.tokens.keep(tx, token)
            body = {"scope": token.scope.value, "ends_at": to_us(token.ends_at)}
            self._tell(tx, Kind.TOKEN_MADE, token, reader, body)
            return True

        if not await self.ports.store.write(act):
            raise FormRefused(f"You have {_MOST} tokens already. Revoke one that nothing uses any more.")
        return await self._page(reader, secret)

    async def revoke(self, request: Request, reader: Asks) -> Response:
        """Have a token count no more; one that is gone already is no reason to complain."""
        token_id = (await filled(request, reader)).get("token", "")

        def act(tx: Tx) -> None:
            token = self.ports.tokens.revoke(tx, token_id, reader.person, self.ports.clock.now())
            if token is not None:
                self._tell(tx, Kind.TOKEN_REVOKED, token, reader, {})

        await self.ports.store.write(act)
        return RedirectResponse(TOKENS, 303)

    def _tell(self, tx: Tx, kind: Kind, token: Token, reader: Reader, more: Mapping[str, object]) -> None:
        draft = Draft(kind, {"token": token.id, "name": token.name, **more})
        self.ports.timeline.append(tx, HOUSE, [draft], Author(reader.person), self.ports.clock.now())

    async def _page(self, reader: Reader, secret: str = "") -> Response:
        made = await self.ports.store.read(lambda tx: self.ports.tokens.of(tx, reader.person))
        now = self.ports.clock.now()
        return self.html.page(
            "tokens.html", reader, tokens=made, now=now, secret=secret, days=_DAYS, scopes=list(Scope), revoke=REVOKE
        )


@dataclass(frozen=True)
class _Wanted:
    name: str
    scope: Scope
    days: int


def _wanted(fields: Mapping[str, str]) -> _Wanted:
    """Read what somebody wants of a token.

    :raises FormRefused: it has no name, or is to do what no token does.
    """
    name, scope, days = fields.get("name", ""), fields.get("scope", Scope.READ.value), fields.get("days", "")
    if not _NAME.fullmatch(name):
        raise FormRefused("Give the token a name of at most 60 characters that says what uses it: deploy script.")
    if scope not in set(Scope) or days not in {str(each) for each in _DAYS}:
        raise FormRefused("Choose what the token may do, and for how long, from what the page offers.")
    return _Wanted(name, Scope(scope), int(days))
