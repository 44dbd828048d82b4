"""How long a Go process with many goroutines stands still while it is captured: by us, and by the seed's script.

A probe asks it each millisecond. Idle stretches in between show what this machine does to it by itself; what the
process's own runtime counts as stopped is told beside.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

from bot.adapters.targets import HttpTargets
from bot.domain.service import Target
from bot.domain.snapshot import CHEAP_PARTS, Captured, intrusive_parts
from tests.bench.figures import load, quantile, scratch
from tests.bench.row import Row
from tests.bench.victims import Probe, Victim, build, running_victim

GOROUTINES = (1_000, 100_000, 400_000)
BOUND_MS = {100_000: 25.0}
ROUNDS = 3
IDLE_S = 3.0
CPU_S = 2
CALM_SHARE = 0.3
CALM_S = 60.0
SCRIPT = """\
DIR=$(mktemp -d)
timeout 3 curl -s "$URL/debug/pprof/goroutine?debug=2" > "$DIR/goroutines.txt" &
timeout 3 curl -s "$URL/debug/pprof/heap" > "$DIR/heap.pprof" &
timeout 3 netstat -tuln > "$DIR/netstat.txt" 2>/dev/null &
wait
tar -C /tmp -czf "$DIR.tar.gz" "$DIR" 2>/dev/null
wc -c < "$DIR/goroutines.txt"
rm -rf "$DIR" "$DIR.tar.gz"
"""
"""The seed's, chapter 4.1, with the folder in another place."""


@dataclass
class Stretch:
    """One thing that was done to the victim, again and again: when, what CPU time it took, what is said of it."""

    name: str
    times: list[tuple[float, float]] = field(default_factory=list)
    worked_s: list[float] = field(default_factory=list)
    stopped: dict[float, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def do(self, victim: Victim, act: Callable[[str], str]) -> None:
        """Do it once more."""
        worked, stops, began = victim.worked_s(), victim.stops(), time.time()
        self.said.append(act(victim.url))
        calm(victim)
        self.times.append((began, time.time()))
        self.worked_s.append(victim.worked_s() - worked)
        for length, number in victim.stops().items():
            if more := number - stops.get(length, 0):
                self.stopped[length] = self.stopped.get(length, 0) + more


def run() -> Iterable[Row]:
    """Measure each size in the same way."""
    with scratch() as folder:
        program = build(folder)
        for goroutines in GOROUTINES:
            yield from _measure(program, goroutines)


def _measure(program: Path, goroutines: int) -> Iterable[Row]:
    idle, ours, script = Stretch("idle"), Stretch("our capture"), Stretch("the seed's script")
    with running_victim(program, goroutines) as victim:
        calm(victim)
        probe = Probe(program, victim)
        for _ in range(ROUNDS):
            idle.do(victim, nothing)
            ours.do(victim, captured)
            idle.do(victim, nothing)
            script.do(victim, scripted)
        asked = probe.end()
    usual = mean(took for each in idle.times for took in asked.during(*each))
    for stretch in (idle, ours, script):
        found = [asked.during(*each) for each in stretch.times]
        worst = [1000 * max(each) for each in found]
        every = [took for each in found for took in each]
        size = f"{goroutines:,} goroutines"
        longest = 1000 * max(stretch.stopped, default=0.0)
        notes = (
            f"worst of each {', '.join(f'{each:.3g}' for each in worst)} ms; p99 {1000 * quantile(every, 0.99):.3g}; "
            f"stopped {sum(stretch.stopped.values())} times, at most {longest:.3g} ms; {stretch.said[-1]}; {load()}"
        )
        bound = BOUND_MS.get(goroutines) if stretch is ours else None
        yield Row(f"{size}, {stretch.name}: worst pause", median(worst), "ms", at_most=bound, notes=notes)
        notes = (
            f"mean answer {1000 * mean(every):.3g} ms of {len(every)}; {median(stretch.worked_s):.2g} s of its CPU time"
        )
        yield Row(f"{size}, {stretch.name}: mean answer, times idle", mean(every) / usual, "x", notes=notes)


def calm(victim: Victim) -> None:
    """Wait until it works on nothing but the probe: it goes on with a dump after who asked for it has gone."""
    until = time.monotonic() + CALM_S
    share = 1.0
    while share > CALM_SHARE and time.monotonic() < until:
        before, began = victim.worked_s(), time.monotonic()
        time.sleep(0.5)
        share = (victim.worked_s() - before) / (time.monotonic() - began)


def nothing(url: str) -> str:
    """Leave it alone."""
    time.sleep(IDLE_S)
    return f"{url} left alone"


def captured(url: str) -> str:
    """Take everything that a snapshot takes of its worst target."""
    target, http = Target("victim", "victim", url), HttpTargets()
    parts = asyncio.run(_capture(http, target))
    late = [f"{part.part} {part.status.value}" for part in parts if not part.usable]
    slow = sorted(parts, key=lambda part: -part.elapsed_s)
    times = ", ".join(f"{part.part} {part.elapsed_s:.2f}" for part in slow[:4])
    return f"{len(parts) - len(late)} of {len(parts)} parts (not: {', '.join(late) or 'none'}); s: {times}"


async def _capture(http: HttpTargets, target: Target) -> tuple[Captured, ...]:
    return (*await http.capture(target, CHEAP_PARTS), *await http.capture(target, intrusive_parts(CPU_S)))


def scripted(url: str) -> str:
    """Run the script."""
    bash = shutil.which("bash") or "bash"
    done = subprocess.run(
        [bash, "-c", SCRIPT], env={"URL": url, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    return f"its dump: {done.stdout.strip()} bytes"
