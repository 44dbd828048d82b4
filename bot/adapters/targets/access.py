"""Connections to pprof addresses that want to see something first: headers from the environment, certificates."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import httpx
from cryptography import x509

from bot.adapters.targets.network import PinnedTransport
from bot.domain.access import Access, AccessMissing, Tls, check_in_clear, header_values, mask, secrets_of
from bot.domain.addresses import Endpoint
from bot.domain.service import Target


class Keyring:
    """Reads what addresses want to see: at each use, as certificates are renewed while we run."""

    def __init__(self, environ: Mapping[str, str] = os.environ, tls: ssl.SSLContext | None = None) -> None:
        """`tls` is how addresses are trusted that have no `tls` of their own."""
        self._environ = environ
        self._tls = tls

    def secrets(self, access: Access) -> tuple[str, ...]:
        """Give what an address is shown and must never come back from it; nothing while a variable is not set."""
        try:
            return secrets_of(header_values(access, self._environ).values())
        except AccessMissing:
            return ()

    async def transport(
        self, access: Access, url: str, endpoint: Endpoint, connections: int
    ) -> httpx.AsyncBaseTransport:
        """Give a transport to an endpoint that shows what is wanted, and lets no secret come back in an answer.

        :raises AccessMissing: a variable is not set, a file is missing or of no use, a secret would go in clear.
        """
        headers = header_values(access, self._environ)
        if headers:
            check_in_clear(access, url, endpoint.addresses, ", ".join(variable for _, variable in access.headers))
        context = await asyncio.to_thread(self._context, access.tls) if url.startswith("https:") else None
        name = access.tls.server_name if access.tls else ""
        pinned = PinnedTransport(endpoint, context, connections, server_name=name)
        return _Showing(pinned, headers) if headers else pinned

    def _context(self, tls: Tls | None) -> ssl.SSLContext:
        if tls is None:
            return self._tls or trusting("", 0)
        context = trusting(tls.ca, changed_ns("tls.ca", tls.ca)) if not tls.cert else trust("tls.ca", tls.ca)
        if tls.cert:
            changed_ns("tls.cert", tls.cert)
            changed_ns("tls.key", tls.key)
            _show(context, tls)
        return context


@lru_cache(maxsize=64)
def trusting(ca: str, changed_ns: int, key: str = "tls.ca") -> ssl.SSLContext:
    """Give how addresses are trusted by a file of authorities as it was last changed, or by those of the machine."""
    del changed_ns
    return trust(key, ca)


def trust(key: str, ca: str) -> ssl.SSLContext:
    """Give how addresses are trusted by the file of a key, or by the machine's authorities where it names none.

    :raises AccessMissing: there is no certificate in it.
    """
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ValueError) as error:
        raise AccessMissing(f"{key} {ca} holds no certificate that can be read (PEM)") from error


def unverified() -> ssl.SSLContext:
    """Give a client that goes on whoever signed, for whatever name: it looks, and trusts nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def changed_ns(key: str, path: str) -> int:
    """Give when a file was last changed, 0 where none is configured.

    :raises AccessMissing: it is not there.
    """
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError as error:
        raise AccessMissing(f"{key} {path} cannot be read: {error.strerror or 'no such file'}") from error


def _show(context: ssl.SSLContext, tls: Tls) -> None:
    """Load our certificate. A key that wants a password would have it asked for on the terminal: there is none."""
    named = tls.key or tls.cert
    try:
        context.load_cert_chain(tls.cert, tls.key or None, password=lambda: "")
        ends_at = x509.load_pem_x509_certificate(Path(tls.cert).read_bytes()).not_valid_after_utc
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise AccessMissing(f"tls.key {named} is not the key of tls.cert {tls.cert}") from error
        raise AccessMissing(
            f"tls.cert {tls.cert} and its key {named} are not both there as PEM, without a password"
        ) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else ""
        raise AccessMissing(f"tls.cert {tls.cert} and its key {named} cannot be read: {why or error}") from error
    if ends_at < datetime.now(UTC):
        raise AccessMissing(f"tls.cert {tls.cert} has expired on {ends_at:%Y-%m-%d}: renew it")


def as_users_do(target: Target, url: str) -> ssl.SSLContext | None:
    """Give how the users of a target trust its address; None for one in clear.

    :raises AccessMissing: its `ca` is missing or of no use.
    """
    return trusting(target.ca, changed_ns("ca", target.ca), "ca") if url.startswith("https:") else None


class _Showing(httpx.AsyncBaseTransport):
    """Adds headers to what is asked. An answer that repeats one of their values comes back with it covered."""

    def __init__(self, inner: httpx.AsyncBaseTransport, headers: Mapping[str, str]) -> None:
        self._inner = inner
        self._headers = headers
        self._secrets = secrets_of(headers.values())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request with the headers."""
        request.headers.update(self._headers)
        response = await self._inner.handle_async_request(request)
        headers = [(name, mask(value, self._secrets)) for name, value in response.headers.raw]
        masked = _Masked(response, self._secrets)
        return httpx.Response(response.status_code, headers=headers, stream=masked, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


class _Masked(httpx.AsyncByteStream):
    """A body whose secrets are covered, those that lie across two pieces of it too."""

    def __init__(self, inner: httpx.Response, secrets: tuple[str, ...]) -> None:
        self._inner = inner
        self._secrets = secrets
        self._held = max((len(secret) for secret in secrets), default=1) - 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for part in self._inner.aiter_raw():
            seen = mask(rest + part, self._secrets)
            give = len(seen) - self._held
            if give > 0:
                yield seen[:give]
            rest = seen[max(give, 0) :]
        if rest:
            yield rest

    async def aclose(self) -> None:
        await self._inner.aclose()
