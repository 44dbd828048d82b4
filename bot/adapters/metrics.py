"""What FirstFive counts about itself, for Prometheus. docs/monitoring.md lists all of it; the tests hold it to that."""

import asyncio
import platform
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import wraps
from typing import ParamSpec

import structlog
from opentelemetry.trace import format_trace_id, get_current_span
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from bot.domain.approval import Decision
from bot.domain.incident import Severity
from bot.domain.run import Run
from bot.ports import Moment, Standing

P = ParamSpec("P")

log = structlog.get_logger()

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# Around what is promised: 3 s to Slack, 60 s for a snapshot, 300 s for the five minutes, 600 s for an approval.
_RUN_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_STEP_S = (0.1, 1, 10, 60, 300)
_WAIT_S = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60)
_APPROVAL_S = (5, 15, 30, 60, 120, 300, 600)
_ACK_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 3)
_CALL_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WRITE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 3)
_OTHER = "other"
_MOST_WORDS = 60


class Words:
    """Bounds a label whose values come from elsewhere: the first so many words are told apart, the rest is "other"."""

    def __init__(self, most: int = _MOST_WORDS) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, word: str) -> str:
        """Give the word, or "other" if it is no plain word or one too many."""
        if word in self._known:
            return word
        plain = word.isascii() and word.replace("_", "").replace(".", "").isalnum() and len(word) <= _MOST_WORDS
        if not plain or len(self._known) >= self._most:
            return _OTHER
        self._known.add(word)
        return word


# What the library raises for values that it does not take, and what our own sums may: no write is to fail for it.
_UNCOUNTABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    """Let whoever tells go on, whatever becomes of the counting; the log says what that was."""

    @wraps(count)
    def counted(*args: P.args, **given: P.kwargs) -> None:
        try:
            count(*args, **given)
        except _UNCOUNTABLE:
            log.exception("not counted", what=count.__name__)

    return counted


class Metrics:
    """The metrics of one bot, in a registry of their own: an Observer, and told by adapters what they do.

    `steps` names the steps of every playbook. It bounds the labels of these names, since anybody can type anything.
    """

    def __init__(self, steps: Mapping[str, Collection[str]], *, version: str, commit: str = "") -> None:
        # When each series began is left out: as many lines again, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # - the library leaves it untyped
        self._steps = steps
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        self._commands = self._counter("commands", "Commands admitted.", "verb", "via")
        self._runs = self._counter("runs", "Runs that ended.", "playbook", "status")
        self._resumed = self._counter("runs_resumed", "Runs that were claimed again, since they had broken off.")
        self._run_s = self._seconds("run", "How long runs took, from their start to their end.", _RUN_S, "playbook")
        self._wait_s = self._seconds("run_wait", "How long runs waited to begin once they could.", _WAIT_S)
        self._steps_ended = self._counter("steps", "Steps that ended.", "playbook", "step", "outcome")
        self._step_s = self._seconds("step", "How long steps took.", _STEP_S, "playbook", "step")
        self._approval_s = self._seconds(
            "approval_wait", "How long approvals waited until they were decided.", _APPROVAL_S, "decision"
        )
        self._ack_s = self._seconds(
            "ack", "How long deliveries waited for their acknowledgement, the durable write included.", _ACK_S
        )
        self._slack = self._counter("slack_calls", "Calls to Slack, by how they ended.", "method", "outcome")
        self._slack_s = self._seconds("slack_call", "How long Slack took to answer.", _CALL_S, "method")
        self._calls = self._counter("adapter_calls", "Calls of adapters.", "adapter", "call", "outcome")
        self._call_s = self._seconds("adapter_call", "How long calls of adapters took.", _CALL_S, "adapter", "call")
        self._write_s = self._seconds("write", "How long writes to the database took to be durable.", _WRITE_S)
        self._streams = Gauge("firstfive_open_streams", "Streams that pages listen to.", registry=self._registry)
        Info("firstfive_build", "What is running.", registry=self._registry).info(
            {"version": version, "commit": commit, "python": platform.python_version()}
        )
        self._methods, self._outcomes = Words(), Words()
        for decision in Decision:  # so that the first of its kind is an increase, too
            self._approval_s.labels(decision.value)

    @_harmless
    def command(self, verb: str, via: str) -> None:
        """Count an admitted command; `via` is the way it came in (slack, cli, api ...)."""
        self._commands.labels(self._playbook(verb), via).inc()

    @_harmless
    def run_begun(self, run: Run) -> None:
        """Note how long a run waited to begin, or that it was claimed again."""
        if run.fence > 1 or run.started_at is None:
            self._resumed.inc()
            return
        _observe(self._wait_s, (run.started_at - (run.wake_at or run.created_at)).total_seconds())

    @_harmless
    def run_ended(self, run: Run) -> None:
        """Count a run that ended, and its seconds."""
        name = self._playbook(run.plan.playbook)
        self._runs.labels(name, run.status.value).inc()
        if run.started_at is not None and run.ended_at is not None:
            _observe(self._run_s.labels(name), (run.ended_at - run.started_at).total_seconds())

    @_harmless
    def step_ended(self, playbook: str, step: str, outcome: str, seconds: float) -> None:
        """Count a step that ended, and its seconds."""
        name = self._playbook(playbook)
        known = step if step in self._steps.get(playbook, ()) else _OTHER
        self._steps_ended.labels(name, known, outcome).inc()
        _observe(self._step_s.labels(name, known), seconds)

    @_harmless
    def approval_decided(self, decision: Decision, waited_s: float) -> None:
        """Note how long an approval waited, and what became of it."""
        _observe(self._approval_s.labels(decision.value), waited_s)

    @_harmless
    def stream_opened(self) -> None:
        """Count a stream."""
        self._streams.inc()

    @_harmless
    def stream_closed(self) -> None:
        """Count it no more."""
        self._streams.dec()

    @_harmless
    def acknowledged(self, seconds: float) -> None:
        """Note how long a delivery waited for its acknowledgement."""
        _observe(self._ack_s, seconds)

    @_harmless
    def slack_call(self, method: str, outcome: str, seconds: float) -> None:
        """Count a call to Slack: its method (chat.postMessage), "ok" or Slack's error word, its seconds."""
        name = self._methods(method)
        self._slack.labels(name, self._outcomes(outcome)).inc()
        _observe(self._slack_s.labels(name), seconds)

    @_harmless
    def adapter_call(self, adapter: str, call: str, outcome: str, seconds: float) -> None:
        """Count a call of an adapter, by names of the program, and its seconds; it is "ok", "missing" or "raised"."""
        self._calls.labels(adapter, call, outcome).inc()
        _observe(self._call_s.labels(adapter, call), seconds)

    @_harmless
    def written(self, seconds: float) -> None:
        """Note how long a write to the database took to be durable."""
        _observe(self._write_s, seconds)

    async def exposition(self, moment: Moment, accept: str = "") -> tuple[bytes, str]:
        """Give everything, and its media type: OpenMetrics, with exemplars, for who accepts it; else plain text."""
        wants_open = OPENMETRICS.partition(";")[0] in accept
        encode = openmetrics.generate_latest if wants_open else generate_latest
        # Thousands of lines take some milliseconds, which no acknowledgement should wait for.
        content = await asyncio.to_thread(encode, _Scrape(self._registry, moment))
        return content, OPENMETRICS if wants_open else PLAIN

    def _playbook(self, name: str) -> str:
        return name if name in self._steps else _OTHER

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"firstfive_{name}", what, labels, registry=self._registry)

    def _seconds(self, name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"firstfive_{name}_seconds", what, labels, buckets=buckets, registry=self._registry)


