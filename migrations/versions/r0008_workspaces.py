"""Say in the list which workspace an incident belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; "" is the workspace that everything belonged to until now."""
    with op.batch_alter_table("incident") as batch:
        batch.add_column(sa.Column("team", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("incident") as batch:
        batch.drop_column("team")
