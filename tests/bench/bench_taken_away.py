"""A target taken away under load behind a real HAProxy: what users lose, and how soon it is sent to again."""

from collections.abc import Iterable

from tests.bench.figures import load, scratch
from tests.bench.row import Row
from tests.routers.taking import CHECK_MS, FALL, Taken, take_away


def run() -> Iterable[Row]:
    """Take it away at once, at once with requests that are tried again, and drained."""
    at_once, again, drained = (_taken(drained=False, again=False), _taken(again=True), _taken(drained=True))
    checked = f"checked every {CHECK_MS} ms, fall {FALL}; {load()}"
    yield Row("gone at once: requests lost", at_once.failed, notes=f"of {at_once.requests}; {checked}")
    yield Row("gone at once, redispatch: lost", again.failed, at_most=4, notes=f"of {again.requests}; those under way")
    yield Row("drained, then gone: lost", drained.failed, at_most=0, notes=f"of {drained.requests}")
    slowest = max(each.back_s for each in (at_once, again, drained))
    yield Row("listening to sent to again, worst", slowest, "s", notes="a check's interval, and its answer")


def _taken(*, drained: bool = False, again: bool = False) -> Taken:
    with scratch() as folder:
        return take_away(folder, drained=drained, again=again)
