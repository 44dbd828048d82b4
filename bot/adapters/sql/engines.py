"""From DATABASE_URL to engines whose connections are set up for their work."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.domain.errors import StoreUnusable

READERS = 4
_BUSY_S = 5.0
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}
# A database that vanished without a word is noticed within about 10 s, not after the kernel's two hours.
POSTGRES_ARGS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_IDLE = "-c idle_in_transaction_session_timeout=3000"


def address(url: str) -> URL:
    """Read DATABASE_URL; make the folder that a SQLite file shall lie in.

    :raises StoreUnusable: it is no URL, names another kind of database, or the folder cannot be made.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnusable("DATABASE_URL is not a URL. Write sqlite:///path or postgresql://user@host/name.") from None
    if parsed.drivername in _POSTGRES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise StoreUnusable(f"DATABASE_URL: {parsed.drivername} is not supported. Use sqlite:///path or postgresql://.")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreUnusable("DATABASE_URL: SQLite needs a file, as in sqlite:///data/firstfive.sqlite.")
    try:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(
            f"DATABASE_URL: the folder of {parsed.database} cannot be made: {error.strerror}."
        ) from None
    return parsed


def conninfo(url: str) -> str:
    """Give what libpq needs to connect to the Postgres of DATABASE_URL."""
    return address(url).set(drivername="postgresql").render_as_string(hide_password=False)


def writing(url: str) -> Engine:
    """Give the engine of the one writer (and of migrations)."""
    where = address(url)
    if where.drivername.startswith("postgresql"):
        return create_engine(where, pool_size=1, max_overflow=1, connect_args=POSTGRES_ARGS | _writer_args(where))
    engine = create_engine(where, pool_size=1, connect_args=_sqlite_args(where))
    _prepare_sqlite(engine, "BEGIN IMMEDIATE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
    return engine


def reading(url: str) -> Engine:
    """Give the engine of the readers: each transaction one consistent view, none may write."""
    where = address(url)
    if where.drivername.startswith("postgresql"):
        engine = create_engine(where, pool_size=READERS, connect_args=POSTGRES_ARGS)
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    engine = create_engine(where, pool_size=READERS, connect_args=_sqlite_args(where))
    _prepare_sqlite(engine, "BEGIN", "PRAGMA query_only = ON")
    return engine


def _writer_args(where: URL) -> dict[str, str]:
    """End the transaction of a process that was stopped in the middle of one: the others wait for its locks."""
    given = where.query.get("options", "")
    return {"options": f"{given if isinstance(given, str) else ' '.join(given)} {_IDLE}".strip()}


def _sqlite_args(where: URL) -> dict[str, float]:
    """Wait a while for another process's lock, unless the URL says how long (`?timeout=0.5`)."""
    return {} if "timeout" in where.query else {"timeout": _BUSY_S}


def _prepare_sqlite(engine: Engine, begin: str, *pragmas: str) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # Left to itself, sqlite3 begins transactions late and as readers, which then cannot always become writers.
        connection.isolation_level = None
        for pragma in ("PRAGMA foreign_keys = ON", *pragmas):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def has_revision(url: str, revision: str) -> bool:
    """Tell whether the schema is at a revision, without the weight of what could bring it there."""
    engine = reading(url)
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == revision)
    except DBAPIError:
        return False
    finally:
        engine.dispose()
