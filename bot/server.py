"""`firstfive serve`: the bot as a process, from a free port to a clean end."""

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.adapters import logs
from bot.adapters.replica import LOST
from bot.domain.access import unset
from bot.domain.errors import FirstFiveError, StoreUnusable
from bot.main import API, DRAIN_S, House, build, routes
from bot.schema import ensure_schema
from bot.settings import Settings

log = structlog.get_logger()

_LONGEST_HEAD = 65_536
_SELDOM = 20_000, 20, 50
"""After how many new things the youngest are looked through for cycles, of those the older ones, and all."""
_LOOK_AGAIN_S = 1.0


def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the bot until it is told to stop.

    :raises StoreUnusable: another process serves this database, or it cannot be used.
    :raises PortTaken: something else listens where we should.
    """
    logs.configure(settings.log_level)
    for variable in unset(settings.catalog().variables, os.environ):
        log.warning("not set in the environment", variable=variable, needed_for="headers or agents of targets")
    ensure_schema(settings)
    with _listening(settings) as listener:
        if exit_with_stdin:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
        asyncio.run(_serve(build(settings, command=sys.orig_argv), listener))


async def _serve(house: House, listener: socket.socket) -> None:
    config = uvicorn.Config(
        routes(house, FastAPI(**API)),
        http=Protocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = _Server(config, house)
    try:
        await _start(house)
        # What was loaded stays: a collection over all of it takes 150 ms, in which nothing would be acknowledged.
        gc.freeze()
        # Hardly anything here is a cycle, and looking for them in what long timelines come to takes as long as a page.
        gc.set_threshold(*_SELDOM)
        gc.enable()
        log.info("ready", url=f"http://{house.settings.host}:{listener.getsockname()[1]}")
        await server.serve(sockets=[listener])
    finally:
        await house.stop()


async def _start(house: House) -> None:
    """Start; a process that was lost in a drill lets whoever has taken over its runs come to their end."""
    again = int(os.environ.pop(LOST, "0"))
    while True:
        try:
            return await house.start()
        except StoreUnusable as held:
            if not again:
                raise
            log.info("waits for its database", reason=str(held))
        again -= 1
        await asyncio.sleep(_LOOK_AGAIN_S)


class PortTaken(FirstFiveError):
    """Something else listens on the bot's port."""


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: without it an answer waits 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            reason = error.strerror or "it cannot be used"
            raise PortTaken(f"{settings.host}:{settings.port}: {reason}. Set PORT to another one.") from None
        yield listener


class Protocol(HttpToolsProtocol):
    """uvicorn's quick parser, which by itself takes headers, and trailers, without end."""

    _beside_body = 0

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._beside_body = 0

    def on_body(self, body: bytes) -> None:
        """Leave the body out: its length is its reader's business."""
        super().on_body(body)
        self._beside_body -= len(body)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse a request that says too much before and after its body."""
        super().data_received(data)
        self._beside_body += len(data)
        if self._beside_body > _LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")


class _Server(uvicorn.Server):
    """uvicorn's server, stopped by a signal without dying of it: what runs still has to be left in order."""

    def __init__(self, config: uvicorn.Config, house: House) -> None:
        super().__init__(config)
        self._house = house

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal, at once at the second; open pages are told, since they would wait for more."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self._house.stopping.set()
        self.force_exit = self.should_exit
        self.should_exit = True


def _end_with_stdin() -> None:
    # Read past sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
