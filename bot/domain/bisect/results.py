"""What one run of the test at one commit told."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """What a test says at a commit. Neither of the last two says that the commit is good."""

    GOOD = "good"
    BAD = "bad"
    UNTESTABLE = "untestable"
    ABSENT = "absent"

    @property
    def tells(self) -> bool:
        """Tell whether the test ran there."""
        return self in {Result.GOOD, Result.BAD}


class Purpose(StrEnum):
    """What a run is for; each is counted apart."""

    SEARCH = "search"
    ENDS = "ends"
    RETEST = "retest"


@dataclass(frozen=True)
class Trial:
    """One run that ended, at a commit named in full.

    `seconds` passed in all, `cpu_s` of them on processors, `build_s` in the build. `broken` names the packages that did
    not build. `binary` is the digest of what was run and `log` the name of what it wrote. A run is `moot` when it was
    stopped because its answer was no longer wanted: its result says nothing. `why` it is untestable, in a line.
    """

    commit: str
    result: Result
    seconds: float = 0.0
    cpu_s: float = 0.0
    build_s: float = 0.0
    broken: tuple[str, ...] = ()
    binary: str = ""
    log: str = ""
    moot: bool = False
    purpose: Purpose = Purpose.SEARCH
    why: str = ""
