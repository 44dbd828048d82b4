"""Bisects for the pages: where each stands, or what it told and how that can be checked."""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from bot.domain.bisect.bisected import Bisected
from bot.domain.bisect.bisects import Bisect
from bot.domain.bisect.question import Find
from bot.domain.bisect.standing import lines
from bot.domain.bisect.telling import Made, in_a_line, of, spent
from bot.domain.incident import Incident
from bot.domain.narrative import unmarked
from bot.domain.run import Run

_MOST = 5
_PLAYBOOK = "bisect"
_BISECTED: TypeAdapter[Bisected] = TypeAdapter(Bisected)


@dataclass(frozen=True)
class BisectView:
    """One bisect in words; `bar` is what its range looks like between `before` and `after`, "" once it has told.

    `log` is the artifact that git replays, `culprit` the commit that did it, `suspects` those one of which it was.
    """

    run: str
    at: datetime
    head: str
    words: tuple[str, ...]
    before: str
    after: str
    bar: str = ""
    culprit: Made | None = None
    suspects: tuple[Made, ...] = ()
    more: int = 0
    log: str = ""


def of_incident(incident: Incident) -> tuple[BisectView, ...]:
    """Give the latest bisects of an incident, newest first."""
    return tuple(_view(each) for each in reversed(incident.bisects[-_MOST:]))


def of_run(run: Run) -> BisectView | None:
    """Give what a run told, if it was a bisect that did."""
    if run.plan.playbook != _PLAYBOOK or run.ended_at is None:
        return None
    try:
        it = _BISECTED.validate_python(run.result)
    except ValidationError:
        return None
    told = of(it)
    return _view(Bisect(run.id, run.ended_at, told.sought, told=told, log=it.log))


def _view(bisect: Bisect) -> BisectView:
    find, told = Find(bisect.sought.find), bisect.told
    bare = BisectView(bisect.run, bisect.at, f"Bisecting {bisect.sought.what}", (), find.before.value, find.after.value)
    if told is not None:
        suspects = () if told.culprit else told.made
        return replace(
            bare,
            head=in_a_line(told),
            words=(told.why, spent(told)),
            culprit=told.culprit,
            suspects=suspects,
            more=max(0, told.suspects - len(suspects)),
            log=bisect.log,
        )
    if bisect.failed or bisect.standing is None:
        return replace(bare, words=(bisect.failed,))
    head, *rest = lines(bisect.sought, bisect.standing)
    words = tuple(each for each in rest if "`" not in each)
    return replace(bare, head=unmarked(head), words=words, bar=bisect.standing.bar)
