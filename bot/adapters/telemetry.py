"""Sends spans to a collector by OTLP over HTTP. Needs the extra `otel`; loaded only where that is configured.

What leaves is listed here by name. Whatever else an instrumentation notes (queries, statements, headers, what an error
said) stays, since it may hold secrets, titles or people. Texts that leave are redacted as log lines are.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from threading import Thread
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes, AttributeValue
from sqlalchemy import Engine

from bot.domain.redaction import is_random, redact
from bot.engine.spans import WANTED

log = structlog.get_logger()

_SENDS_S, _ENDS_S = 2, 2.0
# Asked all the time, by machines, and about nothing.
_UNTRACED = "/health/,/metrics"
_ADDRESSES = frozenset({"url.full", "http.url", "url.path"})
_SENT = _ADDRESSES | {
    "firstfive.attempt", "firstfive.incident", "firstfive.outcome", "firstfive.playbook", "firstfive.run",
    "firstfive.step", "db.operation.name", "db.system", "db.system.name", "error.type", "exception.type",
    "http.method", "http.request.method", "http.response.status_code", "http.route", "http.scheme", "http.status_code",
    "net.peer.name", "net.peer.port", "server.address", "server.port", "url.scheme",
}  # fmt: skip


class Telemetry:
    """What records spans and sends them. Starting it instruments this process, once and for good."""

    def __init__(self, endpoint: str, name: str, version: str, ratio: float) -> None:
        """`endpoint`: the collector's address without path; headers come from OTEL_EXPORTER_OTLP_HEADERS."""
        about = {SERVICE_NAME: name, SERVICE_VERSION: version}
        sampler = ParentBased(_OfRequestsAndRuns(TraceIdRatioBased(ratio)))
        # What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say of this process goes before what the file says.
        resource = Resource.create().merge(Resource(about)).merge(OTELResourceDetector().detect())
        self.provider = TracerProvider(sampler, resource, shutdown_on_exit=False, id_generator=_Ids())
        self._exporter = Guarded(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_SENDS_S), endpoint)
        self.provider.add_span_processor(BatchSpanProcessor(self._exporter))

    def start(self, engines: Iterable[Engine]) -> None:
        """Have requests to us, our own requests and SQL recorded from now on."""
        # A collector that is away is told of once, by us.
        for library in ("opentelemetry.exporter", "opentelemetry.sdk"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        trace.set_tracer_provider(self.provider)
        HTTPXClientInstrumentor().instrument(tracer_provider=self.provider)
        # It says that it knows SQLAlchemy below 2.1 only; the events that it listens to are the same there.
        SQLAlchemyInstrumentor().instrument(engines=[*engines], tracer_provider=self.provider, skip_dep_check=True)

    def watch(self, app: FastAPI) -> None:
        """Have an application's requests recorded, below the spans that they name as their parents."""
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=self.provider, excluded_urls=_UNTRACED, exclude_spans=["send", "receive"]
        )

    async def stop(self) -> None:
        """Send what is still here, for as long as that takes but not for long."""
        # A thread that the end of the process does not wait for, however long a collector keeps it.
        sending = Thread(target=self.provider.force_flush, name="last-spans", daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, _ENDS_S)
        self._exporter.shutdown()


class Guarded(SpanExporter):
    """Lets through what may leave, and tells once when nobody takes it, and once when somebody does again."""

    def __init__(self, inner: SpanExporter, endpoint: str) -> None:
        self._inner = inner
        self._endpoint = endpoint
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that are not taken are lost, and nobody waits for them."""
        result = self._inner.export([cleaned(span) for span in spans])
        away = result is not SpanExportResult.SUCCESS
        if away and not self._away:
            log.warning("the collector of spans takes none; they are lost until it does", endpoint=self._endpoint)
        if self._away and not away:
            log.info("the collector of spans takes them again", endpoint=self._endpoint)
        self._away = away
        return result

    def shutdown(self) -> None:
        """Let go of a request that is under way, send no more, and say no more of it."""
        self._away = True
        self._inner.shutdown()


class _Ids(RandomIdGenerator):
    """Gives the ids that a run's own spans must have, else any."""

    def generate_trace_id(self) -> int:
        wanted = WANTED.get()
        return wanted.trace_id if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = WANTED.get()
        return wanted.span_id if wanted else super().generate_span_id()


class _OfRequestsAndRuns(Sampler):
    """Begins traces with requests to us and with runs; what this process asks and reads by itself is none."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(  # noqa: PLR0913, PLR0917 - the signature is the SDK's
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about a span without a parent."""
        if kind is SpanKind.CLIENT or (kind is SpanKind.INTERNAL and WANTED.get() is None):
            return SamplingResult(Decision.DROP)
        return self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Name it."""
        return f"OfRequestsAndRuns({self._inner.get_description()})"


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """Give a span as it may leave: what is listed, without secrets, an error by its kind and not by its words."""
    name, kept = redact(span.name), _kept(span.attributes or {})
    if span.kind is SpanKind.SERVER:
        # A path that no route knows, or that has an incident or a person in it, is nobody's business.
        kept = {key: value for key, value in kept.items() if key not in _ADDRESSES}
        name = name if "http.route" in kept else name.split(" ")[0]
    if "db.system" in kept:
        name = name.split(" ")[0]  # what follows is where the database is
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        events=[Event(event.name, _kept(event.attributes or {}), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kept(told: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {key: _clean(key, value) for key, value in told.items() if key in _SENT}


def _clean(key: str, value: AttributeValue) -> AttributeValue:
    if not isinstance(value, str):
        return value
    return _address(value) if key in _ADDRESSES else redact(value)


def _address(url: str) -> str:
    """Give an address without who asks, without its query, and without what looks like a key in its path."""
    parts = urlsplit(url)
    path = "/".join("[redacted:random]" if is_random(part) else part for part in parts.path.split("/"))
    host = parts.netloc.rpartition("@")[2]
    return redact(f"{parts.scheme}://{host}{path}" if host else path)
