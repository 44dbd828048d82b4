"""Say in the list which incidents are drills, and find how drills ended."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ENDED = sa.text("kind = 'drill ended'")


def upgrade() -> None:
    """Add the column, which says of none that it is one, and the index."""
    with op.batch_alter_table("incident") as batch:
        batch.add_column(sa.Column("drill", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_entry_drills", "entry", ["at_us"], sqlite_where=_ENDED, postgresql_where=_ENDED)


def downgrade() -> None:
    """Remove both."""
    op.drop_index("ix_entry_drills", "entry")
    with op.batch_alter_table("incident") as batch:
        batch.drop_column("drill")
