"""The probes themselves restart the process: its liveness depends on others, or allows it too little time to start."""

import re
from collections.abc import Sequence

from bot.domain.facts import Crowd, Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding
from bot.domain.restarts import Asked, Life, ProbeSpec, Restarts
from bot.domain.snapshot import duration

FAULT = "probe-loop"
MIN_LIVES = 2
"""Once may be chance: a process that the machine held up, a node that was away."""
LONGEST_BACK_OFF_S = 300.0
"""So long a cluster waits at most until it starts again what ended (kubernetes.io, "Pod Lifecycle")."""
ROUNDED_S = 1.0
"""A cluster tells times in whole seconds."""
QUICK_S = 0.3
"""A process that answers pprof sooner than this is alive and gets to run, whatever its liveness says."""
REACHES_OUT = frozenset({"IO wait", "dial", "select"})
"""What a goroutine does that waits for somebody beyond the process."""
_QUOTED = 120
_OF_HEALTH = re.compile(r"live|health|ready|ping|probe|check|status", re.IGNORECASE)


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a container that its probes end again and again, though its process is well, or would be with more time.

    What ended for want of memory, by itself or for a deploy, is none; nor is one that is ready again.
    """
    pod = facts.restarts
    last = pod.last if pod is not None else None
    if pod is None or last is None or pod.deleting or not _goes_on(pod, last):
        return None
    by = pod.killed_by
    spec = pod.startup if by == "startup" else pod.liveness
    if not by or spec is None:
        return None
    return _too_slow(facts, pod, last, spec) or _depends(facts, beside, pod, last, spec)


def _goes_on(pod: Restarts, last: Life) -> bool:
    """Tell whether it may be ended again: what lives, or was ended long ago, is over."""
    budget_s = max((spec.budget_s for _, spec, _ in pod.probed), default=0.0)
    if pod.at is None or (pod.at - last.finished_at).total_seconds() > LONGEST_BACK_OFF_S + pod.grace_s + 2 * budget_s:
        return False
    if pod.live is None or pod.liveness is None:
        return not pod.ready
    return not pod.live.is_good or pod.live.seconds >= pod.liveness.timeout_s


def _too_slow(facts: Facts, pod: Restarts, last: Life, spec: ProbeSpec) -> Finding | None:
    """Find a start that takes longer than the probe allows: never ready, nobody listened, ended at its budget's end."""
    by = "startup" if spec is pod.startup else "liveness"
    least_s = spec.initial_delay_s + spec.period_s * max(spec.failures - 1, 0) - ROUNDED_S
    most_s = spec.budget_s + spec.period_s + spec.timeout_s * spec.failures + pod.grace_s
    hows = {each.how for each in pod.misses(by) if each.last_at >= last.started_at}
    if not pod.was_never_ready or not least_s <= last.seconds <= most_s or (by == "liveness" and hows != {"refused"}):
        return None
    probe, was = f"{by} probe", "did not listen yet" if hows == {"refused"} else "was not well yet"
    return Finding(
        FAULT,
        facts.target,
        f"Its {probe} ended {pod.container} {_times(pod.kills(by))}, the last time before it was ready: after "
        f"{last.seconds:.0f} s it {was}, and {spec.budget_s:.0f} s are allowed.",
        (
            *_ends(facts, pod, last),
            Evidence(f"what the {probe} allows", str(spec), facts.file("restarts")),
            *_misses(facts, pod, by),
        ),
        f"Give its startupProbe ({spec.path or 'as liveness'}) periodSeconds {spec.period_s:.0f} and failureThreshold "
        f"{_enough(spec, last.seconds)}: until that is passed, liveness is not asked. Then see what "
        "the start waits for; if it hangs, more time does not help.",
        1.0,
        CERTAIN if pod.kills(by) >= MIN_LIVES and hows <= {"refused"} else LIKELY,
        f"It becomes ready, and its restarts stay at {pod.count}.",
    )


def _depends(facts: Facts, beside: Beside, pod: Restarts, last: Life, spec: ProbeSpec) -> Finding | None:
    """Find a liveness probe that fails for what lies beyond the process, and the restarts that came of it."""
    with_readiness = pod.readiness is None or _failed_with_it(pod, last)
    elsewhere = [each.target for each in beside.others if _same_elsewhere(each.restarts, last, spec)]
    reason, proven = _reason(facts, pod.live, spec)
    if not reason:
        reason = _past(pod, last) if with_readiness and pod.kills("liveness") >= MIN_LIVES else ""
    if not reason:
        return None
    away = pod.live.peer if pod.live else ""
    proven = (proven or bool(elsewhere)) and with_readiness
    also = f" So it is with {', '.join(elsewhere)}." if elsewhere else ""
    return Finding(
        FAULT,
        facts.target,
        f"Its liveness probe ended {pod.container} {_times(pod.kills('liveness'))}, though the process is alive: "
        f"{reason}.{also}",
        (
            *_ends(facts, pod, last),
            *_answers(facts, pod),
            *_misses(facts, pod, "liveness"),
            *_misses(facts, pod, "readiness"),
            Evidence("what the liveness probe allows", str(spec), facts.file("restarts")),
        ),
        f"Let {spec.path or 'liveness'} say only that the process is alive, and ask for {away or 'what it depends on'} "
        f"in {_readiness(pod, spec)}: that takes it out of traffic, and ends nobody. Until then a higher "
        "failureThreshold of the livenessProbe stops the restarts.",
        1.0,
        CERTAIN if proven else LIKELY,
        f"Its restarts stay at {pod.count} while {away or 'what it depends on'} is away, and {spec.path or 'liveness'} "
        "answers 200.",
    )


