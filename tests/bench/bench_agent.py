"""What `firstfive agent` costs the machine of a target: how long until it answers, what it holds, what a look takes."""

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import httpx

from bot.domain import proc
from tests.agents import TOKEN, RunningAgent, running_agent
from tests.bench.figures import load, spread
from tests.bench.row import Row

STARTS = 5
LOOKS = 50
SOCKETS = 500_000
LINE = b"   1: 0100007F:17AC 0100007F:C350 01 00000032:00000000 00:00000000 00000000  0  0 113 1 0 20 4 30 10 -1\n"


def run() -> Iterable[Row]:
    """Start it again and again, once more than is counted, and ask the last one often."""
    starts, processor = [], []
    for number in range(-1, STARTS):
        began = time.perf_counter()
        with running_agent("--port", "1") as agent:
            starts.append(time.perf_counter() - began)
            processor.append(_processor_s(agent))
            if number == STARTS - 1:
                looks = _looks(agent)
                held_mb = _resident_mb(agent)
    notes = f"{spread(starts[1:])}, {median(processor[1:]):.2g} s of it CPU; {load()}"
    yield Row("agent: start", median(starts[1:]), "s", at_most=2, notes=notes)
    yield Row(f"agent: memory after {LOOKS} looks", held_mb, "MB", at_most=80, notes="resident")
    yield Row("agent: a look", median(looks) * 1000, "ms", notes=f"{spread([each * 1000 for each in looks])}; {load()}")
    began = time.perf_counter()
    proc.tally(proc.read_sockets([b"heading\n", *[LINE] * SOCKETS], "tcp"), {1})
    yield Row(
        "agent: sockets counted", SOCKETS / (time.perf_counter() - began) / 1000, "thousand/s", notes=f"{SOCKETS}"
    )


def _looks(agent: RunningAgent) -> list[float]:
    taken = []
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as client:
        for _ in range(LOOKS):
            began = time.perf_counter()
            client.get(f"{agent.url}/v1/kernel?port=1").raise_for_status()
            taken.append(time.perf_counter() - began)
    return taken


def _processor_s(agent: RunningAgent) -> float:
    fields = Path(f"/proc/{agent.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(agent: RunningAgent) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{agent.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / 1e6
