"""An incident at a glance: when each phase and each run began and ended, what was reached, when people spoke.

The first minutes are what matters, and the rest may take days: where an incident is much longer than its five minutes,
these have half of the width, and the picture says where its scale changes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.drawing import INK, LETTER_ADVANCE, LETTER_HEIGHT, LINE, QUIET, SOFT, Box, Label, fitting
from bot.domain.incident import Incident
from bot.domain.measures import Milestone, duration
from bot.domain.narrative import by_itself
from bot.domain.phases import SOP, PhaseState
from bot.domain.timeline import Entry, Kind, in_time

WIDTH = 960
_LEFT, _RIGHT, _LANE, _BAR = 166, 24, 26, 14
_MOST_RUNS = 8
_LETTER, _ADVANCE = LETTER_HEIGHT * 2, LETTER_ADVANCE * 2
_ROW = _LETTER + 6
BAD, PERSON = 0xB3261E, 0x7D4CA8
_GOOD, _SLOW, _RUN = 0x3D8B5F, 0xB7791F, 0x4B7FD1
_COLOURS = {PhaseState.FAILED.value: BAD, PhaseState.OVERRAN.value: _SLOW, PhaseState.DONE.value: _GOOD}
_LONG = 2
"""How many times its five minutes an incident lasts before these get a scale of their own."""
_STEPS_S = (10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000)


@dataclass(frozen=True)
class Span:
    """Something that took time. `state` is a word of its kind; times UTC."""

    title: str
    begin: datetime
    end: datetime
    state: str = ""


@dataclass(frozen=True)
class Lane:
    """A row: spans beside each other, or moments."""

    title: str
    spans: tuple[Span, ...] = ()
    moments: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Chronicle:
    """What is drawn, from `begin` to `end`; the scale changes at `bend` (None: it does not)."""

    begin: datetime
    end: datetime
    bend: datetime | None
    marks: tuple[tuple[str, datetime], ...]
    lanes: tuple[Lane, ...]

    @property
    def words(self) -> str:
        """Say the same without a picture."""
        marks = ", ".join(f"{name} at {at:%H:%M:%S} UTC" for name, at in self.marks) or "nothing was reached"
        return f"{duration(self.end - self.begin)} from {self.begin:%Y-%m-%d %H:%M:%S} UTC: {marks}"


def chronicle(incident: Incident, entries: Sequence[Entry]) -> Chronicle:
    """Lay out an incident from its timeline (at least its opening entry)."""
    told = in_time(entries)
    reached = milestones(incident)
    ended = incident.milestones.get(Milestone.RESOLVED) or told[-1].at
    begin = min([incident.opened_at, *(at for _, at in reached)])
    end = max([ended, *(at for _, at in reached), begin + timedelta(seconds=1)])
    bend = incident.deadline_at if end - begin > _LONG * (incident.deadline_at - begin) else None
    phases = tuple(Span(p.title, p.started_at, p.ended_at or end, p.state.value) for p in incident.phases)
    people = tuple(entry.at for entry in told if not by_itself(entry) and begin <= entry.at <= end)
    lanes = [Lane("Five minutes", phases), *_runs(told, end), Lane("People", moments=people)]
    shown = tuple(lane for lane in lanes if lane.spans or lane.moments)
    return Chronicle(begin, end, bend, reached, shown)


def milestones(incident: Incident) -> tuple[tuple[str, datetime], ...]:
    """Give what was reached, in the order of time."""
    reached = [(each.value, incident.milestones[each]) for each in Milestone if each in incident.milestones]
    return tuple(sorted(reached, key=lambda each: each[1]))


def _runs(entries: Iterable[Entry], end: datetime) -> list[Lane]:
    """Give a lane for each playbook of which a run is told, in the order they began; the SOP is its phases."""
    begun: dict[str, tuple[str, datetime]] = {}
    lanes: dict[str, dict[str, Span]] = {}
    for entry in entries:
        facts = entry.facts
        if entry.kind == Kind.RUN_STARTED and facts.get("playbook") not in {SOP, None}:
            begun[entry.run_id] = (str(facts["playbook"]), entry.at)
            lanes.setdefault(str(facts["playbook"]), {})[entry.run_id] = Span("", entry.at, end, "running")
        elif entry.kind == Kind.RUN_ENDED and entry.run_id in begun:
            name, since = begun[entry.run_id]
            lanes[name][entry.run_id] = Span("", since, entry.at, str(facts.get("status", "")))
    return [Lane(name, tuple(spans.values())) for name, spans in list(lanes.items())[:_MOST_RUNS]]


def shapes(it: Chronicle) -> tuple[int, list[Box | Label]]:
    """Draw it, `WIDTH` pixels wide; give also how high it is."""
    placed, top = heads([(f"{name} {at:%H:%M:%S}", _x(it, at)) for name, at in it.marks])
    foot = top + _LANE * len(it.lanes)
    drawn: list[Box | Label] = []
    if it.bend is not None:
        drawn.append(Box(_LEFT, top, _x(it, it.bend) - _LEFT, foot - top, SOFT))
    drawn += [Box(_x(it, at), top, 1, foot - top, LINE) for at in _ticks(it)]
    for place, lane in enumerate(it.lanes):
        drawn += _lane(it, lane, top + place * _LANE)
    drawn.append(Box(_LEFT, foot, WIDTH - _LEFT - _RIGHT, 2, LINE))
    for x, left, words, y in placed:
        drawn += [Box(x, y, 1, foot - y, INK), Label(left, y, words)]
    drawn += _foot(it, foot + 8)
    return foot + 8 + _ROW, drawn


def heads(marks: Sequence[tuple[str, int]]) -> tuple[list[tuple[int, int, str, int]], int]:
    """Place words above vertical lines, each in the first row that has room: x of its line and of its words, they, y.

    `marks` are words and the x of their line, from left to right. Give also how high all rows are.
    """
    free: list[int] = []
    placed = []
    for words, x in marks:
        wide = len(words) * _ADVANCE + 12
        left = x + 5 if x + wide <= WIDTH else x - wide + 8
        row = next((row for row, until in enumerate(free) if until <= min(x, left)), len(free))
        free[row : row + 1] = [max(x, left + wide)]
        placed.append((x, left, words, row * _ROW + 2))
    return placed, _ROW * len(free) + 8


def _lane(it: Chronicle, lane: Lane, top: int) -> Iterator[Box | Label]:
    yield Label(8, top + (_LANE - _LETTER) // 2, fitting(lane.title, _LEFT - 16), colour=QUIET)
    over = top + (_LANE - _BAR) // 2
    for span in lane.spans:
        left, right = _x(it, span.begin), _x(it, span.end)
        wide = max(right - left - 1, 3)
        yield Box(left, over, wide, _BAR, _COLOURS.get(span.state, _RUN) if span.title else _of_run(span.state))
    for at in lane.moments:
        yield Box(_x(it, at) - 1, over, 3, _BAR, PERSON)


def _of_run(status: str) -> int:
    return BAD if status == "failed" else _SLOW if status in {"refused", "parked"} else _RUN


def _foot(it: Chronicle, top: int) -> Iterator[Label]:
    """Write the times below the lanes, as many as there is room for."""
    days = it.begin.date() != it.end.date()
    yield Label(_LEFT, top, f"{it.begin:%H:%M:%S} UTC", colour=QUIET)
    free = _LEFT + 13 * _ADVANCE
    last = f"{it.end:%m-%d %H:%M}" if days else f"{it.end:%H:%M:%S}"
    until = WIDTH - _RIGHT - (len(last) + 1) * _ADVANCE
    for at in _ticks(it):
        words = f"{at:%m-%d %H:%M}" if days and it.end - it.begin > timedelta(days=2) else f"{at:%H:%M}"
        x = _x(it, at) - len(words) * _ADVANCE // 2
        if x >= free and x + len(words) * _ADVANCE <= until:
            free = x + (len(words) + 2) * _ADVANCE
            yield Label(x, top, words, colour=QUIET)
    yield Label(WIDTH - _RIGHT, top, last, ends=True, colour=QUIET)


def _x(it: Chronicle, at: datetime) -> int:
    room = WIDTH - _LEFT - _RIGHT
    if it.bend is None:
        return _LEFT + round(room * _share(it.begin, at, it.end))
    if at <= it.bend:
        return _LEFT + round(room / 2 * _share(it.begin, at, it.bend))
    return _LEFT + round(room / 2 * (1 + _share(it.bend, at, it.end)))


def _share(begin: datetime, at: datetime, end: datetime) -> float:
    return min(max((at - begin) / (end - begin), 0.0), 1.0) if end > begin else 0.0


def _ticks(it: Chronicle) -> Iterator[datetime]:
    """Give round times, some six to each scale."""
    parts = [(it.begin, it.end)] if it.bend is None else [(it.begin, it.bend), (it.bend, it.end)]
    for begin, end in parts:
        spent = (end - begin).total_seconds()
        step = next((each for each in _STEPS_S if spent / each <= 6), _STEPS_S[-1])  # noqa: PLR2004 - see above
        first = datetime.fromtimestamp(-(-begin.timestamp() // step) * step, begin.tzinfo)
        for number in range(7):
            at = first + timedelta(seconds=step * number)
            if begin < at < end:
                yield at
