"""Keep who has signed in, and the tokens of scripts."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "session",
        sa.Column("digest", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("person", "person_name", "team")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("made_at_us", "ends_at_us")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "scope", "owner", "owner_name", "team")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("made_at_us", "ends_at_us")),
        *(sa.Column(name, sa.BigInteger) for name in ("used_at_us", "revoked_at_us")),
        sa.UniqueConstraint("digest", name="uq_api_token_digest"),
    )
    op.create_index("ix_api_token_owner", "api_token", ["owner"])


def downgrade() -> None:
    """Remove them: everybody signs in anew, and scripts need new tokens."""
    op.drop_index("ix_api_token_owner", "api_token")
    op.drop_table("api_token")
    op.drop_table("session")
