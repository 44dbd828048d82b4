"""One fault found: the class, the target, the claim in numbers, the evidence, the fix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from bot.domain.facts import Facts
from bot.domain.snapshot import Probe

SLOW_MS = 200.0
"""A probe that takes longer hurts: the rollback tree's own step for a worse P95 (SPEC, R10)."""
SLOWING_MS = 35.0
"""One that takes longer is on its way there."""
MIN_PACE = 0.75
"""Of what the target takes for what costs it nothing: an answer that takes less is as slow as everything there."""
SLOW_PACE_S = 0.3
"""A target that takes longer for what costs it nothing is not alone on its machine, or has no CPU to run on."""
STANDS_OUT = 5.0
"""A count so many times that of the other targets is not chance; load balancing differs by less than 2."""
BEYOND = 3.0
"""A count so many times that of the target's own healthy time is not chance."""
MIN_SLOWER_MS = 10.0
"""Below, a difference is noise."""
CERTAIN, LIKELY = "certain", "likely"
"""certain: the mechanism itself was seen at work, between two readings or by the runtime's own proof, and so was its
harm. likely: the mechanism was seen once, or its harm follows from a comparison."""
TRUST = 1.64
"""Standard deviations: a share is at least its bound in 95 of 100 samples."""


@dataclass(frozen=True)
class Evidence:
    """What was measured, its value, and the artifact it can be read in."""

    what: str
    value: str
    artifact: str


@dataclass(frozen=True)
class Finding:
    """A fault class that fits a target. `weight` (0..1) is how much of the target it takes.

    `confidence` is CERTAIN or LIKELY; `verify` says by what one sees that the fix worked.
    """

    fault: str
    target: str
    claim: str
    evidence: tuple[Evidence, ...]
    fix: str
    weight: float = 0.0
    confidence: str = LIKELY
    verify: str = ""


@dataclass(frozen=True)
class Beside:
    """What a target is held against: the other targets now, and itself in a healthy time (None: never seen).

    A baseline only makes a rule see more; nothing that proves a fault by itself is passed over because of it.
    """

    others: Sequence[Facts] = ()
    baseline: Facts | None = None

    def far_exceeded(self, mine: float, read: Callable[[Facts], float | None], floor: float = 1.0) -> bool:
        """Tell whether a number is far above that of the other targets, or of the target's own healthy time."""
        elsewhere = [value for each in self.others if (value := read(each)) is not None]
        return stands_out(mine, elsewhere, floor) or self.is_new(mine, read, floor)

    def is_new(self, mine: float, read: Callable[[Facts], float | None], floor: float = 1.0) -> bool:
        """Tell whether a number is far above that of the target's own healthy time.

        Of what stands still this is the only proof: one replica may hold a cache or keep workers that others do not.
        """
        usual = read(self.baseline) if self.baseline is not None else None
        return usual is not None and mine >= BEYOND * max(usual, floor)

    def is_slower(self, facts: Facts) -> bool:
        """Tell whether users wait far longer here than at the other targets, or than in the target's healthy time.

        Where users are not asked at all it cannot be told, and speaks for nobody.
        """
        mine = _latency_ms(facts)
        if mine is None:
            return True
        known = (*self.others, *([self.baseline] if self.baseline else []))
        usual = [value for each in known if (value := _latency_ms(each)) is not None]
        return mine >= MIN_SLOWER_MS and bool(usual) and mine >= BEYOND * min(usual)


def _latency_ms(facts: Facts) -> float | None:
    return facts.probe.p50_ms if facts.probe and facts.probe.requests else None


def suffers(probe: Probe | None) -> bool:
    """Tell whether the users of a target are seen to suffer; what was not measured is not seen."""
    if probe is None or not probe.requests:
        return False
    return probe.failures > 0 or (probe.p50_ms or 0.0) >= SLOW_MS


def is_slowed(facts: Facts) -> bool:
    """Tell whether users suffer from more than from a machine on which everything is slow."""
    probe = facts.probe
    if probe is None or not suffers(probe) or 2 * probe.failures >= probe.requests:
        return suffers(probe)
    return facts.pace_s < SLOW_PACE_S or (probe.p50_ms or 0.0) >= 2000 * facts.pace_s


def is_slowing(facts: Facts) -> bool:
    """Tell whether users wait longer than they should, and not because the machine does, before they suffer."""
    return facts.probe is not None and (facts.probe.p50_ms or 0.0) >= max(SLOWING_MS, MIN_PACE * 1000 * facts.pace_s)


def stands_out(mine: float, others: Sequence[float], floor: float = 1.0) -> bool:
    """Tell whether a number is far above that of the other targets; without any there is nothing to stand out of."""
    return bool(others) and mine >= STANDS_OUT * max(median(others), floor)


def at_least(share: float, samples: int) -> float:
    """Give what a share of so many samples is at least: the lower bound of Wilson's interval (JASA 22, 1927)."""
    if samples <= 0:
        return 0.0
    square = TRUST * TRUST / samples
    middle = share + square / 2
    spread = TRUST * sqrt(share * (1 - share) / samples + square / (4 * samples))
    return max(0.0, (middle - spread) / (1 + square))


def probe_evidence(facts: Facts) -> tuple[Evidence, ...]:
    """Give what the users get, if it was asked."""
    if facts.probe is None or not facts.probe.requests:
        return ()
    return (Evidence("answers to users", str(facts.probe), "manifest.json"),)


def span(values: Sequence[float], write: Callable[[float], str] = "{:.0f}".format) -> str:
    """Write the range of some numbers, once if it is one."""
    low, high = write(min(values)), write(max(values))
    return low if low == high else f"{low} to {high}"


def besides(findings: Sequence["Finding"]) -> str:
    """Name what else was found than the first, each class once, as a sentence that follows another; "" for nothing."""
    where: dict[str, list[str]] = {}
    for each in findings[1:]:
        where.setdefault(each.fault, []).append(each.target)
    told = [f"{fault} on {at[0] if len(at) == 1 else f'{len(at)} targets'}" for fault, at in where.items()]
    return f" Also found: {', '.join(told)}." if told else ""


def percent(share: float) -> str:
    """Write a share as people read it."""
    return f"{100 * share:.0f} %"


def megabytes(amount: float) -> str:
    """Write bytes as MB (10^6)."""
    return f"{amount / 1e6:.0f} MB" if amount >= 10e6 else f"{amount / 1e6:.1f} MB"  # noqa: PLR2004 - 10 MB
