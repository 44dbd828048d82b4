"""The ports of what FirstFive tells about itself: what happens is told as it does, what stands is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.approval import Decision
from bot.domain.incident import Severity
from bot.domain.run import Run
from bot.ports.beating import Pulse
from bot.ports.keeping import Tx


class Observer(Protocol):
    """Is told what happens by whoever does it; takes microseconds and never raises, so that nobody pays for it.

    Durations are seconds.
    """

    def run_begun(self, run: Run) -> None:
        """Hear that a worker has claimed a run: for the first time if its fence is 1."""

    def run_ended(self, run: Run) -> None:
        """Hear that a run has ended, or is parked."""

    def step_ended(self, playbook: str, step: str, outcome: str, seconds: float) -> None:
        """Hear that a step has ended: it is "done", "failed", "refused" or "missing"."""

    def approval_decided(self, decision: Decision, waited_s: float) -> None:
        """Hear what became of a request for an approval."""

    def stream_opened(self) -> None:
        """Hear that a page listens."""

    def stream_closed(self) -> None:
        """Hear that it listens no more."""


class Unobserved:
    """Lets everything pass."""

    def run_begun(self, run: Run) -> None:
        """Let it pass."""

    def run_ended(self, run: Run) -> None:
        """Let it pass."""

    def step_ended(self, playbook: str, step: str, outcome: str, seconds: float) -> None:
        """Let it pass."""

    def approval_decided(self, decision: Decision, waited_s: float) -> None:
        """Let it pass."""

    def stream_opened(self) -> None:
        """Let it pass."""

    def stream_closed(self) -> None:
        """Let it pass."""


@dataclass(frozen=True)
class Standing:
    """What stands in the database at a moment, for all processes that share it; ages are seconds, 0 for none.

    `incidents` are those neither resolved nor closed, by severity: neither private ones nor drills. Runs that are
    `waiting` could begin now, `scheduled` ones have a time that is to come. `approvals` wait to be decided.
    """

    incidents: Mapping[Severity, int]
    waiting: int = 0
    scheduled: int = 0
    running: int = 0
    parked: int = 0
    oldest_waiting_s: float = 0.0
    approvals: int = 0
    oldest_approval_s: float = 0.0


class Gauges(Protocol):
    """Reads what stands."""

    def read(self, tx: Tx, now: datetime) -> Standing:
        """Count it: as quick for a house of ten thousand incidents as for one of ten."""


@dataclass(frozen=True)
class Moment:
    """All that is true at a moment. `standing` is None while the database does not answer.

    `usable` tells of each of our own parts whether it is, `degraded` of each thing elsewhere whether it ails.
    """

    standing: Standing | None = None
    pulse: Pulse = field(default_factory=Pulse)
    usable: Mapping[str, bool] = field(default_factory=dict)
    degraded: Mapping[str, bool] = field(default_factory=dict)
