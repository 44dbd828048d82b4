"""The version document of a service, on a real wire."""

import asyncio

import pytest

from bot.adapters.targets.served import MAX_BYTES, HttpVersions
from bot.domain.service import Target
from bot.domain.snapshot import VERSION, PartStatus
from tests.integration.test_fronts import serving

COMMIT = "4f5e6d7c" * 5


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def target(port: int) -> Target:
    users = f"http://127.0.0.1:{port}/shop"
    return Target("checkout-1", "checkout", "http://127.0.0.1:1", users, version="/version")


async def test_the_document_is_kept_without_secrets() -> None:
    body = b'{"revision": "%s", "password": "hunter2hunter2"}' % COMMIT.encode()
    async with serving("127.0.0.1", answer(body)) as port:
        told = await HttpVersions().capture(target(port), VERSION)

    assert (told.status, told.file) == (PartStatus.OK, "checkout-1/version.json")
    assert COMMIT.encode() in told.content
    assert b"hunter2" not in told.content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (answer(b"no", "404 Not Found"), "/version answered 404: correct `version`"),
        (answer(b"x" * (MAX_BYTES + 1)), f"/version answered more than {MAX_BYTES} bytes"),
        (b"", "the connection was closed after 0 bytes"),
    ],
)
async def test_what_is_no_such_document_says_why(content: bytes, words: str) -> None:
    async with serving("127.0.0.1", content) as port:
        told = await HttpVersions().capture(target(port), VERSION)

    assert told.status is PartStatus.FAILED
    assert words in told.error
    assert told.error.startswith("checkout-1: ")


async def test_who_is_gone_or_not_allowed_is_told_so() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    gone = await HttpVersions().capture(target(port), VERSION)
    foreign = await HttpVersions().capture(
        Target("c", "checkout", "http://127.0.0.1:1", "http://192.0.2.1/", version="/version"), VERSION
    )
    assert "nothing listens on" in gone.error
    assert "192.0.2.1" in foreign.error
