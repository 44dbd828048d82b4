"""How strongly counts speak against a canary, however often one looks: e-values, updated look by look.

An e-value is a likelihood ratio that is 1 or less on average while nothing is wrong. `Evidence` adds up the logarithms
of those against a small grid of alternatives, never below zero, and so finds a change that begins at any time. The mean
over the grid is an e-detector: while nothing is wrong, the average time before it passes a bar B is at least B looks,
whatever the traffic does (J. Shin, A. Ramdas, A. Rinaldo: E-detectors, 2023; for one alternative it is Page's CUSUM,
1954).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

ODDS = (1.5, 2.5, 5.0, 12.0, 40.0)
"""The alternatives: by how much the odds of a bad request are higher than they may be."""
REST = (0.0,) * len(ODDS)
"""No evidence: the logarithms of e-values, one for each alternative."""
_SPARE = 1.0
"""How far (a factor e) evidence grows beyond what decides, so that it is gone soon when the trouble is over."""


@dataclass(frozen=True)
class Bar:
    """What evidence must pass to decide: so many to one, and never in fewer than so many looks."""

    odds: float
    looks: int = 1

    @cached_property
    def most(self) -> float:
        """How far the logarithm of an e-value grows."""
        return math.log(self.odds * len(ODDS)) + _SPARE

    def passed(self, evidence: Sequence[float]) -> bool:
        """Tell whether evidence is enough."""
        return value(evidence) >= self.odds


def against(evidence: tuple[float, ...], share: float, bad: int, good: int, bar: Bar) -> tuple[float, ...]:
    """Add a look's counts to the evidence that bad ones are more than `share` (0..1) of all.

    What one look adds is bounded by the bar: what is less than an e-value is one too.
    """
    if not bad and evidence == REST:
        return REST
    most, count = bar.most, bad + good
    return tuple(
        min(max(known + min(bad * gain - count * math.log1p((odds - 1) * share), most / bar.looks), 0.0), most)
        for known, odds, gain in zip(evidence, ODDS, _GAINS, strict=True)
    )


def value(evidence: Sequence[float]) -> float:
    """Give the evidence as an e-value: so many to one."""
    return sum(map(math.exp, evidence)) / len(evidence)


def upper(bad: int, count: int, sure: float = 1.645) -> float:
    """Give the upper end of Wilson's interval for a share: 95 % of the time it is not higher. 1 without counts."""
    if not count:
        return 1.0
    share, spread = bad / count, sure * sure / count
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    return min(1.0, (share + spread / 2 + half) / (1 + spread))


def enough(share: float, sure: float = 1.645) -> int:
    """Give how many good requests it takes before `upper` is below a share."""
    return math.floor(sure * sure * (1 - share) / share) + 1


_GAINS = tuple(map(math.log, ODDS))
