"""The queue of runs on Postgres: Procrastinate's own tables and functions, by its own schema."""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The newest of Procrastinate's own migrations that its schema held when this was written. A Procrastinate that brings
# another needs a revision of ours that runs it.
PROCRASTINATE_AT = "03.04.00_50_post_add_retry_failed_job_procedure.sql"

_IS_THERE = text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
_TABLES = ("events", "periodic_defers", "jobs", "workers")
_FUNCTIONS = text(
    "SELECT p.oid::regprocedure::text FROM pg_proc p"
    " WHERE starts_with(p.proname, 'procrastinate_') AND p.pronamespace = current_schema()::regnamespace"
)
_TYPES = ("job_to_defer_v1", "job_event_type", "job_status")


def upgrade() -> None:
    """Make the queue, unless somebody has made it by hand already."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql" and not bind.scalar(_IS_THERE):
        # Without parameters the driver takes many statements at once, and leaves % alone.
        bind.execution_options(no_parameters=True).exec_driver_sql(SchemaManager.get_schema())


def downgrade() -> None:
    """Remove the queue; the runs themselves are in the journal."""
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    for table in _TABLES:
        op.execute(f"DROP TABLE procrastinate_{table} CASCADE")
    for function in bind.scalars(_FUNCTIONS).all():
        op.execute(f"DROP FUNCTION {function}")
    for kind in _TYPES:
        op.execute(f"DROP TYPE procrastinate_{kind}")
