"""From DATABASE_URL to engines whose connections are set up for their work."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.domain.errors import StoreUnusable

READERS = 4
# Twice this (another group's try, and one's own) is less than a command waits: it is told what is wrong.
_BUSY_S = 1.0
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}
# A database that vanished without a word is noticed within about 10 s, not after the kernel's two hours.
POSTGRES_ARGS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
NO_SUCH_TABLE = "42P01"
# What SQLite says, and what it means.
_HINTS = {
    "unable to open database file": "Its file and its folder must be there, and be writable.",
    "readonly database": "Its file and its folder must be writable.",
    "disk I/O error": "Its disk does not take writes; see the system's log.",
    "is full": "Make room on its disk.",
    "is locked": "Another program holds it for longer than a second.",
    "not a database": "The file is damaged or another program's: put a backup in its place.",
    "malformed": "The file is damaged: put a backup in its place.",
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


def revision_of(url: str) -> str:
    """Give the revision the schema is at, "" without one; without the weight of what could bring it further.

    :raises StoreUnusable: the database cannot be read.
    """
    engine = reading(url)
    try:
        with engine.connect() as connection:
            return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
    except DBAPIError as error:
        if _has_no_tables(error):
            return ""
        raise StoreUnusable(unusable(error)) from error
    finally:
        engine.dispose()


def unusable(error: DBAPIError) -> str:
    """Say in a line what is wrong with the database, and what would help where its own words do not tell."""
    if _has_no_tables(error):
        return "FirstFive's database has no tables yet: run `firstfive migrate`."
    said = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0].rstrip(".")
    hint = next((f" {hint}" for words, hint in _HINTS.items() if words in said), "")
    return f"FirstFive's own database cannot be used: {said}.{hint}"


def sqlstate(error: DBAPIError) -> str:
    """Give Postgres's code of an error, or ""."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def _has_no_tables(error: DBAPIError) -> bool:
    return "no such table" in str(error.orig) or sqlstate(error) == NO_SUCH_TABLE
