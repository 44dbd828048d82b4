"""Connections to vetted addresses only: the name is resolved once, before, and never again."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpcore
import httpx

from bot.domain.addresses import AddressRefused, Endpoint, host_and_port, vet
from bot.engine import spans

_NAMES = ThreadPoolExecutor(8, "names")
"""A dead name server holds a thread for ten seconds or more: others have work to do meanwhile."""

Resolver = Callable[[str, int], Awaitable[tuple[str, ...]]]


async def resolve_by_system(host: str, port: int) -> tuple[str, ...]:
    """Give the addresses of a host as the operating system knows them."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_NAMES, partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


async def locate(url: str, allow: tuple[str, ...], resolver: Resolver, timeout_s: float) -> Endpoint:
    """Resolve the host of an address once and vet what it resolves to.

    :raises AddressRefused: no such name, no answer in time, or an address outside of `allow`.
    """
    _, port = host_and_port(url)
    try:
        host = httpx.URL(url).raw_host.decode("ascii")
    except httpx.InvalidURL as error:
        raise AddressRefused(f"{url!r} is not an address like http://host:6060") from error
    try:
        async with asyncio.timeout(timeout_s):
            addresses = await resolver(host, port)
    except TimeoutError as error:
        raise AddressRefused(f"{host} did not resolve in {timeout_s:g} s: is the name server well?") from error
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"{host} does not resolve: is the name right?") from error
    return Endpoint(host, port, vet(host, addresses, allow))


class HandshakeFailed(httpx.ReadError):
    """The other side does not speak TLS with us; found only when something is read."""


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of one endpoint, whatever its name resolves to by now."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Try the vetted addresses in their order; the last one's error is the answer."""
        if (host, port) != (self._endpoint.host, self._endpoint.port):
            raise httpcore.ConnectError(f"{host}:{port} was not vetted")
        *first, last = self._endpoint.addresses
        for address in first:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries."""
        await self._backend.sleep(seconds)


class PinnedTransport(httpx.AsyncBaseTransport):
    """An httpx transport over the connections of one endpoint; Host and SNI stay the name's."""

    def __init__(
        self, endpoint: Endpoint, tls: ssl.SSLContext | None, connections: int, *, server_name: str = ""
    ) -> None:
        """`server_name` is whom the certificate must name, where that is not the host of the address."""
        self._extensions = {"sni_hostname": server_name} if server_name else {}
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=connections, network_backend=PinnedBackend(endpoint)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of its answer is streamed."""
        asked = request.url
        with spans.asking(request.method, asked.host, asked.port, asked.path, request.headers) as span:
            response = await self._send(request)
            span.set_attribute("http.response.status_code", response.status_code)
        return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        core = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={**request.extensions, **self._extensions},
        )
        with _errors_of_httpx():
            response = await self._pool.handle_async_request(core)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = self._response.stream
        if isinstance(stream, AsyncIterable):
            with _errors_of_httpx():
                async for part in stream:
                    yield part

    async def aclose(self) -> None:
        await self._response.aclose()


_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
)


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise httpcore's errors as httpx's, as httpx's own transport does."""
    try:
        yield
    except tuple(core for core, _ in _ERRORS) as error:
        kind = next(ours for core, ours in _ERRORS if isinstance(error, core))
        raise kind(str(error)) from error
    except ssl.SSLError as error:
        # With TLS 1.3 the other side refuses our certificate only after the handshake, in what is read first.
        raise HandshakeFailed(str(error)) from error
