"""The first schema: timelines that only grow, the incident list, the journal, and what Slack shows."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEPT = (
    "incident_id",
    "seq",
    "at_us",
    "kind",
    "actor",
    "actor_name",
    "run_id",
    "step",
    "body_sha256",
    "prev",
    "hash",
)
_REFUSED = "the timeline is append-only"


def upgrade() -> None:
    """Make the tables and the guards of the timeline."""
    _create_timeline()
    _create_run()
    _create_told()
    _create_shown()
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_postgres()
    else:
        _guard_on_sqlite()


def downgrade() -> None:
    """Remove everything."""
    for table in ("surface", "hold", "reply", "signal", "memo", "run", "incident", "entry"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION entry_guard()")


def _create_timeline() -> None:
    op.create_table(
        "entry",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "seq", name="pk_entry"),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("opened_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
        sa.UniqueConstraint("number", name="uq_incident_number"),
    )
    op.create_index("ix_incident_channel", "incident", ["channel"])


def _create_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("wake_at_us", sa.BigInteger()),
        sa.Column("started_at_us", sa.BigInteger()),
        sa.Column("ended_at_us", sa.BigInteger()),
        sa.Column("result", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("slot", name="uq_run_slot"),
    )
    op.create_index("ix_run_status_wake_at_us", "run", ["status", "wake_at_us"])
    op.create_index("ix_run_incident_id_playbook", "run", ["incident_id", "playbook"])


def _create_told() -> None:
    op.create_table(
        "memo",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_memo"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_memo_run_id_run"),
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signal"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_signal_run_id_run"),
    )
    op.create_index("ix_signal_run_id_topic", "signal", ["run_id", "topic"])
    op.create_table(
        "hold",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hold"),
    )


def _create_shown() -> None:
    op.create_table(
        "reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("person_name", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("queued_at_us", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reply"),
        sa.UniqueConstraint("key", name="uq_reply_key"),
    )
    op.create_index("ix_reply_outcome", "reply", ["outcome"])
    op.create_table(
        "surface",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "key", name="pk_surface"),
    )


def _guard_on_sqlite() -> None:
    blanks = " AND ".join(["NEW.body IS NULL", *(f"NEW.{name} IS OLD.{name}" for name in _KEPT)])
    exists = "EXISTS (SELECT 1 FROM entry WHERE incident_id = NEW.incident_id AND seq = NEW.seq)"
    for name, when in (
        ("entry_keeps_rows", "BEFORE DELETE ON entry"),
        ("entry_keeps_words", f"BEFORE UPDATE ON entry WHEN NOT ({blanks})"),
        # INSERT OR REPLACE deletes without a word to the DELETE trigger.
        ("entry_keeps_places", f"BEFORE INSERT ON entry WHEN {exists}"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END")


def _guard_on_postgres() -> None:
    blanks = " AND ".join(["NEW.body IS NULL", *(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _KEPT)])
    op.execute(
        f"""CREATE FUNCTION entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {blanks} THEN RETURN NEW; END IF;
            END IF;
            RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'restrict_violation';
        END $$"""
    )
    op.execute(
        "CREATE TRIGGER entry_keeps_rows BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION entry_guard()"
    )
    op.execute(
        "CREATE TRIGGER entry_keeps_all BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION entry_guard()"
    )
