"""How fast a goroutine dump is grouped: stacks that a real Go service wrote, and the smallest; beside panicparse."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlsplit

import httpx

from bot.domain.goroutine_dump import DUMP_LIMIT_BYTES, count, group
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.lab import LabTarget, running_lab, turn_fault

ROUNDS = 7
WAITING = 1_500
LONGEST_S = 30
THEIR_BYTES = 2_000_000
THEIR_ROUNDS = 3


def run() -> Iterable[Row]:
    """Group 64 MiB, as much as the runtime ever writes: stacks of requests, then the smallest there are."""
    one = real_dump()
    many = repeated(one)
    took, told = grouped(many)
    real = f"repeated from {count(one)} real ones of {len(one) // count(one)} bytes each"
    notes = f"{count(many)} goroutines, {real}; {told}"
    yield Row("one core", len(many) / 1e6 / median(took), "MB/s", at_least=100, notes=notes)
    yield Row("64 MiB", median(took), "s", at_most=0.7, notes=spread(took))
    for name, small in (("other arguments in each", tiny(arguments=True)), ("no arguments", tiny(arguments=False))):
        took, told = grouped(small)
        notes = f"{count(small)} goroutines of {len(small) // count(small)} bytes; {told}"
        yield Row(f"tiny stacks, {name}", len(small) / 1e6 / median(took), "MB/s", notes=notes)
        yield from beside(small[: small.index(b"\n\n", THEIR_BYTES)], f"tiny stacks, {name}")
    yield from beside(one, "one core")


def grouped(dump: bytes) -> tuple[list[float], str]:
    """Group a dump some times; give the seconds, and the speed by CPU time, which others do not slow."""
    took, worked = [], []
    for _ in range(ROUNDS):
        began, working = time.perf_counter(), time.process_time()
        found = group(dump)
        took.append(time.perf_counter() - began)
        worked.append(time.process_time() - working)
    assert found.total == count(dump)
    assert found.garbled == 0
    return took, f"{len(found.groups)} groups; {len(dump) / 1e6 / median(worked):.0f} MB/s of CPU time; {load()}"


def beside(dump: bytes, name: str) -> Iterable[Row]:
    """Let panicparse group a dump where this machine has it; it is too slow for 64 MiB."""
    if (theirs := shutil.which("panicparse")) is None:
        return
    took = []
    for _ in range(THEIR_ROUNDS):
        began = time.perf_counter()
        subprocess.run([theirs, "-parse=false", "-rebase=false"], input=dump, capture_output=True, check=True)
        took.append(time.perf_counter() - began)
    notes = f"{count(dump)} goroutines, {spread(took)} s; {load()}"
    yield Row(f"panicparse: {name}", len(dump) / 1e6 / median(took), "MB/s", notes=notes)


def tiny(*, arguments: bool) -> bytes:
    """Write goroutines of one call each up to the runtime's limit, as a leak in a loop leaves them."""
    blocks: list[bytes] = []
    size = 0
    while size < DUMP_LIMIT_BYTES - 200:
        number = len(blocks) + 1
        call = b"main.leak(0xc%09x, 0x1)" % (number * 7919) if arguments else b"main.leak.func1()"
        blocks.append(b"goroutine %d [chan receive]:\n%b\n\t/src/leak.go:%d +0x2c" % (number, call, 12 + number % 3))
        size += len(blocks[-1]) + 2
    return b"\n\n".join(blocks)


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
