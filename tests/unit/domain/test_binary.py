"""The document of a program and its host is read as it was written; a damaged one is not known."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.binary import Binary, Host, Program, read, write
from bot.domain.loading import Lack

PROGRAM = Program(
    "/srv/checkout",
    arch="amd64",
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=("libc.so.6",),
    needs=(("libc.so.6", ("GLIBC_2.38", "GLIBC_2.2.5")),),
    lacks=(Lack("libc.so.6", "GLIBC_2.38", "GLIBC_2.36"),),
    go="go1.27.3",
    settings=(("CGO_ENABLED", "1"), ("GOAMD64", "v3")),
)
BINARY = Binary(Host("amd64", 3, "glibc 2.36"), listening=False, file=PROGRAM)


@pytest.mark.parametrize(
    "binary",
    [
        BINARY,
        Binary(Host("arm64"), listening=True, running=PROGRAM),
        Binary(Host("amd64"), listening=False, file=Program("/srv/checkout", "No such file or directory")),
    ],
)
def test_it_is_read_as_it_was_written(binary: Binary) -> None:
    assert read(json.loads(json.dumps(write(binary)))) == binary


def test_it_is_said_in_a_line() -> None:
    assert str(BINARY.host) == "amd64 (level v3), glibc 2.36"
    assert str(PROGRAM) == (
        "/srv/checkout: built for amd64, by go1.27.3, loaded by /lib64/ld-linux-x86-64.so.2, needs GLIBC_2.38 of "
        "libc.so.6, does not find GLIBC_2.38 of libc.so.6"
    )
    assert str(Program("/srv/checkout", arch="arm64", emulator="qemu-aarch64")) == (
        "/srv/checkout: built for arm64, run by qemu-aarch64, static"
    )
    assert str(Program("/srv/checkout", "No such file or directory")) == "/srv/checkout: No such file or directory"


def test_nothing_is_known_of_nothing() -> None:
    assert read({}) is None
    assert read({"host": ["amd64", 3, "glibc 2.36"]}) is None


@pytest.mark.parametrize(("told", "level"), [("v3", 3), ("v3,avx", 3), ("", 1), ("v9", 1), ("sse", 1)])
def test_levels_are_read(told: str, level: int) -> None:
    assert Program("x", settings=(("GOAMD64", told),)).level == level


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3)


@given(value=VALUES, path=st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_a_damaged_document_is_not_known(value: Any, path: list[int]) -> None:
    document = deepcopy(write(BINARY))
    at: Any = document
    for step in path:
        keys = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
        if not keys:
            break
        key = keys[step % len(keys)]
        if step == path[-1] or not isinstance(at[key], dict | list):
            at[key] = value
            break
        at = at[key]
    found = read(json.loads(json.dumps(document)))

    assert found is None or isinstance(found, Binary)
