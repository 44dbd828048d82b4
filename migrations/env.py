"""What alembic runs: migrations on the connection that `migrations.upgrade` and its siblings hand over."""

from alembic import context
from sqlalchemy import Connection, text

from bot.adapters.sql.tables import metadata

connection: Connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # Two replicas may start at once; the second waits here and then finds nothing to do.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('firstfive migrations', 0))"))
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    compare_type=True,
    include_name=lambda name, kind, _: kind != "table" or not str(name).startswith("procrastinate_"),
)
context.run_migrations()
