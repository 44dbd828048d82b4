"""The bisects of an incident, as its timeline tells of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.domain.bisect.question import Kind as Found
from bot.domain.bisect.standing import Sought, Standing
from bot.domain.bisect.standing import lines as standing_lines
from bot.domain.bisect.telling import Told, in_a_line
from bot.domain.timeline import Entry, Kind

_BLAMES = {Found.CULPRIT, Found.SUSPECTS}


@dataclass(frozen=True)
class Bisect:
    """One of them: where it stands, or what it told; `log` is the artifact that git replays.

    `failed` says why it ended without an answer.
    """

    run: str
    at: datetime
    sought: Sought
    standing: Standing | None = None
    told: Told | None = None
    log: str = ""
    failed: str = ""

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to come."""
        return self.told is not None or bool(self.failed)


def follow(bisects: Sequence[Bisect], entry: Entry) -> tuple[Bisect, ...]:
    """Give the bisects after one more entry, in the order in which they began."""
    known = next((each for each in bisects if each.run == entry.run_id), None)
    if entry.kind == Kind.RUN_ENDED:
        if known is None or known.is_over:
            return tuple(bisects)
        changed = replace(known, failed=str(entry.facts.get("reason") or "The answer is not on the timeline any more."))
    else:
        facts = entry.facts
        changed = replace(known or Bisect(entry.run_id, entry.at, Sought(**facts["sought"])), at=entry.at)
        changed = replace(changed, sought=Sought(**facts["sought"]))
        if entry.kind == Kind.BISECTING:
            changed = replace(changed, standing=Standing.read(facts))
        else:
            changed = replace(changed, told=Told.read(facts), log=str(facts["artifact"]))
    if known is None:
        return (*bisects, changed)
    return tuple(changed if each is known else each for each in bisects)


def blamed(bisects: Sequence[Bisect]) -> Bisect | None:
    """Give the latest that blames commits, unless the same question has been answered otherwise since."""
    latest = {each.sought.what: each for each in sorted(bisects, key=lambda each: each.at) if each.told}
    blaming = [each for each in latest.values() if each.told and each.told.found in _BLAMES]
    return max(blaming, key=lambda each: each.at, default=None)


def culprit(bisects: Sequence[Bisect]) -> str:
    """Say in a line which commits are to blame; "" while none is."""
    bisect = blamed(bisects)
    return in_a_line(bisect.told) if bisect and bisect.told else ""


def bisecting(facts: Mapping[str, Any]) -> str:
    """Tell in a sentence where a bisect stands."""
    return standing_lines(Sought(**facts["sought"]), Standing.read(facts))[0]


def bisected(facts: Mapping[str, Any]) -> str:
    """Tell in two sentences what a bisect found."""
    told = Told.read(facts)
    return f"{in_a_line(told).rstrip('.')}. {told.why}"
