"""A collector of spans: takes OTLP over HTTP as the protocol has it, and keeps what it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass(frozen=True)
class Kept:
    """A span that was received; ids are hex, times nanoseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began_ns: int
    attributes: dict[str, str | int]
    service: str


@dataclass
class Collector:
    """What was sent so far, the bytes of it and the headers that came with it too."""

    url: str
    spans: list[Kept] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def of(self, trace_id: str) -> list[Kept]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def keep(self, body: bytes, token: str) -> None:
        sent = ExportTraceServiceRequest.FromString(body)
        self.bodies.append(body)
        self.tokens.add(token)
        for about in sent.resource_spans:
            service = {each.key: value(each.value) for each in about.resource.attributes}["service.name"]
            for span in (span for scope in about.scope_spans for span in scope.spans):
                attributes = {each.key: value(each.value) for each in span.attributes}
                ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                self.spans.append(Kept(span.name, *ids, span.start_time_unix_nano, attributes, str(service)))


def value(told: AnyValue) -> str | int:
    return told.int_value if told.HasField("int_value") else told.string_value


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Give one that listens on a free port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.keep(body, self.headers.get("Authorization", ""))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server.RequestHandlerClass = Taking
        Thread(target=server.serve_forever, daemon=True).start()
        yield collector
        server.shutdown()
