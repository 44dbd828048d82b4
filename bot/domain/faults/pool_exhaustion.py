"""Requests queue for one of a few connections or places, with nothing to end their wait."""

from dataclasses import dataclass

from bot.domain.facts import Crowd, Facts
from bot.domain.faults.finding import (
    CERTAIN,
    LIKELY,
    Beside,
    Evidence,
    Finding,
    is_slowed,
    is_slowing,
    percent,
    probe_evidence,
)
from bot.domain.faults.locks import STILL, is_past
from bot.domain.stacks import LOCK_WAITS, QUEUE_WAITS, UNREAD

FAULT = "pool-exhaustion"
MIN_WAITING = 10
MIN_UNSEEN = 20
"""Where nobody is seen to hold a place."""
MIN_SHARE = 0.3
"""Of the requests. Measured on a lab service: 290-1,990 requests waiting for 10 places; 0 when the pool is large
enough."""
MIN_QUEUE = 2.0
"""Waiting requests for each one that holds a place: fewer are a pool well used."""
MIN_MEAN_S = 0.2
"""Of one wait for a place: what makes a probe slow makes a request slow."""
MIN_FORSAKEN = 0.5
"""Of the requests: worked on for clients that have left."""
MIN_TURN = 0.25
"""Of what users wait: so much of it is the wait for a connection."""
QUICK_S = 0.05
"""A wait so short is none, however many there are at a time."""
ANSWERS = frozenset({"chan receive", "select"})
"""Waits that may be for an answer from somebody else as well as for a place."""
POOLS = frozenset({"SQL connection", "HTTP connection"})
"""Waits that are for a place by their nature."""
MIN_ASIDE = 0.9
"""Of those who wait: so many stay where they are while users are answered."""
CAUSES = LOCK_WAITS | POOLS | {"dial", "HTTP answer", UNREAD}
"""Waits that have a cause of their own; who waits for the answer of these only follows."""
MIN_CAUSE = 0.5
"""Of those who wait for an answer: so many in such a wait, or computing for requests, are the cause."""
HOLDING = (STILL - {UNREAD}) | {"chan receive", "select", "sync.Cond.Wait", "sync.WaitGroup.Wait"}


