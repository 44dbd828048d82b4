"""A server on a port of its own for as long as a test looks at it."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    params: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Store:
    """What is asked of it is kept; `slow_from`: from which request on an answer comes only when it is let go."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.slow_from = 1_000_000
        self.let_go = threading.Event()
        self.one_at_a_time = threading.Lock()

    def answer(self, asked: Asked) -> Told:
        raise NotImplementedError


def _handler(store: Store) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def _go(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            body = json.loads(raw) if raw else None
            asked = Asked(self.command, unquote(url.path), dict(parse_qsl(url.query)), body, dict(self.headers))
            store.asked.append(asked)
            if len(store.asked) > store.slow_from:
                store.let_go.wait()
            with store.one_at_a_time:
                told = store.answer(asked)
            written = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            self.send_response(told.status)
            for name, value in ({"Content-Type": "application/json"} | dict(told.headers)).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                time.sleep(0)  # whoever asked has gone

        do_GET = do_POST = do_DELETE = do_HEAD = _go  # noqa: N815 - as the library calls them

    return Handler


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """Serve a store; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        store.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
