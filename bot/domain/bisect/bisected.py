"""What people are shown of a bisect: what was asked, how far it is, what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import log2

from bot.domain.bisect.history import Described, History
from bot.domain.bisect.question import Find, Kind, Running
from bot.domain.bisect.results import Result, Trial

PROGRESS = "progress"
"""Under which key a run keeps how far it is."""


@dataclass(frozen=True)
class Asked:
    """What was asked, the ends named in full: enough to ask the same again.

    `place` is the path or the address of the repository; `good` and `bad` are the ends as they were typed; `overlay` is
    the name of the file that is laid over the package, `sha256` the digest of what it holds.
    """

    place: str
    old: str
    new: str
    good: str = ""
    bad: str = ""
    find: Find = Find.BREAK
    test: str = ""
    package: str = ""
    command: tuple[str, ...] = ()
    overlay: str = ""
    sha256: str = ""
    timeout_s: float = 60.0
    first_parent: bool = False
    service: str = ""
    summary: str = ""

    @property
    def subject(self) -> str:
        """What is run at each commit, in a few words."""
        return " ".join(self.command) or f"{self.test} of ./{self.package}"


@dataclass(frozen=True)
class Seen:
    """A run that ended: at which commit, where that stands in the range (0 is the oldest, -1 outside), what it told."""

    commit: str
    place: int
    result: Result
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a bisect is. `commits` are in question, of which `left` may still have changed the test.

    `seen` are the runs that ended, in order; `running` is where those stand that have not. `width`: runs at once.
    """

    asked: Asked
    begun_at: datetime
    at: datetime
    commits: int
    left: int
    seen: tuple[Seen, ...] = ()
    running: tuple[int, ...] = ()
    width: int = 1

    def __str__(self) -> str:
        """Say it in a few words."""
        left = f"{self.left} of {self.commits} commits left" if self.commits else "looking for an older end"
        return f"{left}, {len(self.seen)} runs, {len(self.running)} at work"

    @property
    def done(self) -> float:
        """The share that is done (0..1), by how often what is left must be halved; the proof is the last of it."""
        if self.commits < 1:
            return 0.0
        return max(0.0, 1 - (log2(max(1, self.left)) + 1) / (log2(self.commits) + 1))


def seen(history: History, trials: Sequence[Trial], running: Sequence[Running], known: Progress) -> Progress:
    """Say what ran and what runs by now, and where in the range that is."""
    place = history.place
    ended = (each for each in trials if not each.moot)
    told = tuple(Seen(each.commit, place.get(each.commit, -1), each.result, each.seconds) for each in ended)
    return replace(known, seen=told, running=tuple(place.get(each.commit, -1) for each in running))


@dataclass(frozen=True)
class Bisected:
    """What came out, in words and in figures; `culprit` is a commit named in full, None where none is named.

    `author` to `files` tell what the culprit is; `suspects` are the commits one of which it was, the first of
    `suspected`. `test_runs` counts every run that was started, `runs` by purpose. `log` is an artifact: what was run,
    as `git bisect replay` reads it.
    `earlier` names the run that had answered the same question, if one had.
    """

    kind: Kind
    culprit: str | None
    confidence: float
    test_runs: int
    why: str
    summary: str
    asked: Asked
    commits: int
    seconds: float
    author: str = ""
    email: str = ""
    at: datetime | None = None
    message: str = ""
    files: tuple[str, ...] = ()
    suspects: tuple[Described, ...] = ()
    suspected: int = 0
    posterior: tuple[tuple[str, float], ...] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    log: str = ""
    earlier: str = ""

    @property
    def artifact(self) -> str:
        """The log, for whoever asked."""
        return self.log
