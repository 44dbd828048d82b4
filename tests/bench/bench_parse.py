"""How fast a goroutine dump is grouped, on stacks that a real Go service wrote."""

import re
import time
from collections.abc import Iterable
from statistics import median

import httpx

from bot.domain.goroutines import DUMP_LIMIT_BYTES, count, group
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.lab import running_lab, turn_fault

ROUNDS = 5
ENOUGH = 2_000
POINTER = re.compile(rb"0x[0-9a-f]{9,16}")


def run() -> Iterable[Row]:
    """Group 64 MB, as much as the runtime ever writes."""
    one = real_dump()
    many = repeated(one)
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = group(many)
        took.append(time.perf_counter() - began)
    assert found.total == count(many)
    assert found.garbled == 0
    size = (
        f"{len(many) / 2**20:.0f} MiB, {found.total} goroutines in {len(found.groups)} groups, from {count(one)} real"
    )
    yield Row("throughput", len(many) / 1e6 / median(took), "MB/s", at_least=100, notes=f"{groups}; one core; {load()}")
    yield Row("64 MB", median(took), "s", at_most=0.7, notes=spread(took))


def real_dump() -> bytes:
    """Ask a leaking target of the lab for every stack, once it has a few thousand."""
    with running_lab(targets=1, sick="none", rate=50) as lab:
        target = lab["targets"][0]
        turn_fault(target, "goroutine-leak", on=True)
        deadline = time.monotonic() + 60
        dump = b""
        while count(dump) < ENOUGH and time.monotonic() < deadline:
            time.sleep(0.5)
            dump = httpx.get(f"{target['pprof']}/debug/pprof/goroutine?debug=2", timeout=30).content
        return dump


def repeated(dump: bytes) -> bytes:
    """Repeat a dump up to the runtime's limit, every time with other ids and pointers."""
    copies: list[bytes] = []
    size = 0
    while size + len(dump) + 2 < DUMP_LIMIT_BYTES:
        number = b"%x" % (len(copies) + 0x100)
        other = dump.rstrip(b"\n").replace(b"0xc0", b"0x" + number).replace(b"\ngoroutine ", b"\ngoroutine " + number)
        copies.append(other)
        size += len(other) + 2
    return b"\n\n".join(copies)
