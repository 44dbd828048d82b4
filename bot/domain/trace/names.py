"""Under which names log lines keep what a chain is rebuilt from: of ECS, OpenTelemetry, zap, zerolog and others."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

_OF_APM = ("transaction.duration.us", "span.duration.us")
FROM_ITS_BEGINNING = frozenset(_OF_APM)
"""Durations of Elastic APM, whose documents have the time at which what they tell of began (its "APM span fields" count
the start of a span from the transaction's timestamp); a line of a log is written when that is over."""


@dataclass(frozen=True)
class Names:
    """The names that each thing may have in a line, dots for what is nested; the first that is there counts."""

    trace: tuple[str, ...] = ("trace.id", "trace_id", "traceId", "traceID", "TraceId", "traceid")
    span: tuple[str, ...] = ("span.id", "transaction.id", "span_id", "spanId", "spanID", "SpanId", "spanid")
    parent: tuple[str, ...] = (
        "parent.id", "parent_id", "parentId", "parent_span_id", "parentSpanId", "ParentSpanId", "span.parent_id",
    )  # fmt: skip
    service: tuple[str, ...] = (
        "service.name", "service_name", "serviceName", "resource.service.name", "service", "app", "container", "job",
    )  # fmt: skip
    host: tuple[str, ...] = ("host.name", "host.hostname", "hostname", "node", "host", "instance")
    at: tuple[str, ...] = ("@timestamp", "timestamp", "time", "ts", "Timestamp")
    level: tuple[str, ...] = ("log.level", "level", "severity", "severity_text", "SeverityText", "lvl")
    message: tuple[str, ...] = ("message", "msg", "Body", "body", "log", "error.message", "error")
    operation: tuple[str, ...] = (
        "span.name", "transaction.name", "http.route", "rpc.method", "operation", "handler", "url.path", "path",
    )  # fmt: skip
    duration: tuple[str, ...] = (
        *_OF_APM, "event.duration", "duration_ms", "durationMs", "duration_us",
        "duration_ns", "duration_s", "duration_seconds", "elapsed_ms", "latency_ms", "took_ms", "duration", "latency",
    )  # fmt: skip
    status: tuple[str, ...] = (
        "http.response.status_code", "http.status_code", "status_code", "statusCode", "http_status", "status",
    )  # fmt: skip
    outcome: tuple[str, ...] = ("event.outcome", "outcome")
    place: tuple[str, ...] = ("log.offset", "offset")

    def before(self, own: Mapping[str, tuple[str, ...]]) -> "Names":
        """Give the names with others put before them, by what they are names of."""
        return replace(self, **{key: (*names, *getattr(self, key)) for key, names in own.items() if names})


KINDS = tuple(each.name for each in fields(Names))
