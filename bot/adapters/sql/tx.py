"""What is inside a transaction, and what the ports over the database share."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, CursorResult, Executable, Table, text
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from bot.domain.timeline import from_us, to_us
from bot.ports import Tx

T = TypeVar("T")

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@dataclass
class SqlTx:
    """One act's view of an open transaction, and the topics to ring once it is committed."""

    connection: Connection
    topics: set[str] = field(default_factory=set)


def opened(tx: Tx) -> SqlTx:
    """Look inside a transaction that our own store made."""
    if not isinstance(tx, SqlTx):
        raise TypeError(f"{tx!r} is not a transaction of this store")
    return tx


def lock(tx: SqlTx, name: str) -> None:
    """Let no other process past this point for this name until we commit; SQLite has one writer anyway."""
    if tx.connection.dialect.name == "postgresql":
        tx.connection.execute(_LOCK, {"name": name})


def on_both(table: Table, build: Callable[[Any], Executable]) -> Mapping[str, Executable]:
    """Build an insert with ON CONFLICT for both dialects, once: building takes longer than running it."""
    return {"postgresql": build(postgres_insert(table)), "sqlite": build(sqlite_insert(table))}


def execute(tx: SqlTx, statements: Mapping[str, Executable], row: Mapping[str, Any]) -> CursorResult[Any]:
    """Run the statement of our dialect."""
    return tx.connection.execute(statements[tx.connection.dialect.name], row)


def pack(adapter: TypeAdapter[T], value: T) -> str:
    """Write a value as ASCII JSON text."""
    return json.dumps(adapter.dump_python(value, mode="json"), separators=(",", ":"))


def unpack(adapter: TypeAdapter[T], packed: Any) -> T:
    """Read a value back from its JSON text."""
    return adapter.validate_python(json.loads(packed))


def us(at: datetime | None) -> int | None:
    """Give the microseconds of a time that may not have come yet."""
    return None if at is None else to_us(at)


def moment(at_us: int | None) -> datetime | None:
    """Give the time of microseconds that may not be there."""
    return None if at_us is None else from_us(at_us)
