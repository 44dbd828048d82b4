import os
import socket
from pathlib import Path

import pytest

from bot.adapters.tail import read_tail
from bot.domain.log_lines import WINDOW_BYTES
from bot.domain.snapshot import PartStatus


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "checkout.log"


def test_the_end_of_a_large_file_is_read(log: Path) -> None:
    log.write_bytes(b"".join(b"line %06d with some words\n" % number for number in range(100_000)))
    part = read_tail("checkout-1", log)

    assert (part.part, part.status, part.file) == ("log", PartStatus.OK, "checkout-1/log.txt")
    lines = part.content.decode().splitlines()
    assert (len(lines), lines[-1]) == (200, "line 099999 with some words")


def test_secrets_do_not_come_along(log: Path) -> None:
    log.write_text("login password=hunter2hunter2 failed\n")

    assert read_tail("checkout-1", log).content == b"login password=[redacted:secret] failed\n"


def test_after_a_rotation_the_lines_before_it_are_there_too(log: Path) -> None:
    log.write_text("new\n")
    log.with_name("checkout.log.1").write_bytes(b"cut " * WINDOW_BYTES + b"\nold\nolder by a breath")

    assert read_tail("checkout-1", log).content == b"old\nolder by a breath\nnew\n"


def test_a_link_in_place_of_the_rotated_file_is_not_followed(log: Path, tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("root:x\n")
    log.with_name("checkout.log.1").symlink_to(tmp_path / "shadow")
    log.write_text("new\n")

    assert read_tail("checkout-1", log).content == b"new\n"


def test_a_missing_file_says_so(log: Path) -> None:
    part = read_tail("checkout-1", log)

    assert part.status is PartStatus.FAILED
    assert part.error == f"checkout-1: its log {log} could not be read: No such file or directory"


def test_an_empty_file_is_skipped(log: Path) -> None:
    log.touch()
    part = read_tail("checkout-1", log)

    assert (part.status, part.error) == (PartStatus.SKIPPED, f"checkout-1: its log {log} is empty")


def test_a_binary_says_so(log: Path) -> None:
    log.write_bytes(b"\x7fELF\0\0\0")

    assert read_tail("checkout-1", log).error == f"checkout-1: its log {log} could not be read: it is not text"


def test_what_is_no_file_does_not_hold_us_up(log: Path) -> None:
    os.mkfifo(log)

    assert read_tail("checkout-1", log).error.endswith("it is no file")
    assert read_tail("checkout-1", log.parent).error.endswith("it is no file")


def test_a_socket_is_no_file(log: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(log))

        assert read_tail("checkout-1", log).status is PartStatus.FAILED
