"""`firstfive agent`: beside a process, tells the bot what only this machine knows of it. It changes nothing.

It tells of the ports that its flags name and of nothing else; no path comes from a request.
"""

import asyncio
import hmac
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.adapters.kernel import Kernel, Place
from bot.adapters.tail import read_tail
from bot.adapters.wire import watch
from bot.domain.agent import HEADER, HELLO, KERNEL, LAST_LINES, MIN_TOKEN, PACKETS, PROTOCOL, TOKEN, encode
from bot.domain.errors import CommandRejected
from bot.domain.packets import MAX_SECONDS
from bot.domain.snapshot import LOG, Captured, packets_part, skipped

DEFAULT_LISTEN = "127.0.0.1:9464"
NAME = "its agent"
"""What the parts say is speaking; the bot puts the target's name in front."""
LONGEST_S = 30.0
"""No connection lives longer, whatever it does not say or does not read."""
MOST_CONNECTIONS = 32
LONGEST_HEAD = 16_384
_MOST_PORT = 65_535
LOOK_S = 4.0
"""A look that takes longer is not waited for: a hanging disk under the log must not keep the rest from being told."""

Message = MutableMapping[str, Any]
T = TypeVar("T")


class AgentRefused(CommandRejected):
    """The agent cannot start like this; says what to change."""


class Refused(Exception):
    """A request that is not answered; `status` says how."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True)
class Allowed:
    """What may be told: of the processes at these ports, this log's last lines, packets, the program that starts."""

    ports: tuple[int, ...]
    log: Path | None = None
    packets: bool = False
    binary: Path | None = None


@dataclass(frozen=True)
class Listen:
    """Where to answer, and with which certificate (PEM), if any."""

    address: str = DEFAULT_LISTEN
    cert: Path | None = None
    key: Path | None = None


def run(allowed: Allowed, listen: Listen, token: str) -> None:
    """Answer until told to stop.

    :raises AgentRefused: a flag or the token will not do, or the address cannot be had.
    """
    _check(token.strip(), allowed.ports)
    if bool(listen.cert) is not bool(listen.key):
        raise AgentRefused("--cert and --key belong together.")
    with _listening(listen.address) as listener:
        answering = server(Agent(allowed, token.strip()), listen)
        _announce(allowed, listen, listener)
        asyncio.run(answering.serve(sockets=[listener]))


def _check(token: str, ports: Sequence[int]) -> None:
    """Refuse a token that the bot could not show, and ports that nobody listens on."""
    if len(token) < MIN_TOKEN:
        raise AgentRefused(f"{TOKEN} in the environment must have at least {MIN_TOKEN} characters: the bot shows it.")
    if not all(" " < sign <= "~" for sign in token):
        raise AgentRefused(f"{TOKEN} holds what no token can: a blank, or a letter that is not ASCII.")
    if not ports:
        raise AgentRefused("name the ports of the process: --port 6060 --port 8443.")
    for port in ports:
        if not 0 < port <= _MOST_PORT:
            raise AgentRefused(f"--port {port}: there is no such port.")


def server(agent: "Agent", listen: Listen) -> uvicorn.Server:
    """Give what answers for an agent.

    :raises AgentRefused: its certificate will not do.
    """
    config = uvicorn.Config(
        agent,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=2,
        ssl_certfile=listen.cert,
        ssl_keyfile=listen.key,
    )
    try:
        config.load()
    except OSError as error:
        raise AgentRefused(f"--cert and --key cannot be used: {error.strerror or error}.") from error
    return _Server(config)


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise AgentRefused(f"--listen {address}: write HOST:PORT, such as 10.2.0.11:9464.")
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((bare, int(port)))
            listener.listen()
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "there is no such port"
            raise AgentRefused(f"--listen {address}: {reason}.") from None
        yield listener