def _observe(histogram: Histogram, seconds: float) -> None:
    """Observe, with the trace that it belongs to, if there is one that is kept."""
    context = get_current_span().get_span_context()
    is_kept = context.is_valid and context.trace_flags.sampled
    histogram.observe(max(seconds, 0.0), {"trace_id": format_trace_id(context.trace_id)} if is_kept else None)


class _Scrape(Collector):
    """What was counted so far, and what is true at this moment; each scrape has its own."""

    def __init__(self, registry: CollectorRegistry, moment: Moment) -> None:
        self._registry = registry
        self._moment = moment

    def collect(self) -> Iterator[Metric]:
        """Give both."""
        yield from self._registry.collect()
        moment = self._moment
        if moment.standing is not None:
            yield from _standing(moment.standing)
        if moment.pulse.replicas is not None:
            yield _gauge("replicas", "Processes that execute runs of this database.", moment.pulse.replicas)
        if moment.pulse.beat_age_s is not None:
            told = "How long ago this process last looked for runs to execute."
            yield _gauge("heartbeat_age_seconds", told, moment.pulse.beat_age_s)
        yield _gauges("part_usable", "Whether a part of our own can be used: ready if all can.", "part", moment.usable)
        yield _gauges("part_degraded", "Whether something elsewhere does not work.", "part", moment.degraded)


def _standing(standing: Standing) -> Iterable[Metric]:
    incidents = {severity.value: standing.incidents.get(severity, 0) for severity in Severity}
    yield _gauges("open_incidents", "Incidents neither resolved nor closed.", "severity", incidents)
    runs = {state: getattr(standing, state) for state in ("waiting", "scheduled", "running", "parked")}
    yield _gauges("unended_runs", "Runs that have not ended.", "state", runs)
    told = "How long the oldest run waits that could begin."
    yield _gauge("oldest_waiting_run_seconds", told, standing.oldest_waiting_s)
    yield _gauge("waiting_approvals", "Approvals that wait to be decided.", standing.approvals)
    told = "How long the oldest approval waits that is not decided."
    yield _gauge("oldest_approval_seconds", told, standing.oldest_approval_s)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"firstfive_{name}", what, value)


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"firstfive_{name}", what, labels=[label])
    for of, value in values.items():
        family.add_metric([of], float(value))
    return family
