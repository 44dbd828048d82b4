"""Who has signed in, and the tokens of scripts, in SQL."""

from datetime import datetime

from sqlalchemy import RowMapping, delete, insert, select, update

from bot.adapters.sql.tables import api_token, session
from bot.adapters.sql.tx import moment, opened
from bot.domain.sign_in import Scope, Session, Token
from bot.domain.timeline import Person, from_us, storable, to_us
from bot.ports import Tx


class SqlSessions:
    """The Sessions port."""

    def keep(self, tx: Tx, kept: Session) -> None:
        """Keep a session; those that have ended by then are forgotten."""
        connection = opened(tx).connection
        connection.execute(delete(session).where(session.c.ends_at_us <= to_us(kept.made_at)))
        row = {
            "digest": kept.digest,
            "person": kept.person.id,
            "person_name": storable(kept.person.name),
            "team": kept.team,
            "made_at_us": to_us(kept.made_at),
            "ends_at_us": to_us(kept.ends_at),
        }
        connection.execute(insert(session).values(row))

    def get(self, tx: Tx, digest: str) -> Session | None:
        """Give a session, ended or not."""
        found = opened(tx).connection.execute(select(session).where(session.c.digest == digest)).mappings().first()
        if found is None:
            return None
        return Session(
            digest=digest,
            person=Person(found["person"], found["person_name"]),
            team=found["team"],
            made_at=from_us(found["made_at_us"]),
            ends_at=from_us(found["ends_at_us"]),
        )

    def end(self, tx: Tx, digest: str) -> bool:
        """Forget a session; tell whether there was one."""
        return bool(opened(tx).connection.execute(delete(session).where(session.c.digest == digest)).rowcount)

    def end_all(self, tx: Tx, person: Person, until: datetime) -> None:
        """Forget every session of somebody that was made until then."""
        theirs = (session.c.person == person.id, session.c.made_at_us <= to_us(until))
        opened(tx).connection.execute(delete(session).where(*theirs))

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        """Forget sessions that ended before then, no more than `limit`; tell how many went."""
        over = select(session.c.digest).where(session.c.ends_at_us < to_us(before)).limit(limit)
        found = list(opened(tx).connection.scalars(over))
        return opened(tx).connection.execute(delete(session).where(session.c.digest.in_(found))).rowcount


class SqlTokens:
    """The Tokens port."""

    def keep(self, tx: Tx, token: Token) -> None:
        """Keep a new token."""
        row = {
            "id": token.id,
            "digest": token.digest,
            "name": storable(token.name),
            "scope": token.scope.value,
            "owner": token.owner.id,
            "owner_name": storable(token.owner.name),
            "team": token.team,
            "made_at_us": to_us(token.made_at),
            "ends_at_us": to_us(token.ends_at),
        }
        opened(tx).connection.execute(insert(api_token).values(row))

    def find(self, tx: Tx, digest: str) -> Token | None:
        """Give a token, whether it still counts or not."""
        wanted = select(api_token).where(api_token.c.digest == digest)
        row = opened(tx).connection.execute(wanted).mappings().first()
        return _token(row) if row else None

    def of(self, tx: Tx, owner: Person) -> list[Token]:
        """Give the tokens that somebody has made and not revoked, the latest first."""
        theirs = (api_token.c.owner == owner.id, api_token.c.revoked_at_us.is_(None))
        wanted = select(api_token).where(*theirs).order_by(api_token.c.made_at_us.desc(), api_token.c.id)
        return [_token(row) for row in opened(tx).connection.execute(wanted).mappings()]

    def use(self, tx: Tx, token_id: str, at: datetime) -> None:
        """Note that a token was shown."""
        used = update(api_token).where(api_token.c.id == token_id).values(used_at_us=to_us(at))
        opened(tx).connection.execute(used)

    def revoke(self, tx: Tx, token_id: str, owner: Person, at: datetime) -> Token | None:
        """Have a token of somebody's count no more; give it, None where they have none like that."""
        theirs = next((each for each in self.of(tx, owner) if each.id == token_id), None)
        if theirs is not None:
            revoked = update(api_token).where(api_token.c.id == token_id).values(revoked_at_us=to_us(at))
            opened(tx).connection.execute(revoked)
        return theirs

    def prune(self, tx: Tx, before: datetime, limit: int) -> int:
        """Forget tokens that count no more since before then, no more than `limit`; tell how many went."""
        is_over = (api_token.c.ends_at_us < to_us(before)) | (api_token.c.revoked_at_us < to_us(before))
        found = list(opened(tx).connection.scalars(select(api_token.c.id).where(is_over).limit(limit)))
        return opened(tx).connection.execute(delete(api_token).where(api_token.c.id.in_(found))).rowcount


def _token(row: RowMapping) -> Token:
    return Token(
        id=row["id"],
        digest=row["digest"],
        name=row["name"],
        scope=Scope(row["scope"]),
        owner=Person(row["owner"], row["owner_name"]),
        team=row["team"],
        made_at=from_us(row["made_at_us"]),
        ends_at=from_us(row["ends_at_us"]),
        used_at=moment(row["used_at_us"]),
        revoked_at=moment(row["revoked_at_us"]),
    )
