"""How fast a goroutine dump is grouped, on stacks that a real Go service wrote."""

import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlsplit

import httpx

from bot.domain.goroutines import DUMP_LIMIT_BYTES, count, group
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.lab import LabTarget, running_lab, turn_fault

ROUNDS = 7
WAITING = 1_500
LONGEST_S = 30


def run() -> Iterable[Row]:
    """Group 64 MiB, as much as the runtime ever writes."""
    one = real_dump()
    many = repeated(one)
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = group(many)
        took.append(time.perf_counter() - began)
    assert found.total == count(many)
    assert found.garbled == 0
    real = f"repeated from {count(one)} real ones of {len(one) // count(one)} bytes each"
    notes = f"{found.total} goroutines in {len(found.groups)} groups, {real}; {load()}"
    yield Row("one core", len(many) / 1e6 / median(took), "MB/s", at_least=100, notes=notes)
    yield Row("64 MiB", median(took), "s", at_most=0.7, notes=spread(took))


def real_dump() -> bytes:
    """Let many people wait for a target of the lab, and ask it for every stack."""
    with running_lab(targets=1, sick="none") as lab, ExitStack() as people:
        target = lab["targets"][0]
        turn_fault(target, "slow-downstream", on=True)
        for _ in range(WAITING):
            people.enter_context(waiting(target))
        deadline, dump = time.monotonic() + LONGEST_S, b""
        while count(dump) < WAITING:
            assert time.monotonic() < deadline, f"only {count(dump)} goroutines wait"
            dump = httpx.get(f"{target['pprof']}/debug/pprof/goroutine?debug=2", timeout=LONGEST_S).content
        return dump


def waiting(target: LabTarget) -> socket.socket:
    """Send a request whose answer is not waited for."""
    address = urlsplit(target["url"])
    person = socket.create_connection((address.hostname or "", address.port or 0))
    person.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
    return person


def repeated(dump: bytes) -> bytes:
    """Repeat a dump up to the runtime's limit, every time with other ids and pointers."""
    copies: list[bytes] = []
    size = 0
    while size + len(dump) + 2 < DUMP_LIMIT_BYTES:
        number = b"%x" % (len(copies) + 0x100)
        other = dump.rstrip(b"\n").replace(b"0xc0", b"0x" + number).replace(b"\ngoroutine ", b"\ngoroutine 1")
        copies.append(other)
        size += len(other) + 2
    return b"\n\n".join(copies)