@dataclass(frozen=True)
class Queue:
    """Requests that wait for a place at one line, who holds the places, and who works for them in goroutines beside."""

    crowd: Crowd
    waiting: int
    before: int
    holders: tuple[Crowd, ...] = ()
    helpers: tuple[Crowd, ...] = ()

    @property
    def held(self) -> int:
        """How many places are seen to be held, in both readings: who has just been answered holds none."""
        before = sum(each.count if each.before is None else each.before for each in self.holders)
        return min(sum(each.count for each in self.holders), before)

    @property
    def is_of_places(self) -> bool:
        """Tell whether the wait is for a place, and not for an event: some went on from there and hold theirs."""
        if self.crowd.state in POOLS:
            return True
        return not self.helpers and self.held > 0 and self.waiting >= MIN_QUEUE * self.held


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a pool that requests wait for: many at a time, or each for most of what it takes."""
    return _long_queue(facts, beside) or _slow_turns(facts)


def _slow_turns(facts: Facts) -> Finding | None:
    """Find a pool whose connections are waited for, one request after the other, for a good part of each answer."""
    window = facts.window
    turn = next((each for each in (window.blocked if window else None) or () if each.state in POOLS), None)
    if turn is None or facts.probe is None or not is_slowing(facts):
        return None
    user_s = (facts.probe.p50_ms or 0.0) / 1000
    if turn.times < MIN_WAITING or turn.mean_s < max(QUICK_S, MIN_TURN * user_s):
        return None
    return Finding(
        FAULT,
        facts.target,
        f"Whoever asks for a connection at {turn.frame} ({turn.state}) waits {1000 * turn.mean_s:.0f} ms for it, of "
        f"{1000 * user_s:.0f} ms that users wait.",
        (
            Evidence(f"waits in {turn.state} at {turn.frame}", f"{turn.times} times", facts.file("block-2")),
            Evidence("time to get a place", f"{1000 * turn.mean_s:.0f} ms", facts.file("block-2")),
            *probe_evidence(facts),
        ),
        f"Look who keeps the connections that are waited for at {turn.frame} (rows not closed, work between two "
        "statements); size the pool last.",
        min(turn.mean_s / max(user_s, turn.mean_s), 1.0),
        LIKELY,
        f"Nobody waits at {turn.frame} for longer than a few milliseconds.",
    )


def _long_queue(facts: Facts, beside: Beside) -> Finding | None:
    """Find one line below a handler at which many requests wait for their turn, to their harm."""
    queue = longest_queue(facts)
    if queue is None:
        return None
    handling = _handling(facts)
    if queue.waiting < MIN_SHARE * handling or _is_forsaken(facts, queue, handling) or _only_follows(facts, queue):
        return None
    harm = _harm(facts, queue, beside)
    if not harm:
        return None
    file = facts.latest("goroutine")
    held = f"; {queue.held} others are being served" if queue.held else ""
    whose = f"of {handling} requests" if queue.crowd.request else f"goroutines, beside {handling} requests,"
    where = queue.holders[0].frame if queue.holders else "the served"
    return Finding(
        FAULT,
        facts.target,
        f"{queue.waiting} {whose} wait for their turn at {queue.crowd.frame} ({queue.crowd.state}){held}.",
        (
            Evidence(f"waiting in {queue.crowd.state} at {queue.crowd.frame}", str(queue.waiting), file),
            Evidence("requests in a handler", f"{handling}, {percent(queue.waiting / max(handling, 1))} there", file),
            *(Evidence(f"holding a place at {each.frame}", str(each.count), file) for each in queue.holders[:2]),
            *_waited(facts, queue),
            *probe_evidence(facts),
        ),
        f"Give the wait at {queue.crowd.frame} a deadline below the request's own (context.WithTimeout), then look why "
        f"{where} holds its place so long; size the pool last.",
        min(queue.waiting / max(handling, 1), 1.0),
        CERTAIN if queue.is_of_places and facts.window is not None else LIKELY,
        f"Fewer requests wait at {queue.crowd.frame} than are served, and none for longer than its deadline.",
    )


def longest_queue(facts: Facts) -> Queue | None:
    """Give the longest queue of requests at one line; one that is plainly for places goes before a longer one.

    Who waits for a connection on behalf of requests counts as well, when users suffer.
    """
    behind = is_slowed(facts)
    found = [
        Queue(each, each.count, each.before or 0, _holders(facts, each), helpers(facts, each))
        for each in facts.crowds
        if each.count >= MIN_WAITING
        and ((each.request and each.state in QUEUE_WAITS) or (behind and each.state in POOLS))
    ]
    return max(found, key=lambda queue: (queue.is_of_places, queue.waiting), default=None)


def _holders(facts: Facts, waiting: Crowd) -> tuple[Crowd, ...]:
    """Give who went on from where a crowd waits, largest first."""
    return tuple(each for each in facts.crowds if each.state in HOLDING and each.count and is_past(waiting, each))


def helpers(facts: Facts, waiting: Crowd) -> tuple[Crowd, ...]:
    """Give who runs a function that was written in the waiting one: what these do is what is waited for."""
    inner = f"{waiting.frame.function}."
    return tuple(
        each
        for each in facts.crowds
        if each.frame != waiting.frame and any(call.function.startswith(inner) for call in each.path)
    )


def _handling(facts: Facts) -> int:
    return facts.window.handling if facts.window and facts.window.handling is not None else facts.handling


def _mean_s(facts: Facts, queue: Queue) -> float:
    blocked = facts.window.blocked if facts.window else None
    return next((each.mean_s for each in blocked or () if each.frame == queue.crowd.frame), 0.0)


def _harm(facts: Facts, queue: Queue, beside: Beside) -> bool:
    """Tell a queue that harms from waiting by design: users suffer, it stands still or grows, or nobody else has it."""
    unseen = not queue.is_of_places
    if _is_quick(facts, queue) or (unseen and _is_aside(facts, queue)):
        return False
    if queue.waiting >= (MIN_UNSEEN if unseen else MIN_WAITING) and is_slowed(facts):
        return True
    if unseen and queue.crowd.state == "select":
        return False  # it may as well wait for news: a long poll
    if _is_shut(queue) or beside.far_exceeded(queue.waiting, lambda other: _at(other, queue.crowd), floor=4.0):
        return True
    if unseen or facts.window is None:
        return False
    stands = queue.crowd.stayed is not None and queue.crowd.stayed >= max(MIN_WAITING, 0.5 * queue.before)
    grows = queue.before >= MIN_WAITING // 2 and queue.crowd.grown >= MIN_WAITING
    return stands or grows or _mean_s(facts, queue) >= max(MIN_MEAN_S, facts.pace_s)


def _is_forsaken(facts: Facts, queue: Queue, handling: int) -> bool:
    """Tell whether most clients gave up on an answer, while nobody is seen to hold a place: it is no queue for one."""
    left = facts.sockets.count("CLOSE_WAIT") if facts.sockets else 0
    answers = queue.crowd.state in ANSWERS and not queue.is_of_places
    return answers and left >= max(MIN_WAITING, MIN_FORSAKEN * handling)


def _only_follows(facts: Facts, queue: Queue) -> bool:
    """Tell whether others wait elsewhere for what ends no such wait: those who wait for their answers only follow."""
    if queue.is_of_places and queue.crowd.state not in ANSWERS:
        return False
    known = (queue.crowd, *queue.holders)
    causes = [each for each in facts.crowds if each.state in CAUSES or (each.request and not each.state)]
    elsewhere = sum(each.count for each in causes if each not in known)
    return elsewhere >= MIN_CAUSE * queue.waiting


def _is_shut(queue: Queue) -> bool:
    """Tell whether nobody takes what is sent, and nobody gives up: places that were never given back."""
    stayed = queue.crowd.stayed or 0
    return queue.crowd.state == "chan send" and stayed >= max(MIN_UNSEEN, 0.5 * queue.before)


def _is_quick(facts: Facts, queue: Queue) -> bool:
    """Tell whether those who wait there are seen to go on at once: many at a time, but nobody for long."""
    return 0 < _mean_s(facts, queue) < QUICK_S and not queue.crowd.stayed


def _is_aside(facts: Facts, queue: Queue) -> bool:
    """Tell whether users are answered while all who wait there stay where they are: they are others' requests."""
    stayed, probe, window = queue.crowd.stayed, facts.probe, facts.window
    if stayed is None or probe is None or window is None or not probe.requests or _is_shut(queue):
        return False
    answered = not probe.failures and (probe.max_ms or 0.0) < 1000 * window.seconds
    return answered and stayed >= MIN_ASIDE * max(queue.before, 1)


def _at(facts: Facts, crowd: Crowd) -> float:
    return float(sum(each.count for each in facts.crowds if each.frame.function == crowd.frame.function))


def _waited(facts: Facts, queue: Queue) -> tuple[Evidence, ...]:
    if facts.window is None:
        return ()
    found = []
    if queue.crowd.stayed:
        stayed = f"{queue.crowd.stayed} of {queue.before}"
        found.append(
            Evidence(f"still the same after {facts.window.seconds:.1f} s", stayed, facts.file("goroutine-dump-2"))
        )
    if mean_s := _mean_s(facts, queue):
        found.append(Evidence("time to get a place", f"{mean_s:.1f} s", facts.file("block-2")))
    return tuple(found)
