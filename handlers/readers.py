"""Finds out who asks: by the session of a browser, or by the token of a script."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import TypeVar

import structlog
from starlette.requests import HTTPConnection

from bot.domain.errors import StoreUnusable
from bot.domain.run import Missing
from bot.domain.sign_in import Scope, Token
from bot.domain.timeline import Person
from bot.ports import Clock, Sessions, Store, Tokens
from handlers.cookies import Cookies, digest_of
from handlers.reader import Reader, Way

log = structlog.get_logger()

V = TypeVar("V")

PREFIX = "ff_"
"""How every token begins, so that scanners find one that was committed somewhere."""
_BEARER = "bearer "
_LONGEST = 200
_LOOKED_EVERY = timedelta(minutes=5)
_FIRST_LOOK_S = 2.0
_NOTED_EVERY = timedelta(minutes=1)
_TRIES, _WITHIN = 20, timedelta(minutes=1)
_REMEMBERED = 10_000

Belongs = Callable[[str, Person], Awaitable[Person | Missing | None]]
"""Tells whether somebody of a workspace still belongs here: as whom, or why not; None when that is not known now."""


@dataclass(frozen=True)
class Denied:
    """Nobody who may come in; says why. `wait_s`: how long to wait before the next try."""

    reason: str = "Sign in first."
    wait_s: int = 0


@dataclass
class Readers:
    """Knows who asks. Without `belongs` nobody is looked after once they have signed in.

    `_looked`: of each person, when it was last asked whether they belong here, and since when they do not.
    """

    store: Store
    sessions: Sessions
    tokens: Tokens
    clock: Clock
    cookies: Cookies
    belongs: Belongs | None = None
    _looked: OrderedDict[str, tuple[datetime, datetime | None]] = field(default_factory=OrderedDict)
    _failed: OrderedDict[str, list[datetime]] = field(default_factory=OrderedDict)
    _good: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _looks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def of(self, request: HTTPConnection) -> Reader | Denied:
        """Tell who asks. A token that is shown counts alone: nobody is let in by a cookie beside a wrong one.

        :raises StoreUnusable: it cannot be told now.
        """
        shown = request.headers.getlist("authorization")
        if shown:
            return await self._by_token(shown, request.client.host if request.client else "")
        secret = self.cookies.secret(request.cookies)
        if not secret:
            return Denied()
        digest = digest_of(secret)
        session = await self.store.read(lambda tx: self.sessions.get(tx, digest))
        if session is None or self.clock.now() >= session.ends_at:
            return Denied("Your session is over. Sign in again.")
        if not await self._is_here(session.person, session.team, session.made_at):
            return Denied("You do not belong here any more.")
        return Reader(session.person, Way.SESSION, self.cookies.seal(secret), team=session.team)

    async def _by_token(self, shown: list[str], whence: str) -> Reader | Denied:
        if len(shown) != 1 or not shown[0].lower().startswith(_BEARER):
            return Denied("Show a token: Authorization: Bearer, and the token.")
        secret = shown[0][len(_BEARER) :].strip()
        digest, now = digest_of(secret), self.clock.now()
        if digest not in self._good and (wait_s := self._wait_s(whence, now)):
            return Denied("Too many wrong tokens came from there.", wait_s)
        token = None
        if secret.startswith(PREFIX) and len(secret) <= _LONGEST:
            token = await self.store.read(lambda tx: self.tokens.find(tx, digest))
        if token is None or not token.holds(now) or not await self._is_here(token.owner, token.team, token.made_at):
            self._good.pop(digest, None)
            self._note_failure(whence, now)
            return Denied("This token is not known, was revoked, or is too old.")
        _put(self._good, digest, None)
        await self._note_use(token, now)
        return Reader(token.person, Way.TOKEN, may_command=token.scope is Scope.COMMAND, team=token.team)

    async def _note_use(self, token: Token, now: datetime) -> None:
        if token.used_at is None or now >= token.used_at + _NOTED_EVERY:
            await self.store.write(lambda tx: self.tokens.use(tx, token.id, now))

    def _wait_s(self, whence: str, now: datetime) -> int:
        """Tell how long whoever is there must wait, as they have shown too many wrong tokens."""
        recent = [at for at in self._failed.get(whence, ()) if now < at + _WITHIN]
        return ceil((recent[0] + _WITHIN - now).total_seconds()) if len(recent) >= _TRIES else 0

    def _note_failure(self, whence: str, now: datetime) -> None:
        recent = [at for at in self._failed.get(whence, ()) if now < at + _WITHIN]
        _put(self._failed, whence, [*recent, now])

    async def _is_here(self, person: Person, team: str, since: datetime) -> bool:
        """Tell whether somebody was here when that was last looked at; look again behind their back once in a while.

        The first look of this process is waited for, though not for long: who has left stays out over a restart.
        `since`: when they came in, which only who is here can.
        """
        if self.belongs is None:
            return True
        (at, _), now = self._looked.get(person.id, (None, None)), self.clock.now()
        if person.id not in self._looks and (at is None or now >= at + _LOOKED_EVERY):
            self._looks[person.id] = task = asyncio.create_task(self._look(self.belongs, person, team, now))
            task.add_done_callback(lambda _: self._looks.pop(person.id))
        if at is None:
            await asyncio.wait({self._looks[person.id]}, timeout=_FIRST_LOOK_S)
        _, gone_at = self._looked.get(person.id, (None, None))
        return gone_at is None or since > gone_at

    async def _look(self, belongs: Belongs, person: Person, team: str, at: datetime) -> None:
        """Ask; what is answered is so as of `at`: who comes in meanwhile is here."""
        found = await belongs(team, person)
        _, gone_at = self._looked.get(person.id, (None, None))
        if found is not None:
            gone_at = at if isinstance(found, Missing) else None
        _put(self._looked, person.id, (at, gone_at))
        if isinstance(found, Missing):
            log.warning("signed out: belongs here no more", person=person.id, reason=found.reason)
            try:
                await self.store.write(lambda tx: self.sessions.end_all(tx, person, at))
            except StoreUnusable as error:
                log.warning("sessions not ended", person=person.id, reason=str(error))


def _put(kept: OrderedDict[str, V], key: str, value: V) -> None:
    """Keep a value as the latest, and no more values than there is room for."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
