"""A service in the middle of the chain asks the next one without the headers that requests came with."""

from collections.abc import Callable

from bot.lab.chain import CHAIN
from bot.lab.errors import TargetFailed
from bot.lab.stage import Stage

PRICING = CHAIN[0]
_DROPS = {
    "small": "baggage",
    "medium": "traceparent,tracestate",
    "large": "traceparent,tracestate,baggage,X-Request-ID",
}


def begin(stage: Stage, size: str) -> Callable[[], None]:
    """Start pricing again with what it drops: baggage, the trace, or all of it."""
    if PRICING not in stage.roles:
        raise TargetFailed("there is no chain to drop headers in: start the lab with --chain")
    stage.recast(PRICING, environment={"CHECKOUT_DROPS": _DROPS[size]})
    return lambda: stage.recast(PRICING)
