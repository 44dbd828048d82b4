"""How a service's users fared around an incident: its error ratio and P95 over time, with what was reached when."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.chronicle import WIDTH, heads
from bot.domain.drawing import INK, LETTER_HEIGHT, LINE, QUIET, Box, Label
from bot.domain.incident import Incident
from bot.domain.measures import Milestone
from bot.domain.timeline import Entry, Kind, from_us, to_us

WHAT = "What users saw around the incident"
"""How the artifact with the numbers is called on a timeline."""
BESIDE = timedelta(minutes=15)
"""How long before its start and after its end users are looked at."""
_COLUMNS = 120
_FINEST_S = 15
_LEFT, _RIGHT, _PANEL, _FOOT = 12, 12, 110, 22
_COLUMN = 0xC2410C
_FORMAT = "firstfive-experience-1"


@dataclass(frozen=True)
class Experience:
    """Numbers at every step from `begin` on; None where nobody knows. `errors`: shares 0..1; `p95_s`: seconds."""

    service: str
    begin: datetime
    step_s: int
    errors: tuple[float | None, ...]
    p95_s: tuple[float | None, ...]

    @property
    def end(self) -> datetime:
        """When the last step was."""
        return self.begin + timedelta(seconds=self.step_s * (len(self.errors) - 1))

    @property
    def is_known(self) -> bool:
        """Tell whether there is anything to draw."""
        return sum(value is not None for value in (*self.errors, *self.p95_s)) > 1


@dataclass(frozen=True)
class Window:
    """What is to be looked at: so far back from `until`, a number each `step`."""

    until: datetime
    length: timedelta
    step: timedelta


def window(incident: Incident, now: datetime) -> Window:
    """Give what to look at of an incident: from before its start until after its end, or until now."""
    since = min(incident.milestones.get(Milestone.STARTED, incident.opened_at), incident.opened_at) - BESIDE
    ended = incident.milestones.get(Milestone.RESOLVED) or incident.milestones.get(Milestone.MITIGATED)
    until = min(now, ended + BESIDE) if ended else now
    length = max(until - since, timedelta(seconds=_FINEST_S * 2))
    step = max(_FINEST_S, -(-int(length.total_seconds()) // _COLUMNS))
    return Window(until, length, timedelta(seconds=step))


def measured(
    service: str, at: Window, errors: Sequence[float | None] | None, p95_s: Sequence[float | None] | None
) -> Experience:
    """Put together what was measured, at every step up to the window's end; None for what could not be measured."""
    count = at.length // at.step
    unknown = (None,) * count
    begin = at.until - at.step * (count - 1)
    return Experience(service, begin, int(at.step.total_seconds()), tuple(errors or unknown), tuple(p95_s or unknown))


def is_experience(entry: Entry) -> bool:
    """Tell whether an entry keeps what users saw."""
    return entry.kind == Kind.ARTIFACT and entry.facts.get("what") == WHAT


def write(it: Experience) -> bytes:
    """Give the numbers as JSON."""
    said = {
        "format": _FORMAT,
        "service": it.service,
        "begin_us": to_us(it.begin),
        "step_s": it.step_s,
        "errors": it.errors,
        "p95_s": it.p95_s,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")


def read(content: bytes) -> Experience | None:
    """Read numbers back; None when it is not what `write` gives."""
    try:
        said = json.loads(content)
        rows = [_numbers(said[name]) for name in ("errors", "p95_s")]
        if said["format"] != _FORMAT or len(rows[0]) != len(rows[1]) or len(rows[0]) < 1:
            return None
        step_s = int(said["step_s"])
        return Experience(str(said["service"]), from_us(int(said["begin_us"])), max(step_s, 1), *rows)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _numbers(values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None else float(value) for value in values)


def words(it: Experience) -> str:
    """Say the same without a picture."""
    told = [_told("error ratio", it.errors, 100, "%"), _told("P95", it.p95_s, 1000, "ms")]
    return f"{it.service} from {it.begin:%Y-%m-%d %H:%M} to {it.end:%H:%M} UTC: {', '.join(told)}"


def _told(what: str, values: Sequence[float | None], scale: float, unit: str) -> str:
    known = [scale * value for value in values if value is not None]
    if not known:
        return f"{what} unknown"
    return f"{what} {known[0]:.3g} {unit} at first, {max(known):.3g} {unit} at most, {known[-1]:.3g} {unit} at the end"


def shapes(it: Experience, reached: Sequence[tuple[str, datetime]]) -> tuple[int, list[Box | Label]]:
    """Draw both numbers over one axis, a thin line for what was reached; give also how high it is."""
    inside = [(name, at) for name, at in reached if it.begin <= at <= it.end]
    placed, top = heads([(f"{name} {at:%H:%M:%S}", _x(it, at)) for name, at in inside])
    rows = [
        (title, [None if value is None else scale * value for value in values])
        for title, scale, values in (
            (f"{it.service}: errors, %", 100.0, it.errors),
            (f"{it.service}: P95, ms", 1000.0, it.p95_s),
        )
        if any(value is not None for value in values)
    ]
    foot = top + _PANEL * len(rows)
    drawn: list[Box | Label] = []
    for place, (title, values) in enumerate(rows):
        drawn += _panel(title, values, top + place * _PANEL)
    for x, left, said, y in placed:
        drawn += [Box(x, y, 1, foot - y, INK), Label(left, y, said)]
    drawn += [
        Label(_LEFT, foot + 6, f"{it.begin:%Y-%m-%d %H:%M} UTC", colour=QUIET),
        Label(WIDTH - _RIGHT, foot + 6, f"{it.end:%H:%M} UTC", ends=True, colour=QUIET),
    ]
    return foot + _FOOT + 6, drawn


def _panel(title: str, values: Sequence[float | None], top: int) -> Iterator[Box | Label]:
    highest = max((value for value in values if value is not None), default=0.0)
    base, room = top + _PANEL - 8, _PANEL - 8 - 2 * LETTER_HEIGHT - 16
    yield Label(_LEFT, top + 6, title, colour=QUIET)
    yield Label(WIDTH - _RIGHT, top + 6, f"max {highest:.3g}", ends=True, colour=QUIET)
    step = (WIDTH - _LEFT - _RIGHT) / len(values)
    for place, value in enumerate(values):
        left, right = round(_LEFT + place * step), round(_LEFT + (place + 1) * step)
        tall = round(room * value / highest) if value and value > 0 and highest > 0 else 0
        yield Box(left, base - tall, max(right - left - 1, 1), tall, _COLUMN)
    yield Box(_LEFT, base, WIDTH - _LEFT - _RIGHT, 2, LINE)


def _x(it: Experience, at: datetime) -> int:
    room = WIDTH - _LEFT - _RIGHT
    spent = (it.end - it.begin) or timedelta(seconds=1)
    return _LEFT + round(room * ((at - it.begin) / spent))
