"""An upstream as a process of its own: `python -m tests.routers.upstream PORT`. SIGUSR1 takes its readiness back."""

import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY = threading.Event()


class Answer(BaseHTTPRequestHandler):
    """Answers everybody, and whoever asks for readiness by what it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/health/ready" and not READY.is_set() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


if __name__ == "__main__":
    READY.set()
    signal.signal(signal.SIGUSR1, lambda *_: READY.clear())
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever(poll_interval=0.05)
