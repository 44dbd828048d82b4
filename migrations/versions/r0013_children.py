"""Find the runs that a run has begun without looking at all runs of its incident, or at all that belong to none."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_run_parent_id_incident_id", "run", ["parent_id", "incident_id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_run_parent_id_incident_id", "run")
