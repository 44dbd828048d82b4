"""Requests that pile up computing: what a starved process still tells when its CPU profile does not come."""

from dataclasses import dataclass

from bot.domain.facts import Facts
from bot.domain.faults.finding import Evidence, suffers
from bot.domain.stacks import Frame

MIN_PILED = 10
MIN_SHARE = 0.5
"""Of the requests: otherwise they wait for something else, and some happen to run."""
MIN_SAMPLES = 20
"""With so many samples of a CPU profile nobody needs to look at piles."""
MIN_ALLOCATING = 0.25
"""Of those who compute: getting memory takes so short that so many there are held up by it."""


@dataclass(frozen=True)
class Pile:
    """Requests that run, or could: how many, at which own line most of them, and the part that gets memory."""

    count: int
    frame: Frame
    allocating: float


def pile(facts: Facts) -> Pile | None:
    """Give the requests that pile up computing, where users suffer and there is no CPU profile to tell why."""
    if not suffers(facts.probe) or (facts.cpu is not None and facts.cpu.samples >= MIN_SAMPLES):
        return None
    crowds = [each for each in facts.crowds if each.request and not each.state]
    number = sum(each.count for each in crowds)
    handling = facts.window.handling if facts.window and facts.window.handling else facts.handling
    if number < MIN_PILED or number < MIN_SHARE * handling:
        return None
    return Pile(number, crowds[0].frame, sum(each.allocating for each in crowds) / number)


def evidence(facts: Facts, found: Pile) -> tuple[Evidence, ...]:
    """Give the pile as evidence."""
    file = facts.file("goroutine-2") if facts.window else facts.file("goroutine")
    lack = next((loss.reason for loss in facts.losses if loss.part == "cpu"), "too few samples")
    return (
        Evidence("requests that compute at once", f"{found.count}, most at {found.frame}", file),
        Evidence("no CPU profile", lack, "manifest.json"),
    )