def _announce(allowed: Allowed, listen: Listen, listener: socket.socket) -> None:
    """Say on standard error where it answers, of what, and what a person may have overlooked."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if listen.cert else "http"
    shown = f"[{host}]" if ":" in host else host
    what = [f"ports {', '.join(map(str, allowed.ports))}"]
    what += [f"the end of {allowed.log}"] if allowed.log else []
    what += ["packets"] if allowed.packets else []
    what += [f"the program {allowed.binary}"] if allowed.binary else []
    sys.stderr.write(f"firstfive agent: {scheme}://{shown}:{port} tells of {', '.join(what)}\n")
    if host in {"127.0.0.1", "::1"}:
        sys.stderr.write("firstfive agent: only this machine reaches it; --listen HOST:PORT is for others\n")
    elif not listen.cert:
        sys.stderr.write("firstfive agent: the token is sent in clear; --cert and --key encrypt it\n")
    sys.stderr.flush()


class _Protocol(H11Protocol):
    """A parser that bounds what it holds; its connection is cut after LONGEST_S."""

    _end: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a server gives no other
        """Begin to count."""
        super().connection_made(transport)
        self._end = self.loop.call_later(LONGEST_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no longer."""
        self._end.cancel()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """uvicorn's server, stopped by a signal without dying of it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal, at once at the second."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


class Agent:
    """The ASGI application."""

    def __init__(self, allowed: Allowed, token: str, kernel: Kernel | None = None) -> None:
        self._allowed = allowed
        self._token = f"Bearer {token}".encode()
        self._kernel = kernel or Kernel()
        self._at_kernel, self._at_log = ThreadPoolExecutor(2), ThreadPoolExecutor(1)
        self._capturing = False
        self._head = [
            (HEADER.encode(), f"{PROTOCOL} {version('firstfive')}".encode()),
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
        ]

    async def __call__(self, scope: Message, _receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
        """Answer one request."""
        try:
            body, status = await self._answer(scope), 200
        except Refused as refused:
            body, status = json.dumps({"error": str(refused)}).encode(), refused.status
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*self._head, length]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message) -> bytes:
        """Give the answer; who does not show the token learns nothing, not even what there is to ask."""
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(shown) != 1 or not hmac.compare_digest(shown[0], self._token):
            raise Refused(401, f"show the agent's {TOKEN}")
        if scope["method"] != "GET":
            raise Refused(405, "the agent is only asked: GET")
        ways = {HELLO: self._hello, KERNEL: self._of_kernel, LAST_LINES: self._of_log, PACKETS: self._of_packets}
        way = ways.get(scope["path"])
        if way is None:
            raise Refused(404, "the agent has nothing there")
        return await way(_query(scope["query_string"]))

    async def _hello(self, _query: Sequence[tuple[str, int]]) -> bytes:
        allowed = self._allowed
        told = {"ports": allowed.ports, "log": allowed.log is not None, "packets": allowed.packets}
        return json.dumps(told).encode()

    async def _of_kernel(self, query: Sequence[tuple[str, int]]) -> bytes:
        place, file = Place(self._ports(query)), self._allowed.binary
        program = str(file.absolute()) if file else None
        return encode(await _in_time(self._at_kernel, lambda: self._kernel.capture(NAME, place, program)))

    async def _of_log(self, query: Sequence[tuple[str, int]]) -> bytes:
        self._ports(query)
        log = self._allowed.log
        if log is None:
            return encode([skipped(NAME, LOG, f"{NAME} tells of no log: start it with --log FILE")])
        return encode([await _in_time(self._at_log, lambda: read_tail(NAME, log))])

    async def _of_packets(self, query: Sequence[tuple[str, int]]) -> bytes:
        ports, seconds = self._ports(query), dict(query).get("seconds", 0)
        if not 0 < seconds <= MAX_SECONDS:
            raise Refused(400, f"seconds={seconds}: packets are captured for 1 to {MAX_SECONDS} s")
        if not self._allowed.packets:
            part = packets_part(seconds)
            return encode([skipped(NAME, part, f"{NAME} captures no packets: start it with --packets")])
        if self._capturing:
            raise Refused(409, "packets are being captured for somebody else: try again in 10 s")
        self._capturing = True
        try:
            return encode([await asyncio.to_thread(_watch, ports, seconds)])
        finally:
            self._capturing = False

    def _ports(self, query: Sequence[tuple[str, int]]) -> tuple[int, ...]:
        """Give the ports asked for, if all are allowed."""
        ports = tuple(dict.fromkeys(value for name, value in query if name == "port"))
        if not ports:
            raise Refused(400, "name the ports: port=6060")
        for port in ports:
            if port not in self._allowed.ports:
                raise Refused(403, f"the agent does not tell of port {port}: start it with --port {port}")
        return ports


async def _in_time(turns: ThreadPoolExecutor, look: Callable[[], T]) -> T:
    """Look in one of a few threads, and no longer than LOOK_S.

    :raises Refused: it took longer, or those before it did.
    """
    try:
        async with asyncio.timeout(LOOK_S):
            return await asyncio.get_running_loop().run_in_executor(turns, look)
    except TimeoutError:
        raise Refused(
            503, f"it was not read in {LOOK_S:g} s: does a disk hang, or is the machine overloaded?"
        ) from None


def _watch(ports: Sequence[int], seconds: int) -> Captured:
    return watch(NAME, ports, seconds)


def _query(text: bytes) -> list[tuple[str, int]]:
    """Read a query: ports and seconds, whole numbers, few."""
    try:
        pairs = parse_qsl(text.decode("ascii"), strict_parsing=True, max_num_fields=20) if text else []
        read = [(name, int(value)) for name, value in pairs if value.isascii() and value.isdigit() and len(value) < 6]  # noqa: PLR2004 - ports have five digits
    except ValueError:
        raise Refused(400, "the query cannot be read") from None
    if len(read) < len(pairs) or any(name not in {"port", "seconds"} for name, _ in read):
        raise Refused(400, "port=NUMBER and seconds=NUMBER are all that can be asked")
    return read
