"""Who has signed in, and the tokens of scripts: kept by their digests, so that a copy of the database opens nothing."""

from datetime import datetime
from typing import Protocol

from bot.domain.sign_in import Session, Token
from bot.domain.timeline import Person
from bot.ports.keeping import Tx


class Sessions(Protocol):
    """The browsers that somebody has signed in with."""

    def keep(self, tx: Tx, session: Session) -> None:
        """Keep a session; those that have ended by then are forgotten."""

    def get(self, tx: Tx, digest: str) -> Session | None:
        """Give a session, ended or not."""

    def end(self, tx: Tx, digest: str) -> bool:
        """Forget a session; tell whether there was one."""

    def end_all(self, tx: Tx, person: Person, until: datetime) -> None:
        """Forget every session of somebody that was made until then."""

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        """Forget sessions that ended before then, no more than `limit`; tell how many went."""


class Tokens(Protocol):
    """The tokens of scripts."""

    def keep(self, tx: Tx, token: Token) -> None:
        """Keep a new token."""

    def find(self, tx: Tx, digest: str) -> Token | None:
        """Give a token, whether it still counts or not."""

    def of(self, tx: Tx, owner: Person) -> list[Token]:
        """Give the tokens that somebody has made and not revoked, the latest first."""

    def use(self, tx: Tx, token_id: str, at: datetime) -> None:
        """Note that a token was shown."""

    def revoke(self, tx: Tx, token_id: str, owner: Person, at: datetime) -> Token | None:
        """Have a token of somebody's count no more; give it, None where they have none like that."""

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        """Forget tokens that count no more since before then, no more than `limit`; tell how many went."""
