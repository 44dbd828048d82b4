"""Certificates and edges on a real wire."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.targets.fronts import HttpFronts
from bot.domain.service import Edge, Target

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAge: 30\r\nCache-Control: max-age=60\r\nETag: "%s"\r\n\r\nok'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "5", "-subj", "/CN=checkout.internal"]
    words += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(words, check=True, capture_output=True)
    file = folder / "both.pem"
    file.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    return file


@asynccontextmanager
async def serving(host: str, answer: bytes, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def local(_host: str, _port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


async def nowhere(host: str, _port: int) -> tuple[str, ...]:
    return (host,) if host.startswith("127.") else ("203.0.113.7",)


async def test_the_end_of_a_certificate_is_read_whoever_signed_it(certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with serving("127.0.0.1", b"", tls=tls) as port:
        target = Target("checkout-1", "checkout", "http://127.0.0.1:1", f"https://checkout.internal:{port}")
        found = await HttpFronts(resolver=local).certificate(target)
    assert found is not None
    assert found.expires_at is not None
    left = found.expires_at - datetime.now(UTC)
    assert timedelta(days=4) < left < timedelta(days=6)


async def test_without_https_there_is_no_certificate() -> None:
    for url in (None, "http://127.0.0.1:1"):
        assert await HttpFronts().certificate(Target("a", "a", "http://127.0.0.1:1", url)) is None


async def test_what_is_no_tls_or_not_allowed_is_an_error_in_words() -> None:
    async with serving("127.0.0.1", b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        plain = Target("a", "a", "http://127.0.0.1:1", f"https://127.0.0.1:{port}")
        closed = Target("a", "a", "http://127.0.0.1:1", "https://127.0.0.1:1")
        outside = Target("a", "a", "http://127.0.0.1:1", "https://shop.example.com")
        fronts = HttpFronts(resolver=nowhere, timeout_s=1.0)
        errors = [found.error for t in (plain, closed, outside) if (found := await fronts.certificate(t))]
    assert len(errors) == 3
    assert errors[0].startswith("no TLS handshake")
    assert errors[1].startswith("no TLS handshake: Connect call failed")
    assert "203.0.113.7" in errors[2]


async def test_every_address_of_an_edge_is_asked_for_the_same_name() -> None:
    async with serving("127.0.0.1", ANSWER % b"a") as port, serving("127.0.0.2", ANSWER % b"b", port):
        edge = Edge(f"http://shop.example.com:{port}/app.js", addresses=("127.0.0.1", "127.0.0.2", "127.0.0.3"))
        first, second, third = await HttpFronts(resolver=nowhere).edge(edge)
    assert (first.status, first.age_s, first.lifetime_s, first.version) == (200, 30.0, 60.0, '"a"')
    assert (second.address, second.version) == ("127.0.0.2", '"b"')
    assert third.status is None
    assert third.error


async def test_an_address_that_is_not_allowed_is_not_asked() -> None:
    (refused,) = await HttpFronts(resolver=nowhere).edge(Edge("http://shop.example.com/"))
    assert refused.status is None
    assert "203.0.113.7" in refused.error
