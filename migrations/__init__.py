"""The schema, up and down, for SQLite and Postgres."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from bot.adapters.sql.engines import unusable, writing
from bot.domain.errors import StoreUnusable


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema up to a revision.

    :raises StoreUnusable: the database cannot be reached or changed.
    """
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Bring the schema down to a revision; `base` removes it, with all it holds.

    :raises StoreUnusable: the database cannot be reached or changed.
    """
    _run(url, lambda config: command.downgrade(config, revision))


def check(url: str) -> None:
    """Compare the schema with the tables in the code.

    :raises alembic.util.CommandError: they differ, or the schema is not at the newest revision.
    """
    _run(url, command.check)


def current(url: str) -> str:
    """Give the revision the schema is at, or "" when there is none yet.

    :raises StoreUnusable: the database cannot be reached.
    """
    found: list[str | None] = []

    def look(config: Config) -> None:
        found.append(MigrationContext.configure(config.attributes["connection"]).get_current_revision())

    _run(url, look)
    return found[0] or ""


def _run(url: str, act: Callable[[Config], None]) -> None:
    config = Config()
    config.set_main_option("script_location", "migrations:")
    config.set_main_option("path_separator", "os")
    engine = writing(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            act(config)
    except DBAPIError as error:
        raise StoreUnusable(unusable(error)) from error
    finally:
        engine.dispose()
