"""Spans of runs and steps, and the trace that a run goes on with.

A run's trace is known from the run alone: it is that of the request that asked for it, else one that follows from its
id. So do the ids of its spans. Whoever takes a run over after a kill goes on with the same spans, and what was sent of
them before has its parents: a span is ended, and with that sent, only by the execution that really ends it.

Only the API of OpenTelemetry is used. Without its SDK nothing is recorded, and log lines have the same ids.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from types import TracebackType
from typing import Self

import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bot.domain.redaction import redact
from bot.domain.run import Run, Source
from bot.domain.timeline import to_us

PARENT, BAGGAGE = "traceparent", "baggage"

_TRACER = trace.get_tracer("firstfive")
_TRACES, _BAGGAGES = TraceContextTextMapPropagator(), W3CBaggagePropagator()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


@dataclass(frozen=True)
class Ids:
    """The ids that the next span has to have."""

    trace_id: int
    span_id: int


WANTED: ContextVar[Ids | None] = ContextVar("wanted", default=None)
"""What the SDK's generator of ids gives while it is set; None for any."""


def received(traceparent: str, baggage: str) -> Context:
    """Read W3C's headers as somebody sent them; what cannot be read counts as not sent."""
    if not traceparent:
        return Context()
    into = _TRACES.extract({PARENT: traceparent}, Context())
    return _BAGGAGES.extract({BAGGAGE: baggage}, into)


def carried(source: Source) -> Source:
    """Let a run go on with the trace that its admission is a part of, if it is part of one."""
    sent: dict[str, str] = {}
    _TRACES.inject(sent)
    if not sent:
        return source
    _BAGGAGES.inject(sent)
    return replace(source, traceparent=sent[PARENT], baggage=redact(sent.get(BAGGAGE, "")))


def about(incident_id: str) -> None:
    """Let log lines of this run, from now on, name the incident that it has turned out to be about."""
    structlog.contextvars.bind_contextvars(incident=incident_id or None)


@dataclass
class Watched:
    """A span that is current for as long as it is entered. One that is never ended is not sent."""

    span: Span
    within: Context
    _undo: list[Token[Context]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._undo.append(contexts.attach(trace.set_span_in_context(self.span, self.within)))
        return self

    def __exit__(self, _kind: object, _error: BaseException | None, _trace: TracebackType | None) -> None:
        contexts.detach(self._undo.pop())

    def end(self, outcome: str, incident_id: str) -> None:
        """Say how it went, and let it be sent."""
        self.span.set_attribute("firstfive.outcome", outcome)
        if incident_id:
            self.span.set_attribute("firstfive.incident", incident_id)
        if outcome == "failed":
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


def of_run(run: Run) -> Watched:
    """Give the span of a run: below the request or step that asked for it, else the root of a trace of its own."""
    source = run.source
    parent = received(source.traceparent, source.baggage)
    above = trace.get_current_span(parent).get_span_context()
    trace_id = above.trace_id if above.is_valid else _number(run.id.partition(".")[0], 16)
    told: dict[str, str | int] = {"firstfive.attempt": run.fence, **_names(run)}
    wanted = Ids(trace_id, _number(f"{run.id} run", 8))
    return _watched(f"run {run.plan.playbook}", wanted, parent, run.started_at, told)


def of_step(run: Run, step: str, began: datetime) -> Watched:
    """Give the span of a step of the run whose span is current."""
    ids = Ids(trace.get_current_span().get_span_context().trace_id, _number(f"{run.id} step {step}", 8))
    return _watched(f"step {step}", ids, contexts.get_current(), began, {"firstfive.step": step, **_names(run)})


class Noted:
    """Notes on the current span what kind of error goes through it. Its words stay in the log: they may name people."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if error is not None:
            trace.get_current_span().set_attribute("error.type", type(error).__name__)


@contextmanager
def asking(method: str, host: str, port: int | None, path: str, headers: MutableMapping[str, str]) -> Iterator[Span]:
    """Give the span of a request to a target, which is told of it by `headers`; nothing where nobody is to be told."""
    if not trace.get_current_span().is_recording():
        _inherit(headers)
        yield trace.INVALID_SPAN
        return
    told: dict[str, str | int] = {"http.request.method": method, "server.address": host, "url.path": path}
    told |= {"server.port": port} if port else {}
    with (
        _TRACER.start_as_current_span(
            method, kind=SpanKind.CLIENT, attributes=told, record_exception=False, set_status_on_exception=False
        ) as span,
        Noted(),
    ):
        _inherit(headers)
        yield span


def _inherit(headers: MutableMapping[str, str]) -> None:
    """Send the trace on, where traces are sent anywhere."""
    if is_on():
        _TRACES.inject(headers)
        _BAGGAGES.inject(headers)


def is_on() -> bool:
    """Tell whether there is an SDK, which records spans."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _watched(name: str, ids: Ids, within: Context, began: datetime | None, told: dict[str, str | int]) -> Watched:
    if not is_on():
        return Watched(
            NonRecordingSpan(SpanContext(ids.trace_id, ids.span_id, is_remote=False, trace_flags=_SAMPLED)), within
        )
    wanted = WANTED.set(ids)
    try:
        begins = to_us(began) * 1_000 if began else None
        return Watched(_TRACER.start_span(name, within, attributes=told, start_time=begins), within)
    finally:
        WANTED.reset(wanted)


def _names(run: Run) -> dict[str, str]:
    """Name a run by ids: titles and people are nobody's business where traces are kept."""
    told = {"firstfive.run": run.id, "firstfive.playbook": run.plan.playbook}
    return told | ({"firstfive.incident": run.incident_id} if run.incident_id else {})


def _number(text: str, size: int) -> int:
    """Give a number of so many bytes that always follows from a text, and is not 0."""
    return int.from_bytes(sha256(text.encode()).digest()[:size]) or 1
