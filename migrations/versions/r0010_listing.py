"""Let the list of incidents say what searches and measures need, and find what of all entries an audit log shows."""

from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from alembic import op

from bot.adapters.sql.listing import LISTED, row_of
from bot.adapters.sql.tables import entry, incident
from bot.domain.incident import fold
from bot.domain.timeline import HOUSE, Entry

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TIMES = ("started_at_us", "detected_at_us", "acknowledged_at_us", "located_at_us", "mitigated_at_us", "resolved_at_us")
_TEXTS = ("verdict", "cancelled", "merged_into", "people", "words")
_PRIVATE = sa.text("private = 1")
_AUDITED = sa.text(
    "kind IN ('approval asked', 'approval decided', 'approval tried', 'broke glass', 'standing set', 'frozen', "
    "'thawed', 'traffic set', 'acted', 'role set', 'made private', 'blanked', 'signed in', 'signed out', 'token made', "
    "'token revoked')"
)


def upgrade() -> None:
    """Add the columns, filled with what the timelines say, and the indexes."""
    with op.batch_alter_table("incident") as batch:
        for name in _TIMES:
            batch.add_column(sa.Column(name, sa.BigInteger))
        for name in _TEXTS:
            batch.add_column(sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index("ix_incident_private", "incident", ["number"], sqlite_where=_PRIVATE, postgresql_where=_PRIVATE)
    columns = ["at_us", "incident_id", "seq", "kind"]
    op.create_index("ix_entry_audited", "entry", columns, sqlite_where=_AUDITED, postgresql_where=_AUDITED)
    connection = op.get_bind()
    for entries in _chains(connection):
        told = row_of(fold(entries))
        added = {name: told[name] for name in (*_TIMES, *_TEXTS)}
        connection.execute(sa.update(incident).where(incident.c.id == told["id"]).values(added))


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_entry_audited", "entry")
    op.drop_index("ix_incident_private", "incident")
    with op.batch_alter_table("incident") as batch:
        for name in (*_TIMES, *_TEXTS):
            batch.drop_column(name)


def _chains(connection: sa.Connection) -> Iterator[list[Entry]]:
    """Give of every incident the entries that its row comes from."""
    told = sa.select(entry).where(entry.c.kind.in_(LISTED), entry.c.incident_id != HOUSE)
    rows = connection.execute(told.order_by(entry.c.incident_id, entry.c.seq)).yield_per(500)
    for _, chain in groupby((Entry(*row) for row in rows), key=lambda each: each.incident_id):
        yield list(chain)
