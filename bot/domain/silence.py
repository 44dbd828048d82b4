"""What is known of a target that could not be examined, what that means, and what to do next."""

from collections.abc import Sequence

from bot.domain.facts import Facts, Loss, Process
from bot.domain.faults.finding import megabytes, suffers
from bot.domain.snapshot import GOROUTINE, PartStatus

FULL = 0.95
"""Such a part of its files in use leaves a process none for the connection that asks what is wrong."""
HELD_BACK = 0.5
"""A process that stood still in such a part of its periods has too little CPU."""
NAMED = 3
"""Targets of which so much is said; of the others, how many they are."""
_STOPPED = {"T", "t"}


def explain(silent: Sequence[Facts]) -> str:
    """Say why targets could not be examined, what their users get, what the kernel knows, what to do; "" for none."""
    more = [f"{len(silent) - NAMED} more could not be examined."] if len(silent) > NAMED else []
    return " ".join([*map(_explain, silent[:NAMED]), *more])


def _explain(facts: Facts) -> str:
    loss = _loss(facts)
    late = loss is not None and loss.status == PartStatus.LATE
    reason = loss.reason.removeprefix(f"{facts.target}: ") if loss else "nothing was captured"
    said = [
        f"{facts.target} could not be examined: {'it accepts connections, but ' if late else ''}{_sentence(reason)}"
    ]
    if facts.probe is not None and facts.probe.requests:
        said.append(f"Its users get {facts.probe}.")
    if facts.process is not None:
        said.append(f"Its process is there: {_seen(facts.process)}.")
    if late or facts.process is not None:
        said.append(_advice(facts))
    return " ".join(said)


def _loss(facts: Facts) -> Loss | None:
    """Give the loss that tells most: that of the goroutines, else the first of a part that was asked for."""
    told = [each for each in facts.losses if each.status != PartStatus.SKIPPED] or list(facts.losses)
    return next((each for each in told if each.part == GOROUTINE.name), next(iter(told), None))


def _seen(process: Process) -> str:
    said = [f"pid {process.pid}"]
    if process.rss_bytes is not None:
        said.append(megabytes(process.rss_bytes))
    if process.fds is not None and process.fd_limit:
        said.append(f"{process.fds} of {process.fd_limit} files")
    if process.cpu_limit_cores is not None and process.cpu_periods:
        held = 100 * (process.cpu_throttled or 0) / process.cpu_periods
        said.append(f"held back in {held:.0f} % of its time at its limit of {process.cpu_limit_cores:g} CPUs")
    return ", ".join(said)


def _advice(facts: Facts) -> str:
    process = facts.process
    if process is not None and process.state in _STOPPED:
        return f"It was stopped by a signal or a debugger: `kill -CONT {process.pid}` lets it go on."
    if process is not None and process.fd_limit and (process.fds or 0) >= FULL * process.fd_limit:
        return "It has no file left for another connection: raise its limit (nofile), and restart it."
    if process is not None and (process.cpu_throttled or 0) >= HELD_BACK * (process.cpu_periods or 1):
        return "It gets too little CPU: raise its limit, or take load from it."
    if facts.probe is not None and facts.probe.requests and not suffers(facts.probe):
        return (
            "So it works, and only its pprof address does not: what stands in front of that, and has it CPU to spare?"
        )
    return (
        "It is stuck, or gets no CPU: look at its log and its machine's load; take it out of traffic, then restart it."
    )


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."
