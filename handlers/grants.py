"""Asks a provider again whether somebody belongs to it still, with what it gave for that when they signed in.

A grant is a refresh token that outlasts the session (`offline_access`). The provider's word that it is void is taken
for "has left", whatever the reason: whoever signs in again is back. Kept is the latest one of each person, encrypted
with a key that comes from the secret which we share with the provider.
"""

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_urlsafe
from typing import Protocol

import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.domain.errors import GrantVoid, SignInFailed
from bot.domain.run import Missing
from bot.domain.timeline import Person
from bot.engine.ports import Ports
from bot.ports import Tx

log = structlog.get_logger()

ASKED_EVERY = timedelta(minutes=5)
_PURPOSE = b"firstfive: grants of a provider"
_VOID = "void"
_LEFT = Missing("Whoever signs you in does not vouch for you any more")


class Renewer(Protocol):
    """Who gave the grants."""

    async def renew(self, grant: str) -> str:
        """Use a grant; give the one to use the next time.

        :raises GrantVoid: the provider says that it is worth nothing any more.
        :raises SignInFailed: it was not reached, or answers something else.
        """


@dataclass(frozen=True)
class Grants:
    """What a provider gave of everybody who has signed in by it."""

    ports: Ports
    provider: Renewer
    secret: str = field(repr=False)

    def keep(self, tx: Tx, person: Person, grant: str) -> None:
        """Keep what came with a sign-in; where nothing did, what there was before is kept unless it is void."""
        if grant or self.ports.marks.get(tx, _key(person)) == _VOID:
            self.ports.marks.put(tx, _key(person), self._sealed(grant))

    async def belongs(self, person: Person) -> Person | Missing | None:
        """Tell whether the provider knows somebody still; None when that is not known now.

        One process at a time asks about a person, and no sooner again than after `ASKED_EVERY`: a grant may be good for
        one use only.
        """
        ports = self.ports
        kept = await ports.store.read(lambda tx: ports.marks.get(tx, _key(person)))
        if kept == _VOID:
            return _LEFT
        grant = self._opened(kept or "")
        if not grant or not await self._is_turn(person):
            return None
        try:
            renewed = self._sealed(await self.provider.renew(grant))
        except GrantVoid:
            renewed = _VOID
        except SignInFailed as failure:
            log.warning("provider not asked again", person=person.id, error=failure.code[:60], detail=failure.detail)
            return None
        # Who has signed in meanwhile has a newer one.
        if not await ports.store.write(lambda tx: ports.marks.swap(tx, _key(person), kept, renewed)):
            return None
        return _LEFT if renewed == _VOID else person

    async def _is_turn(self, person: Person) -> bool:
        now, me, ports = self.ports.clock.now(), token_urlsafe(12), self.ports
        until = now + ASKED_EVERY
        return await ports.store.write(lambda tx: ports.journal.hold(tx, _key(person), me, now, until)) == me

    def _sealed(self, grant: str) -> str:
        return self._fernet.encrypt(grant.encode()).decode() if grant else ""

    def _opened(self, kept: str) -> str:
        """Give a grant that was kept; "" where there is none, or it was kept under another secret."""
        try:
            return self._fernet.decrypt(kept.encode()).decode() if kept else ""
        except InvalidToken:
            return ""

    @property
    def _fernet(self) -> Fernet:
        derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(self.secret.encode())
        return Fernet(base64.urlsafe_b64encode(derived))


def _key(person: Person) -> str:
    return f"grant {person.id}"
