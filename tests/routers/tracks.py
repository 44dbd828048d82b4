"""The two tracks of a service, as small as can be: every answer names its track, every track counts."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

MARK = {"X-Release-Phase": "canary"}


@dataclass(frozen=True)
class Tracks:
    """Where baseline and canary answer, as HOST:PORT."""

    baseline: str
    canary: str


@contextmanager
def running_tracks() -> Iterator[Tracks]:
    """Give two upstreams whose answers name their track."""
    with ExitStack() as stack:
        yield Tracks(*(stack.enter_context(_upstream(track)) for track in ("baseline", "canary")))


def share(address: str, requests: int, *, marked: bool = False) -> Counter[str]:
    """Send requests to a router, each over a connection of its own; count which track answered, or with what status."""
    answers = Counter[str]()
    for _ in range(requests):
        connection = HTTPConnection(address, timeout=10)
        connection.request("GET", "/", headers=MARK if marked else {})
        answer = connection.getresponse()
        answers[answer.read().decode() if answer.status == 200 else str(answer.status)] += 1
        connection.close()
    return answers


class _Answer(BaseHTTPRequestHandler):
    track: ClassVar[bytes]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.track)))
        self.end_headers()
        self.wfile.write(self.track)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        """Stay silent."""


@contextmanager
def _upstream(track: str) -> Iterator[str]:
    handler = type("Answer", (_Answer,), {"track": track.encode()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
