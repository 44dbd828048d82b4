"""How long a postmortem of 10,000 entries takes: its words, its pictures, and all of it as one file."""

import time
from collections.abc import Callable, Iterable
from statistics import median

from bot.adapters.documents import MarkdownDocuments
from bot.domain.figure import figures
from bot.domain.incident import fold
from bot.domain.timeline import Kind
from bot.domain.trend import Trend
from bot.engine.reporting import as_json
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.unit.web.story import BEN, Story, whole

ENTRIES = 10_000
ROUNDS = 5


def run() -> Iterable[Row]:
    """Write it some times, each time from the entries alone."""
    entries, documents = long_story().entries, MarkdownDocuments("http://127.0.0.1:8000")

    def words() -> str:
        return documents.postmortem(fold(entries), entries)

    def whole_file() -> str:
        incident = fold(entries)
        drawn = figures(incident, entries, None, Trend(), None)
        return documents.file(incident.title, documents.postmortem(incident, entries), drawn)

    ways: dict[str, Callable[[], str | bytes]] = {
        "Markdown": words,
        "one HTML file, with pictures": whole_file,
        "JSON": lambda: as_json(fold(entries), entries),
    }
    for name, way in ways.items():
        took = [timed(way) for _ in range(ROUNDS)]
        notes = f"{len(entries):,} entries, {len(way()) // 1000:,} kB; {spread(took)}; {load()}"
        yield Row(name, median(took), "s", at_most=1.0, notes=notes)


def long_story() -> Story:
    """Give an incident in which people wrote thousands of notes."""
    story = whole()
    while len(story.entries) < ENTRIES:
        number = len(story.entries)
        story.later(1).tell(Kind.NOTE, BEN, text=f"looked at number {number}, see `x_{number}` and https://example.com")
    return story


def timed(way: Callable[[], str | bytes]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began
