"""Find quickly what retention deletes, and the few entries about action items among all entries."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ABOUT = sa.text("kind = 'action'")


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_run_incident_id_ended_at_us", "run", ["incident_id", "ended_at_us"])
    columns = ["incident_id", "seq"]
    op.create_index("ix_entry_actions", "entry", columns, sqlite_where=_ABOUT, postgresql_where=_ABOUT)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_entry_actions", "entry")
    op.drop_index("ix_run_incident_id_ended_at_us", "run")
