"""Who has signed in, and the tokens of scripts, in memory."""

from dataclasses import replace
from datetime import datetime

from bot.domain.sign_in import Session, Token
from bot.domain.timeline import Person
from bot.ports import Tx
from tests.fakes.keeping import FakeTx


def _sessions(tx: Tx) -> dict[str, Session]:
    assert isinstance(tx, FakeTx)
    return tx.sessions


def _tokens(tx: Tx) -> dict[str, Token]:
    assert isinstance(tx, FakeTx)
    return tx.tokens


class FakeSessions:
    def keep(self, tx: Tx, session: Session) -> None:
        for digest in [each.digest for each in _sessions(tx).values() if each.ends_at <= session.made_at]:
            self.end(tx, digest)
        _sessions(tx)[session.digest] = session

    def get(self, tx: Tx, digest: str) -> Session | None:
        return _sessions(tx).get(digest)

    def end(self, tx: Tx, digest: str) -> bool:
        return _sessions(tx).pop(digest, None) is not None

    def end_all(self, tx: Tx, person: Person, until: datetime) -> None:
        theirs = [each for each in _sessions(tx).values() if each.person.id == person.id]
        for digest in [each.digest for each in theirs if each.made_at <= until]:
            self.end(tx, digest)

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        over = [each.digest for each in _sessions(tx).values() if each.ends_at < before][:limit]
        return sum(self.end(tx, digest) for digest in over)


class FakeTokens:
    def keep(self, tx: Tx, token: Token) -> None:
        _tokens(tx)[token.id] = token

    def find(self, tx: Tx, digest: str) -> Token | None:
        return next((each for each in _tokens(tx).values() if each.digest == digest), None)

    def of(self, tx: Tx, owner: Person) -> list[Token]:
        theirs = [each for each in _tokens(tx).values() if each.owner.id == owner.id and each.revoked_at is None]
        return sorted(theirs, key=lambda each: each.made_at, reverse=True)

    def use(self, tx: Tx, token_id: str, at: datetime) -> None:
        _tokens(tx)[token_id] = replace(_tokens(tx)[token_id], used_at=at)

    def revoke(self, tx: Tx, token_id: str, owner: Person, at: datetime) -> Token | None:
        theirs = next((each for each in self.of(tx, owner) if each.id == token_id), None)
        if theirs is not None:
            self.keep(tx, replace(theirs, revoked_at=at))
        return theirs

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        ends = {each.id: min(each.ends_at, each.revoked_at or each.ends_at) for each in _tokens(tx).values()}
        over = [token_id for token_id, ended_at in ends.items() if ended_at < before][:limit]
        for token_id in over:
            del _tokens(tx)[token_id]
        return len(over)
