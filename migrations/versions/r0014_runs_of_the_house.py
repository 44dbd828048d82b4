"""Find what a run that belongs to no incident has put on the house's timeline."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OF_HOUSE = sa.text("incident_id = 'house'")


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_entry_house", "entry", ["run_id", "seq"], sqlite_where=_OF_HOUSE, postgresql_where=_OF_HOUSE)


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_entry_house", "entry")
