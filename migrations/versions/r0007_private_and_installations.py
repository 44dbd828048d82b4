"""Tell private incidents in the list; keep what each workspace gave when it installed the app."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXTS = ("team_name", "bot_user", "bot_id", "token", "scopes", "installed_by")


def upgrade() -> None:
    """Add the column and the table."""
    with op.batch_alter_table("incident") as batch:
        batch.add_column(sa.Column("private", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "installation",
        sa.Column("team_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("installed_at_us", sa.BigInteger, nullable=False),
        sa.Column("revoked_at_us", sa.BigInteger),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("installation")
    with op.batch_alter_table("incident") as batch:
        batch.drop_column("private")
