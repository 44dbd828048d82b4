"""What is asked of a bisect, what is to be run next, and what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.bisect.history import History
from bot.domain.bisect.results import Purpose, Result


class Find(StrEnum):
    """Which change of the test is looked for."""

    BREAK = "break"
    FIX = "fix"

    @property
    def before(self) -> Result:
        """What the test is said to be at the old end."""
        return Result.GOOD if self is Find.BREAK else Result.BAD

    @property
    def after(self) -> Result:
        """What the test is said to be at the new end."""
        return Result.BAD if self is Find.BREAK else Result.GOOD


@dataclass(frozen=True)
class Rates:
    """How often the test fails (0..1) at bad commits and at good ones."""

    bad: float
    good: float


@dataclass(frozen=True)
class Chances:
    """Whether the test fails less often at commits that hold the culprit, and the rates if they are known."""

    mends: bool = False
    rates: Rates | None = None


@dataclass(frozen=True)
class Question:
    """What is searched.

    `keys` gives for each commit (those of the history, the ends and the parents) the key of each package that the test
    is built from: equal keys mean equal sources, of the package and of all that it imports. `package` is the tested
    one, whose key decides which commits can be told apart. Where there are no keys, each commit stands for itself.
    `rates` are known from elsewhere for a test that is known to be flaky. `confident`: when to stop; `most_runs`: when
    to give up.
    """

    history: History
    find: Find = Find.BREAK
    package: str = ""
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rates: Rates | None = None
    confident: float = 0.95
    most_runs: int = 400

    @property
    def chances(self) -> Chances:
        """What is known beforehand of how often the test fails."""
        return Chances(self.find is Find.FIX, self.rates)

    @property
    def closures(self) -> Mapping[str, str]:
        """The key of the tested package at each commit."""
        return {commit: packages.get(self.package, "") for commit, packages in self.keys.items()}


@dataclass(frozen=True)
class Wanted:
    """A run to start, and what for."""

    commit: str
    purpose: Purpose = Purpose.SEARCH


@dataclass(frozen=True)
class Running(Wanted):
    """A run that was started and has not ended."""


class Kind(StrEnum):
    """How a bisect ended."""

    CULPRIT = "culprit"
    SUSPECTS = "suspects"
    FLAKY = "flaky"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Answer:
    """What came out, with the reason in words.

    `confidence` (0..1) is the probability of the culprit, of the suspects together, or of there being no culprit.
    `suspects` cannot be told apart by the test. `runs` counts runs by purpose, and those that became moot. `posterior`
    names the likeliest commits and their probabilities, "" standing for no commit at all.
    """

    kind: Kind
    why: str
    culprit: str = ""
    confidence: float = 0.0
    suspects: tuple[str, ...] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    posterior: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to start now, which running commits to stop, and the answer once there is one.

    `left` is how many commits may still have changed the test.
    """

    start: tuple[Wanted, ...] = ()
    stop: tuple[str, ...] = ()
    answer: Answer | None = None
    left: int = 0
