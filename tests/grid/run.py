"""Run cases on real processes: quiet ones beside each other, loud ones alone, each diagnosed once by the product."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.grid.cases import Case
from tests.grid.services import Source
from tests.grid.stand import Stand, running

AT_ONCE = 6
AGE_S = 3.0
"""So old a target is before something is switched on."""
SOCKSTAT = Path("/proc/net/sockstat")
TIME_WAIT_S, FEW_CLOSED = 75.0, 2_000
"""A machine with so few closed connections has ports for everybody."""
SETTLE_S = 16.0
"""So long it is on before it is looked at: the contract promises 20 s, and a look takes some."""


@dataclass(frozen=True)
class Outcome:
    """What the product said of a case; `switches` is what was on, `archive` what it was said of."""

    case: Case
    switches: tuple[str, ...]
    verdict: str | None
    findings: tuple[tuple[str, int], ...]
    said: str
    took_s: float
    names: tuple[str, ...] = ()
    archive: bytes = field(default=b"", repr=False)

    @property
    def complaint(self) -> str:
        """What is wrong with it; "" when nothing is."""
        expected, sick = self.case.expected, self.case.sick
        if not expected:
            return "" if self.verdict is None else f"a healthy window is called {self.verdict}"
        if self.verdict != expected[0]:
            return f"{expected[0]} is called {self.verdict or 'nothing'}"
        if missing := {(fault, place) for fault in expected for place in sick[fault]} - set(self.findings):
            return f"not found: {_told(missing)}"
        ill = frozenset().union(*sick.values())
        blamed = {(fault, place) for fault, place in self.findings if place not in ill}
        return f"a healthy target is blamed: {_told(blamed)}" if blamed else ""


def _told(findings: set[tuple[str, int]]) -> str:
    return ", ".join(f"{fault} on target {place + 1}" for fault, place in sorted(findings))


def run(sources: dict[str, Source], cases: Sequence[Case]) -> Iterator[Outcome]:
    """Run the cases, in rounds; the order is not that of the cases."""
    quiet = [case for case in cases if not case.is_loud]
    rounds = [quiet[at : at + AT_ONCE] for at in range(0, len(quiet), AT_ONCE)]
    for each in [*rounds, *([case] for case in cases if case.is_loud)]:
        _await_ports()
        yield from _round(sources, each)


def _await_ports() -> None:
    """Wait until connections that the case before has closed give their ports back: the kernel keeps them for 60 s."""
    deadline = time.monotonic() + TIME_WAIT_S
    while _closed() > FEW_CLOSED and time.monotonic() < deadline:
        time.sleep(1.0)


def _closed() -> int:
    tcp = next(line for line in SOCKSTAT.read_text().splitlines() if line.startswith("TCP:")).split()
    return int(tcp[tcp.index("tw") + 1])


def _round(sources: dict[str, Source], cases: Sequence[Case]) -> Iterator[Outcome]:
    with ExitStack() as stack:
        stands = [stack.enter_context(running(sources[case.service].program(), case.targets)) for case in cases]
        young = cases[0].settle_s
        time.sleep(young or AGE_S)
        switches = [_turn_on(stand, case) for stand, case in zip(stands, cases, strict=True)]
        time.sleep(0 if young else SETTLE_S)
        for stand, case, on in zip(stands, cases, switches, strict=True):
            yield _look(stand, case, on)


def _turn_on(stand: Stand, case: Case) -> tuple[str, ...]:
    listed = stand.faults()
    turns = [(turn.place, *turn.on(listed)) for turn in case.turns]
    for place, name, size in turns:
        stand.turn(place, name, size)
    return tuple(f"{name} ({size}) on target {place + 1}" for place, name, size in turns)


def _look(stand: Stand, case: Case, on: tuple[str, ...]) -> Outcome:
    report, archive = stand.diagnose()
    result = report["result"] or {}
    found = [(each["fault"], stand.names.index(each["target"])) for each in result.get("findings", ())]
    said = "; ".join(f"{each['target']}: {each['fault']}: {each['claim']}" for each in result.get("findings", ()))
    told = said or result.get("summary") or str(report["reason"])
    return Outcome(case, on, result.get("verdict"), tuple(found), told, report["elapsed_s"], stand.names, archive)
