"""Targets of the lab are gone at once, under load: nobody told the router, and nothing was drained."""

from collections.abc import Callable

from bot.lab.errors import TargetFailed
from bot.lab.stage import Stage


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """End the star alone, another one, which gets more requests than a canary does, or both."""
    if not stage.router:
        raise TargetFailed("nothing sends requests to a target that is gone: start the lab with --router")
    others = [name for name in stage.roles if name != stage.star]
    gone = {"small": [stage.star], "medium": others[:1], "large": [*others[:1], stage.star]}[size]
    for name in gone:
        stage.end(name)

    def back() -> None:
        for name in gone:
            stage.recast(name)

    return back
