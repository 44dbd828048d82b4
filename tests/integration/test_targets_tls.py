"""A target behind TLS: the certificate is checked against the name, the connection goes to the vetted address."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from bot.adapters.targets import HttpTargets
from bot.domain.service import Target
from bot.domain.snapshot import HEAP, PartStatus
from tests.unit.domain.captures import heap
from tests.unit.domain.go_profiles import main_frame


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a self-signed certificate for checkout.internal, key and all in one file."""
    file, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=checkout.internal"]
    words += ["-addext", "subjectAltName=DNS:checkout.internal", "-keyout", str(key), "-out", str(file)]
    subprocess.run(words, check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


async def local(_host: str, _port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)


async def test_the_name_is_asked_for_and_checked(certificate: Path) -> None:
    asked: list[str | None] = []
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate)
    server_side.sni_callback = lambda _socket, name, _context: asked.append(name)
    body = heap(((main_frame("cache"),), 5))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode().split("Host: ")[1].split(":")[0])
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=certificate)
    good = Target("checkout-1", "checkout", f"https://checkout.internal:{port}")
    other = Target("checkout-1", "checkout", f"https://shop.internal:{port}")
    try:
        (fine,) = await HttpTargets(resolver=local, tls=trusting).capture(good, [HEAP])
        (unknown,) = await HttpTargets(resolver=local).capture(good, [HEAP])
        (mistaken,) = await HttpTargets(resolver=local, tls=trusting).capture(other, [HEAP])
    finally:
        server.close()

    assert (fine.status, fine.content) == (PartStatus.OK, body)
    assert asked[:2] == ["checkout.internal", "checkout.internal"]
    assert unknown.status is mistaken.status is PartStatus.FAILED
    assert "TLS failed" in unknown.error
    assert "TLS failed" in mistaken.error