def _reason(facts: Facts, live: Asked | None, spec: ProbeSpec) -> tuple[str, bool]:
    """Say what liveness waits for or complains of now, "" for nothing; and whether that proves it lies beyond."""
    if live is None:
        return "", False
    path = spec.path or "liveness"
    if live.blames_network:
        return f"{path} answers {live.status} in {duration(live.seconds * 1000)}: {_quoted(live.said)}", True
    if live.seconds < spec.timeout_s or not 0 < facts.pace_s < QUICK_S:
        return "", False
    waiting = _waiting(facts.crowds)
    if waiting is None:
        return "", False
    what = f"{path} takes {duration(live.seconds * 1000)} where the probe waits {spec.timeout_s:g} s, and waits at "
    return f"{what}{waiting.frame} ({waiting.state})", any(_OF_HEALTH.search(each.function) for each in waiting.path)


def _past(pod: Restarts, last: Life) -> str:
    """Say how liveness failed in the last life, "" where that may have been the process itself."""
    hows = {each.how for each in pod.misses("liveness") if each.last_at >= last.started_at}
    if any(how.startswith("status") for how in hows):
        return "it answered the probe itself, and readiness failed at the same time"
    if "timeout" in hows and pod.was_never_ready:
        return "it took connections and no start helped, as readiness failed at the same time"
    return ""


def _waiting(crowds: Sequence[Crowd]) -> Crowd | None:
    """Give the requests that wait for somebody beyond the process; those of health's own functions first."""
    found = [each for each in crowds if each.request and each.state in REACHES_OUT]
    return max(found, key=lambda each: any(_OF_HEALTH.search(frame.function) for frame in each.path), default=None)


def _failed_with_it(pod: Restarts, last: Life) -> bool:
    """Tell whether readiness failed when liveness ended it, or fails now."""
    if pod.well is not None and not pod.well.is_good:
        return True
    slack_s = (pod.readiness.period_s if pod.readiness else 0.0) + 2.0
    return any(each.spans(last.finished_at, slack_s) for each in pod.misses("readiness"))


def _same_elsewhere(pod: Restarts | None, last: Life, spec: ProbeSpec) -> bool:
    """Tell whether another replica was ended by its liveness at about the same time: what they share was away."""
    if pod is None or pod.last is None or pod.killed_by != "liveness" or not _goes_on(pod, pod.last):
        return False
    apart_s = abs((pod.last.finished_at - last.finished_at).total_seconds())
    return apart_s <= 2 * spec.patience_s + pod.grace_s


def _ends(facts: Facts, pod: Restarts, last: Life) -> tuple[Evidence, ...]:
    now = f", now {pod.waiting_for}" if pod.waiting_for else ""
    return (
        Evidence("restarts of its container", f"{pod.count}{now}", facts.file("restarts")),
        Evidence("its last end", str(last), facts.file("restarts")),
    )


def _answers(facts: Facts, pod: Restarts) -> tuple[Evidence, ...]:
    told = ((pod.liveness, pod.live), (pod.readiness, pod.well))
    return tuple(
        Evidence(f"answer of {spec.path}", str(asked), facts.file("restarts")) for spec, asked in told if spec and asked
    )


def _misses(facts: Facts, pod: Restarts, probe: str) -> tuple[Evidence, ...]:
    missed = pod.misses(probe)
    if not missed:
        return ()
    first, last = min(each.first_at for each in missed), max(each.last_at for each in missed)
    hows = ", ".join(sorted({each.how for each in missed if each.how}))
    value = f"{sum(each.count for each in missed)} from {first:%H:%M:%S} to {last:%H:%M:%S} UTC"
    return (Evidence(f"failures of {probe}", f"{value}{f': {hows}' if hows else ''}", facts.file("restarts")),)


def _readiness(pod: Restarts, spec: ProbeSpec) -> str:
    if pod.readiness is None or pod.readiness.path == spec.path:
        return "a readinessProbe of its own"
    return pod.readiness.path or "its readinessProbe"


def _enough(spec: ProbeSpec, seconds: float) -> int:
    """Give a failureThreshold that leaves three times the start that was seen."""
    return max(round(3 * seconds / max(spec.period_s, 1.0)), spec.failures)


def _quoted(said: str) -> str:
    cut = "..." if len(said) > _QUOTED else ""
    return f"`{said[:_QUOTED].replace('`', '')}{cut}`"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
