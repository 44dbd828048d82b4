"""The timed phases of the SOP, as an incident's timeline tells of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.timeline import Entry, Kind

SOP = "sop"


class PhaseState(StrEnum):
    """Where a phase of the SOP stands."""

    AHEAD = "ahead"
    RUNNING = "running"
    DONE = "done"
    OVERRAN = "overran"
    FAILED = "failed"


@dataclass(frozen=True)
class Phase:
    """One timed phase of the SOP. `budget_s` in seconds; times are None until they happened."""

    name: str
    title: str
    budget_s: float
    state: PhaseState
    started_at: datetime
    ended_at: datetime | None = None
    summary: str = ""

    def elapsed_s(self, now: datetime) -> float:
        """Seconds from its start to its end, or to now while it runs."""
        return ((self.ended_at or now) - self.started_at).total_seconds()


_OUTCOMES = {"done": PhaseState.DONE, "missing": PhaseState.OVERRAN, "failed": PhaseState.FAILED}


def follow(phases: Iterable[Phase], entry: Entry) -> tuple[Phase, ...]:
    """Give the phases after a step of the SOP has begun or ended."""
    facts = entry.facts
    if entry.kind == Kind.STEP_STARTED:
        phase = Phase(facts["step"], facts["title"], facts["budget_s"], PhaseState.RUNNING, entry.at)
        return (*(each for each in phases if each.name != phase.name), phase)
    ended = {"state": _OUTCOMES[facts["outcome"]], "ended_at": entry.at, "summary": facts["summary"]}
    return tuple(replace(each, **ended) if each.name == facts["step"] else each for each in phases)


def end_blanked(phases: Iterable[Phase], entry: Entry) -> tuple[Phase, ...]:
    """End the phase whose end has lost its words: it is over all the same."""
    return tuple(
        replace(each, state=PhaseState.DONE, ended_at=entry.at)
        if (each.name, each.state) == (entry.step, PhaseState.RUNNING)
        else each
        for each in phases
    )
