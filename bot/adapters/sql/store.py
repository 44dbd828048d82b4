"""The store: writes go through one thread in groups, reads through a few of their own."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from sqlalchemy import Connection, Engine, delete, insert, text
from sqlalchemy.exc import DBAPIError

from bot.adapters.sql.engines import READERS, reading, unusable, writing
from bot.adapters.sql.tables import REVISION, hold
from bot.adapters.sql.tx import SqlTx, opened
from bot.adapters.sql.writer import Writer
from bot.domain.errors import StoreUnusable
from bot.ports import Tx

T = TypeVar("T")

_PING_S = 2.0
_REVISION = text("SELECT version_num FROM alembic_version")


class SqlStore:
    """The database behind DATABASE_URL, SQLite or Postgres; usable from any event loop."""

    def __init__(
        self,
        url: str,
        on_commit: Callable[[frozenset[str]], None] = lambda _: None,
        before_commit: Callable[[Connection, frozenset[str]], None] = lambda *_: None,
        written: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`written` is told how many seconds each act took to be durable, its wait for the writer included."""
        self._written = written
        self._writing = writing(url)
        self._reading = reading(url)
        self._writer = Writer(self._writing, on_commit, before_commit)
        self._fitted = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sql-reader")

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """What it writes and reads with."""
        return self._writing, self._reading

    @property
    def commits(self) -> int:
        """How many transactions were committed; fewer than acts when they shared."""
        return self._writer.commits

    async def write(self, act: Callable[[Tx], T]) -> T:
        """Run `act` in a transaction and return once it is durable.

        :raises StoreUnusable: the database did not take it.
        """
        began = time.perf_counter()
        value: T = await self._writer.submit(act)
        self._written(time.perf_counter() - began)
        return value

    async def read(self, act: Callable[[Tx], T]) -> T:
        """Run `act` on one consistent view.

        :raises StoreUnusable: the database did not answer.
        """
        within = copy_context()  # what is read for a span is a part of it, also in another thread
        return await asyncio.get_running_loop().run_in_executor(self._readers, within.run, self._read, act)

    async def ping(self) -> None:
        """Return if database and schema can be used.

        :raises StoreUnusable: they cannot; says why.
        """
        try:
            async with asyncio.timeout(_PING_S):
                await self.write(self._touch)
        except TimeoutError:
            raise StoreUnusable(f"FirstFive's own database has not answered within {_PING_S:.0f} s.") from None

    def abandon(self) -> None:
        """Let go of a database that does not answer, and wait for nothing of it."""
        self._writer.close(wait=False)
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def close(self) -> None:
        """Write what is queued and let go of the database."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._readers.shutdown)
        self._writing.dispose()
        self._reading.dispose()

    def _touch(self, tx: Tx) -> None:
        """Look at the schema; really write only if the last write failed, to find out whether the next one will."""
        sql = opened(tx)
        found = sql.connection.scalar(_REVISION)
        # What a later release has added since we began does not harm us.
        self._fitted = self._fitted or found == REVISION
        if not self._fitted:
            raise StoreUnusable(
                f"FirstFive's database is at revision {found or 'none'}, this release needs {REVISION}: "
                f"run `firstfive migrate`."
            )
        if self._writer.ailment:
            sql.connection.execute(delete(hold).where(hold.c.key == "ping"))
            sql.connection.execute(insert(hold).values(key="ping", holder="ping", until_us=0))

    def _read(self, act: Callable[[Tx], T]) -> T:
        try:
            return self._read_once(act)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise StoreUnusable(unusable(error)) from error
        try:
            return self._read_once(act)
        except DBAPIError as error:
            raise StoreUnusable(unusable(error)) from error

    def _read_once(self, act: Callable[[Tx], T]) -> T:
        with self._reading.connect() as connection, connection.begin():
            return act(SqlTx(connection))
