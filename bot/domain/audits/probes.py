"""What is wrong with how a service is served and probed: timeouts in source, handlers of health, probes of its pods.

What a zero timeout means is net/http's own word (pkg.go.dev/net/http, Server and Client); that missing ones are told of
agrees with gosec's G112 and G114. What a probe does is Kubernetes' (kubernetes.io, "Liveness, Readiness, and Startup
Probes"). The document is what `bot.adapters.audits` reads of source, pods and answers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.audits.remark import Grade, Remark
from bot.domain.restarts import ProbeSpec, Restarts, read_restarts

LIVE = re.compile(r"live|alive|healthz|-/healthy")
"""Of the paths of health those that say whether a process is to be restarted, by their names."""
SHORT_S = 10.0
"""A process that may not answer for less than this is restarted by a busy machine; a cluster's default is 30 s."""
OUTAGE_S = 60.0
"""A fail-over of a database or a cache takes up to this; whatever is shorter ends replicas meanwhile."""
_UNITS = {"Nanosecond": 1e-9, "Microsecond": 1e-6, "Millisecond": 1e-3, "Second": 1.0, "Minute": 60.0, "Hour": 3600.0}
_FACTOR = re.compile(r"(?:time\.Duration\()?(\d+(?:\.\d+)?|time\.(?:" + "|".join(_UNITS) + r"))\)?")
_HERE = re.compile(r'^"(?:127\.0\.0\.1|localhost|\[::1\]):')


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what should be otherwise in source, pods and answers, as far as each was seen."""
    clients = list(document.get("clients", ()))
    pods = {name: pod for name, each in document.get("pods", {}).items() if (pod := read_restarts(each)) is not None}
    live = {pod.liveness.path for pod in pods.values() if pod.liveness}
    outgoing = [each for each in document.get("handlers", ()) if each["reaches"]]
    return (
        *(remark for each in document.get("servers", ()) for remark in _server(each, clients)),
        *(remark for each in clients for remark in _client(each)),
        *(_handler(each) for each in outgoing if each["route"] in live or (not live and LIVE.search(each["route"]))),
        *(remark for name, pod in pods.items() for remark in _pod(name, pod)),
        *(remark for name, asked in document.get("answers", {}).items() for remark in _answers(name, asked)),
    )


def seconds(written: str) -> float | None:
    """Give the seconds of a duration as Go source has it; None where that is not a product of numbers and units."""
    product, is_timed = 1.0, False
    for factor in written.split("*"):
        found = _FACTOR.fullmatch(factor.strip())
        if found is None:
            return None
        unit = found[1].removeprefix("time.")
        is_timed = is_timed or unit in _UNITS
        product *= _UNITS.get(unit) or float(unit)
    return product if is_timed or not product else product * 1e-9


def _place(each: Mapping[str, Any]) -> str:
    return f"{each['path']}:{each['line']}"


def _server(each: Mapping[str, Any], clients: Iterable[Mapping[str, Any]]) -> Iterator[Remark]:
    where = _place(each)
    if call := each.get("call"):
        grade = Grade.WEAK if _HERE.match(each.get("first", "")) else Grade.WRONG
        better = "make an http.Server with ReadHeaderTimeout, IdleTimeout and WriteTimeout, and serve with that"
        yield Remark(grade, "no timeouts", where, f"{call} has no timeouts: who sends nothing is kept for ever", better)
        return
    given = {name: value for name, value in each["fields"].items() if seconds(value) != 0}
    here = bool(_HERE.match(each["fields"].get("Addr", "")))
    missing = [each for each in _MISSING if not any(name in given for name in each.needs)]
    if missing:
        worst, names = missing[0], [each.needs[0] for each in missing]
        what = f"no {', '.join(names)}: {worst.harm}"
        better = "; ".join(each.better for each in missing)
        yield Remark(Grade.WEAK if here else worst.grade, "timeouts", where, what, better)
    yield from _patience(where, given, clients)


@dataclass(frozen=True)
class _Lack:
    """A timeout that a server lacks where none of these fields is given; what comes of that."""

    needs: tuple[str, ...]
    grade: Grade
    harm: str
    better: str


_MISSING = (
    _Lack(
        ("ReadHeaderTimeout", "ReadTimeout"),
        Grade.WRONG,
        "who sends its headers slowly, or never, keeps a connection and a goroutine (slowloris)",
        "ReadHeaderTimeout: 5 * time.Second",
    ),
    _Lack(
        ("IdleTimeout", "ReadTimeout"),
        Grade.RISKY,
        "idle connections stay until their clients close them",
        "IdleTimeout longer than the clients' own",
    ),
    _Lack(
        ("WriteTimeout",),
        Grade.RISKY,
        "a client that does not read keeps its handler for ever",
        "WriteTimeout above the longest answer, or http.NewResponseController(w).SetWriteDeadline where answers stream",
    ),
    _Lack(
        ("ReadTimeout",),
        Grade.WEAK,
        "a body that is sent slowly keeps its handler",
        "ReadTimeout above the longest upload",
    ),
)
"""The worst first."""


def _patience(where: str, given: Mapping[str, str], clients: Iterable[Mapping[str, Any]]) -> Iterator[Remark]:
    """Hold what a handler may take against what clients of the same source wait for."""
    writes = seconds(given.get("WriteTimeout", ""))
    waits = [(wait, each) for each in clients if (wait := seconds(each.get("fields", {}).get("Timeout", "")))]
    shortest = min(waits, key=lambda each: each[0], default=None)
    if writes is None or shortest is None or writes <= shortest[0]:
        return
    what = f"WriteTimeout is {writes:g} s, and the client at {_place(shortest[1])} gives up after {shortest[0]:g} s"
    better = "if that client asks this server, end handlers sooner: http.TimeoutHandler or a context below its patience"
    yield Remark(Grade.WEAK, "patience", where, what, better)


def _client(each: Mapping[str, Any]) -> Iterator[Remark]:
    if call := each.get("call"):
        what = f"{call} uses http.DefaultClient, which has no Timeout: an answer that never comes is waited for"
        yield Remark(Grade.RISKY, "client timeout", _place(each), what, "use a client of your own, with a Timeout")
    elif not {name for name, value in each["fields"].items() if seconds(value) != 0} & {"Timeout"}:
        what = "no Timeout: an answer that never comes is waited for, unless each request has a deadline of its own"
        yield Remark(
            Grade.RISKY, "client timeout", _place(each), what, "Timeout below the patience of your own callers"
        )


def _handler(each: Mapping[str, Any]) -> Remark:
    first = each["reaches"][0]
    via = f" (by {first['via']})" if first["via"] else ""
    more = len(each["reaches"]) - 1
    told = f"{first['call']} at {_place(first)}{via}{f', and {more} more' if more else ''}"
    return Remark(
        Grade.WRONG,
        "liveness",
        _place(each),
        f"{each['route']} asks others: {told}; while those are away every replica is restarted",
        "liveness answers 200 and calls nothing; ask for others in readiness",
    )


def _pod(name: str, pod: Restarts) -> Iterator[Remark]:
    if by := pod.killed_by:
        what = f"its {by} probe ended {pod.container} {pod.kills(by)} times of late ({pod.count} restarts)"
        yield Remark(Grade.WRONG, "restarts", name, what, "see `/incident diagnose`: whom does that probe ask?")
    if pod.readiness is None:
        what = "no readinessProbe: it gets requests before it can answer them"
        yield Remark(Grade.RISKY, "readiness", name, what, "a readinessProbe that asks for what requests need")
    if pod.liveness is not None:
        yield from _liveness(name, pod, pod.liveness)


def _liveness(name: str, pod: Restarts, spec: ProbeSpec) -> Iterator[Remark]:
    ready, asked = pod.readiness, f"liveness {spec.path}".strip()
    if ready is not None and spec.path and (ready.path, ready.port) == (spec.path, spec.port):
        what = f"{asked} is readiness as well: what should take it out of traffic restarts it"
        yield Remark(Grade.RISKY, "same question", name, what, "two paths: alive, and able to answer requests")
    if spec.timeout_s <= 1:
        what = f"{asked} must be answered in {spec.timeout_s:g} s, the default if nothing is said"
        yield Remark(Grade.WEAK, "probe timeout", name, what, "timeoutSeconds: 5; a busy machine is no dead process")
    if spec.patience_s < SHORT_S:
        what = f"{spec.patience_s:g} s without a good answer restart it"
        better = f"periodSeconds x failureThreshold of {SHORT_S:g} s or more; 30 s are the default"
        yield Remark(Grade.RISKY, "threshold", name, what, better)
    depends = pod.live is not None and (pod.live.blames_network or pod.live.seconds >= spec.timeout_s)
    if depends and pod.live is not None:
        what = f"{asked} answers {pod.live.status or 'nothing'} in {pod.live.seconds:.1f} s: {pod.live.said[:120]}"
        short = f"; it allows {spec.patience_s:g} s, and a fail-over takes {OUTAGE_S:g} s" * (
            spec.patience_s < OUTAGE_S
        )
        better = f"liveness asks nobody; ask for {pod.live.peer or 'others'} in readiness"
        yield Remark(Grade.WRONG, "liveness", name, f"{what}{short}", better)
    start_s = pod.start_s
    if pod.startup is None and start_s is not None and spec.budget_s / 2 < start_s <= spec.budget_s:
        what = f"it took {start_s:.0f} s to start, and liveness allows {spec.budget_s:g} s"
        yield Remark(Grade.RISKY, "start", name, what, "a startupProbe; until that is passed, liveness is not asked")


def _answers(name: str, asked: Mapping[str, Mapping[str, Any]]) -> Iterator[Remark]:
    """Judge what a target that is no pod answers at the usual paths."""
    there = {path: each for path, each in asked.items() if each["status"] not in {0, 404}}
    live = {path: each for path, each in there.items() if LIVE.search(path)}
    if asked and not live:
        what = f"none of {', '.join(path for path in asked if LIVE.search(path))} is answered"
        yield Remark(Grade.WEAK, "liveness", name, what, "answer 200 at /health/live, and call nothing there")
    for path, each in live.items():
        if each["status"] >= 400 or each["seconds"] >= 1:  # noqa: PLR2004 - HTTP, and a cluster's default
            what = f"{path} answers {each['status']} in {each['seconds']:.1f} s: {each['said'][:120]}"
            yield Remark(Grade.WRONG, "liveness", name, what, "liveness answers 200 at once and asks nobody")
