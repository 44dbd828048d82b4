"""Find the open incidents, the latest first, among all there ever were."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPEN = sa.text("status IN ('open', 'mitigated')")


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_incident_open", "incident", ["number"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_incident_open", "incident")
