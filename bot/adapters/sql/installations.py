"""What each workspace gave when it installed the app, in SQL; the tokens are encrypted.

The key is derived from the app's client secret (HKDF, SHA-256), which is in the environment and not in the database: a
copy of the database alone is worth no token. Each is sealed together with its workspace, so that no row's token can be
put into another's. With another secret than before they cannot be read, and the workspaces must install the app again.
"""

import base64
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select, update

from bot.adapters.sql.tables import installation
from bot.adapters.sql.tx import execute, moment, on_both, opened, us
from bot.domain.timeline import from_us, storable, to_us
from bot.ports import Installation, Tx

TOPIC = "installations"
_PURPOSE = b"firstfive: tokens of workspaces"
_GIVEN = ("team_name", "bot_user", "bot_id", "token", "scopes", "installed_by", "installed_at_us", "revoked_at_us")
_KEEP = on_both(
    installation,
    lambda row: row.on_conflict_do_update(
        index_elements=["team_id"], set_={name: row.excluded[name] for name in _GIVEN}
    ),
)


class SqlInstallations:
    """The Installations port."""

    def __init__(self, client_secret: str) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(client_secret.encode())
        self._seal = Fernet(base64.urlsafe_b64encode(derived))

    def all(self, tx: Tx) -> list[Installation]:
        """Give every installation there has been, by workspace; without a token where it cannot be read."""
        rows = opened(tx).connection.execute(select(installation).order_by(installation.c.team_id)).mappings()
        return [
            Installation(
                team=row["team_id"],
                team_name=row["team_name"],
                bot_user=row["bot_user"],
                bot_id=row["bot_id"],
                token=self._opened(row["team_id"], row["token"]),
                scopes=tuple(row["scopes"].split(",")),
                installed_by=row["installed_by"],
                installed_at=from_us(row["installed_at_us"]),
                revoked_at=moment(row["revoked_at_us"]),
            )
            for row in rows
        ]

    def keep(self, tx: Tx, given: Installation) -> None:
        """Keep what a workspace gave, over what it gave before."""
        sealed = self._seal.encrypt(f"{given.team} {given.token}".encode()).decode()
        row = {
            "team_id": given.team,
            "team_name": storable(given.team_name),
            "bot_user": given.bot_user,
            "bot_id": given.bot_id,
            "token": sealed,
            "scopes": ",".join(given.scopes),
            "installed_by": given.installed_by,
            "installed_at_us": to_us(given.installed_at),
            "revoked_at_us": us(given.revoked_at),
        }
        sql = opened(tx)
        execute(sql, _KEEP, row)
        sql.topics.add(TOPIC)

    def revoke(self, tx: Tx, team: str, at: datetime) -> bool:
        """Mark an installation revoked and forget its token, unless it is newer than that; tell whether it was done."""
        sql = opened(tx)
        columns = installation.c
        wanted = (columns.team_id == team, columns.installed_at_us <= to_us(at), columns.revoked_at_us.is_(None))
        done = sql.connection.execute(update(installation).where(*wanted).values(revoked_at_us=to_us(at), token=""))
        if done.rowcount:
            sql.topics.add(TOPIC)
        return bool(done.rowcount)

    def _opened(self, team: str, sealed: str) -> str:
        try:
            owner, _, token = self._seal.decrypt(sealed.encode()).decode().partition(" ")
        except InvalidToken:
            return ""
        return token if owner == team else ""
