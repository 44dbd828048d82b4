"""Configured actions, done for real: programs, and an address that is told."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.doer import Doer
from bot.domain.configured_actions import Call

SAYS = "import os, sys; print(sys.argv[1:], os.environ['FIRSTFIVE_KEY'], os.environ['FIRSTFIVE_SERVICE'])"


def program(*words: str, timeout_s: float = 20.0) -> Call:
    return Call("x", "checkout", words, "", {}, timeout_s, "key-1")


async def test_words_arrive_as_they_are_and_what_it_says_is_kept() -> None:
    done = await Doer().do(program(sys.executable, "-c", SAYS, "a b", "$HOME; reboot"))

    assert done.ok
    assert done.how == "exit code 0"
    assert done.output == b"['a b', '$HOME; reboot'] key-1 checkout\n"


async def test_secrets_of_ours_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")

    assert b"xoxb" not in (await Doer().do(program("env"))).output


async def test_an_exit_code_is_a_failure_and_errors_are_kept_too() -> None:
    done = await Doer().do(program("/bin/sh", "-c", "echo no such unit >&2; exit 5"))

    assert (done.ok, done.how, done.output) == (False, "exit code 5", b"no such unit\n")


async def test_a_program_that_is_not_there_is_a_failure() -> None:
    done = await Doer().do(program("no-such-program-of-ours"))

    assert (done.ok, done.how) == (False, "no-such-program-of-ours is not on PATH")


async def test_what_takes_too_long_is_killed_with_all_that_it_began(tmp_path: Path) -> None:
    script = f"echo began; (sleep 3; touch {tmp_path}/late) & sleep 60"
    done = await Doer().do(program("/bin/sh", "-c", script, timeout_s=0.5))
    await asyncio.sleep(3)

    assert (done.ok, done.how, done.output) == (False, "killed after 0.5 s", b"began\n")
    assert not (tmp_path / "late").exists()


async def test_what_it_starts_and_leaves_running_is_left_running(tmp_path: Path) -> None:
    done = await Doer().do(program("/bin/sh", "-c", f"(sleep 1; touch {tmp_path}/later) & echo started"))
    assert (done.ok, done.output) == (True, b"started\n")
    async with asyncio.timeout(20):
        while not (tmp_path / "later").exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)


async def test_what_says_too_much_is_cut_and_goes_on_to_its_end() -> None:
    done = await Doer().do(program(sys.executable, "-c", "print('x' * 1_000_000)"))

    assert done.ok
    assert len(done.output) == 65_536


async def test_secrets_are_taken_out_of_what_it_says() -> None:
    secret = "xoxb-" + "123456789012-123456789012-abcdefghijklmnopqrstuvwx"
    done = await Doer().do(program("echo", secret))

    assert secret.encode() not in done.output


@asynccontextmanager
async def listening(status: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        heard.append(head + await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nsaid".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/flags", heard
    finally:
        server.close()


def told(url: str) -> Call:
    return Call("off", "checkout", (), url, {"flag": "new-prices"}, 5.0, "key-1")


@pytest.mark.parametrize(
    ("status", "ok", "how"),
    [("200 OK", True, "HTTP 200"), ("503 Busy", False, "HTTP 503"), ("302 Go", False, "HTTP 302")],
)
async def test_an_address_is_told_and_its_status_says_how_it_ended(status: str, ok: bool, how: str) -> None:  # noqa: FBT001 - a row of the table
    async with listening(status) as (url, heard):
        done = await Doer("actions-secret").do(told(url))

    assert (done.ok, done.how, done.output) == (ok, how, b"said")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {
        "action": "off", "service": "checkout", "params": {"flag": "new-prices"}, "key": "key-1",
    }  # fmt: skip
    assert b"idempotency-key: key-1" in head.lower()
    assert b"Authorization: Bearer actions-secret" in head


async def test_an_address_that_does_not_answer_is_a_failure() -> None:
    done = await Doer().do(told("http://127.0.0.1:9/flags"))

    assert not done.ok
    assert done.how.startswith("no answer: ")
