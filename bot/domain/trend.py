"""What a picture says better than words: how a number went over days or hours."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DAYS = 14
FEWEST = 2
"""Incidents (or values) from which there is a trend; one is a line of text."""
HOURS, STEP = 24, timedelta(minutes=30)
"""How far back a metric is drawn, and how finely: as many columns as a phone shows."""


@dataclass(frozen=True)
class Panel:
    """One row of columns, oldest first. `title` names the unit; a value is None where nobody knows it.

    `beside`: as many values of something else, to be compared with.
    """

    title: str
    values: tuple[float | None, ...]
    begins: str
    ends: str
    beside: tuple[float | None, ...] = ()

    @property
    def highest(self) -> float:
        """The largest value."""
        return max((value for value in (*self.values, *self.beside) if value is not None), default=0.0)

    @property
    def words(self) -> str:
        """Say the same without a picture."""
        last = ", ".join(_last(values) for values in (self.values, self.beside) if values)
        return f"{self.title}: {last} at the end, {self.highest:.3g} at most, from {self.begins} to {self.ends}"


@dataclass(frozen=True)
class Trend:
    """What is drawn, panel below panel; none is nothing worth drawing."""

    panels: tuple[Panel, ...] = ()

    @property
    def title(self) -> str:
        """What the picture is about, in a line."""
        return "; ".join(panel.title for panel in self.panels)

    @property
    def words(self) -> str:
        """What the picture shows, for who cannot see it."""
        return ". ".join(panel.words for panel in self.panels)


def _last(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{known[-1]:.3g}" if known else "unknown"


def incidents_per_day(opened: Iterable[date], today: date) -> Panel | None:
    """Count incidents by the day (UTC) they were opened on; None when there are too few for a trend."""
    counted = Counter((today - day).days for day in opened)
    values = tuple(float(counted[ago]) for ago in reversed(range(DAYS)))
    if sum(values) < FEWEST:
        return None
    return Panel(
        f"incidents per day, {DAYS} days", values, f"{today - timedelta(days=DAYS - 1):%m-%d}", f"{today:%m-%d}"
    )


def over_hours(title: str, values: Sequence[float | None]) -> Panel | None:
    """Draw a metric up to now; None when too little is known of it."""
    if sum(value is not None for value in values) < FEWEST:
        return None
    return Panel(title, tuple(values), f"-{HOURS} h", "now")
