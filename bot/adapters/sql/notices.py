"""Tells the other processes on a Postgres what a commit has touched, and hears what theirs have."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from secrets import token_hex

import psycopg
import structlog
from sqlalchemy import Connection, text

from bot.adapters.sql.engines import POSTGRES_ARGS, conninfo

log = structlog.get_logger()

EVERYTHING = "everything"

_CHANNEL = "firstfive"
# NOTIFY takes payloads shorter than 8,000 bytes.
_LONGEST = 7_900
_ALIVE_S = 10.0
_ANSWER_S = 3.0
_AGAIN_S = 1.0
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")


class Notices:
    """One process's voice and ears. What is told inside a transaction is heard if and when that commits.

    While the connection is away nothing is heard; once it is back, `heard` is told that everything may have changed.
    """

    def __init__(self, url: str, heard: Callable[[frozenset[str]], None]) -> None:
        self._conninfo = conninfo(url)
        self._heard = heard
        self._me = token_hex(4)
        self._task: asyncio.Task[None] | None = None
        self._deaf = "not started"

    def tell(self, connection: Connection, topics: Iterable[str]) -> None:
        """Tell the other processes of these topics when the open transaction commits."""
        for payload in payloads(self._me, topics):
            connection.execute(_NOTIFY, {"channel": _CHANNEL, "payload": payload})

    def ailment(self) -> str | None:
        """Say in a line why nothing is heard, or None."""
        return f"does not hear the other replicas: {self._deaf}" if self._deaf else None

    async def start(self) -> None:
        """Begin to hear."""
        self._task = asyncio.create_task(self._listen_on(), name="notices")

    async def stop(self) -> None:
        """Hear no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen_on(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError) as error:
                said = str(error).strip().splitlines() or [type(error).__name__]
                if not self._deaf:
                    log.warning("the other replicas are not heard", reason=said[0])
                self._deaf = said[0]
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        async with asyncio.timeout(_ANSWER_S):
            connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, **POSTGRES_ARGS)
        async with connection:
            await connection.execute(f"LISTEN {_CHANNEL}".encode())
            self._deaf = ""
            self._heard(frozenset({EVERYTHING}))
            while True:
                async for notice in connection.notifies(timeout=_ALIVE_S):
                    sender, *topics = notice.payload.split("\n")
                    if sender != self._me:
                        self._heard(frozenset(topics))
                async with asyncio.timeout(_ANSWER_S):
                    await connection.execute(b"SELECT 1")


def payloads(sender: str, topics: Iterable[str]) -> Iterator[str]:
    """Give the fewest payloads that hold these topics; one too long for any is left out, as all look again anyway."""
    payload, size = sender, len(sender)
    for topic in sorted(topics):
        longer = size + 1 + len(topic.encode())
        if longer > _LONGEST:
            if payload != sender:
                yield payload
            payload, size = sender, len(sender)
            longer = size + 1 + len(topic.encode())
        if longer <= _LONGEST:
            payload, size = f"{payload}\n{topic}", longer
    if payload != sender:
        yield payload
