"""What the doctor found: a line for each thing that must work, and what mends it when it does not."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing is: well, well enough, or not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `said` and `mend` are fit for a person, and hold no secret."""

    name: str
    state: State
    said: str
    mend: str = ""

    def as_text(self, width: int = 0) -> str:
        """Give it as one line; names are padded to a width."""
        mend = f" -> {self.mend}" if self.mend else ""
        return f"{self.state.value:4}  {self.name:{width}}  {self.said}{mend}"


def ok(name: str, said: str) -> Check:
    """Say that a thing is well."""
    return Check(name, State.OK, said)


def warn(name: str, said: str, mend: str) -> Check:
    """Say that a thing works in part, or could not be looked at."""
    return Check(name, State.WARN, said, mend)


def fail(name: str, said: str, mend: str) -> Check:
    """Say that a thing does not work."""
    return Check(name, State.FAIL, said, mend)
