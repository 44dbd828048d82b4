"""The database's schema, brought to what this release needs."""

from bot.adapters.sql.engines import address, revision_of
from bot.adapters.sql.tables import REVISION
from bot.settings import Settings


def ensure_schema(settings: Settings) -> None:
    """Bring the schema of a SQLite database up to this release; a Postgres is migrated by `firstfive migrate`.

    :raises StoreUnusable: the database cannot be reached or changed.
    """
    is_sqlite = address(settings.database_url).drivername.startswith("sqlite")
    if is_sqlite and revision_of(settings.database_url) != REVISION:
        migrate(settings)


def migrate(settings: Settings, down_to: str = "") -> str:
    """Bring the schema up to this release, or down to a revision; say where it is then.

    :raises StoreUnusable: the database cannot be reached or changed.
    """
    import migrations  # noqa: PLC0415 - alembic weighs a quarter of a second, and most starts need none

    if down_to:
        migrations.downgrade(settings.database_url, down_to)
    else:
        migrations.upgrade(settings.database_url)
    return f"The schema is at {migrations.current(settings.database_url) or 'nothing'}."
