"""Know which incident names which artifact."""

from collections.abc import Iterator
from itertools import islice

import sqlalchemy as sa
from alembic import op

from bot.domain.exhibits import artifacts_in

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_OF_RUNS = "FROM run JOIN incident ON incident.id = run.incident_id"
_TOLD = (
    "SELECT entry.incident_id, body FROM entry JOIN incident ON incident.id = entry.incident_id WHERE body IS NOT NULL",
    f"SELECT run.incident_id, result {_OF_RUNS} WHERE result IS NOT NULL",
    f"SELECT run.incident_id, memo.value {_OF_RUNS} JOIN memo ON memo.run_id = run.id",
)


def upgrade() -> None:
    """Add the table, filled with what the entries and the runs of incidents name."""
    table = op.create_table(
        "naming",
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("incident_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sha256", "incident_id", name="pk_naming"),
    )
    named = set[tuple[str, str]]()
    for incident_id, told in _told(op.get_bind()):
        named.update((sha256, incident_id) for sha256 in artifacts_in(told))
    rows = iter(sorted(named))
    while some := [{"sha256": sha256, "incident_id": incident_id} for sha256, incident_id in islice(rows, _AT_ONCE)]:
        op.bulk_insert(table, some)


def downgrade() -> None:
    """Remove it."""
    op.drop_table("naming")


def _told(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    for statement in _TOLD:
        for row in connection.execute(sa.text(statement), execution_options={"yield_per": 500}):
            yield row[0], row[1]
