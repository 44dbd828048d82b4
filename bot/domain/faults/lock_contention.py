"""Goroutines spend their time queueing for a lock that does move."""

from dataclasses import dataclass

from bot.domain.facts import Crowd, Facts, Spent
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, is_slowed, is_slowing, probe_evidence
from bot.domain.faults.locks import holders, lock_crowds
from bot.domain.stacks import LOCK_WAITS, Frame

FAULT = "lock-contention"
MIN_WAITING = 8
MIN_LOST = 1.5
"""Seconds of waiting in every second: so many goroutines, on average, do nothing but queue."""
MIN_SEEN = 2
"""Waiting, in one of the readings: a lock that nobody is seen at was held by who got no CPU."""
MIN_LOST_ONCE_S = 5.0
"""Of one reading: lost since the process started. Measured on a lab service: 26-62 s in 3 s; 0 when well."""
MIN_MEAN_S = 0.05
"""Of one wait: a busy lock that does no harm is waited for a millisecond or less."""
SLOW_SHARE = 0.25
"""Of what the target takes for nothing: on a busy machine, who holds a lock waits for the CPU, too."""
MIN_SHARE = 0.5
"""Of the requests: when most of them queue, the lock sets the pace."""


@dataclass(frozen=True)
class _Queue:
    """What is known of the queue: lost seconds a second (None: not recorded), mean wait, who waits, who is to blame."""

    lost: float | None
    mean_s: float
    waits: Spent | None
    holder: Frame | None
    crowd: Crowd | None

    @property
    def waiting(self) -> int:
        """How many wait at one line now."""
        return self.crowd.count if self.crowd else 0

    @property
    def before(self) -> int:
        """How many the first reading saw there; 0 when there was none."""
        return (self.crowd.before or 0) if self.crowd else 0


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a queue at a lock that is released again and again, or held through slow work, and that harms."""
    queue = _queue(facts)
    waiting = queue.waiting
    place = queue.crowd.frame if queue.crowd else queue.waits.frame if queue.waits else queue.holder
    if place is None or not _queues(facts, queue) or not _harms(facts, queue, beside):
        return None
    blame = queue.holder or place
    pace = f"; {queue.lost:.1f} s are lost in every second" if queue.lost and facts.window else ""
    once = f"; {facts.mutex_delay_s:.0f} s were lost so far" if not facts.window and facts.mutex_delay_s else ""
    each_wait = f", {1000 * queue.mean_s:.0f} ms each time" if queue.mean_s else ""
    return Finding(
        FAULT,
        facts.target,
        f"{waiting} goroutines queue for the lock at {place}{pace}{once}{each_wait}.",
        (
            *(
                [Evidence(f"{queue.crowd.state} at {place}", str(waiting), facts.latest("goroutine"))]
                if queue.crowd
                else []
            ),
            *_lost(facts, queue),
            *probe_evidence(facts),
        ),
        f"Hold the lock released at {blame} for less: no I/O, no waiting and no allocation under it, or split what it "
        "guards.",
        min(waiting / max(facts.goroutines or 0, waiting, 1), 1.0),
        CERTAIN if facts.window is not None and queue.lost is not None else LIKELY,
        f"Less than {MIN_LOST:g} s are lost at {blame} in every second of the mutex profile.",
    )


def _queue(facts: Facts) -> _Queue:
    crowd = next(iter(lock_crowds(facts)), None)
    at_work = next(iter(holders(crowd, facts.crowds)), None) if crowd else None
    window = facts.window
    if window is None:
        holder = facts.mutex[0].frame if facts.mutex else at_work.frame if at_work else None
        return _Queue(None, 0.0, None, holder, crowd)
    waits = next((each for each in window.blocked or () if each.state in LOCK_WAITS), None)
    release = next(iter(window.locks or ()), None)
    recorded = window.locks is not None or window.blocked is not None
    lost_s = max((each.seconds for each in (waits, release) if each is not None), default=0.0)
    mean_s = max((each.mean_s for each in (waits, release) if each is not None), default=0.0)
    holder = release.frame if release else at_work.frame if at_work else None
    return _Queue(lost_s / window.seconds if recorded and window.seconds else None, mean_s, waits, holder, crowd)


def _queues(facts: Facts, queue: _Queue) -> bool:
    """Tell whether there is a queue that moves: by what was lost, or by who waits and who is at work under the lock."""
    seen = max(queue.waiting, queue.before)
    if queue.lost is not None and queue.lost >= MIN_LOST and (seen >= MIN_SEEN or facts.goroutines is None):
        return True
    if facts.window is None:
        return queue.waiting >= MIN_WAITING and (facts.mutex_delay_s or 0.0) >= MIN_LOST_ONCE_S and bool(facts.mutex)
    slow = queue.crowd is not None and bool(holders(queue.crowd, facts.crowds))
    moves = queue.crowd is not None and queue.crowd.stayed is not None and queue.crowd.stayed < queue.before
    return min(queue.waiting, queue.before) >= MIN_WAITING and (slow or moves)


def _harms(facts: Facts, queue: _Queue, beside: Beside) -> bool:
    crowd = queue.crowd
    few_workers = crowd is not None and not crowd.request and max(queue.waiting, queue.before) < MIN_WAITING
    few_workers = few_workers and not is_slowing(facts)
    if is_slowed(facts) or (queue.mean_s >= max(MIN_MEAN_S, SLOW_SHARE * facts.pace_s) and not few_workers):
        return True
    if crowd is None or queue.waiting < MIN_WAITING:
        return False
    handling = facts.window.handling if facts.window and facts.window.handling else facts.handling
    if crowd.request and queue.before >= MIN_WAITING and crowd.count >= MIN_SHARE * max(handling, 1):
        return True
    return beside.far_exceeded(crowd.count, _largest)


def _largest(facts: Facts) -> float:
    return float(next((each.count for each in lock_crowds(facts)), 0))


def _lost(facts: Facts, queue: _Queue) -> tuple[Evidence, ...]:
    if facts.window is None:
        held = facts.mutex[:1]
        return tuple(
            Evidence(f"delay caused at {each.frame}", f"{each.amount / 1e9:.1f} s", facts.file("mutex"))
            for each in held
        )
    seconds = f"{facts.window.seconds:.1f} s"
    released = (facts.window.locks or ())[:2]
    waits = [queue.waits] if queue.waits else []
    return (
        *(
            Evidence(f"waiting caused at {each.frame} in {seconds}", f"{each.seconds:.1f} s", facts.file("mutex-2"))
            for each in released
        ),
        *(
            Evidence(
                f"waiting done at {each.frame} in {seconds}",
                f"{each.times} x {1000 * each.mean_s:.0f} ms",
                facts.file("block-2"),
            )
            for each in waits
        ),
    )
