"""The demo tells of its deploys as a pipeline does, and of none that its targets contradict; it says what is slow."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from bot import demo
from bot.demo import DemoFailed, Places, _made, _tell_deploys

TOLD: list[dict[str, Any]] = []
REFUSALS: list[int] = []


class Served(BaseHTTPRequestHandler):
    """Both targets, by the first part of the path, and what listens to pipelines."""

    def do_GET(self) -> None:
        self._answer({"version": self.path.split("/")[1], "revision": "0f0d89d"})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if REFUSALS:
            self._answer({}, REFUSALS.pop())
            return
        TOLD.append({**said, "proof": self.headers["Authorization"]})
        self._answer({})

    def _answer(self, told: dict[str, str], status: int = 200) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    TOLD.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def told(url: str, **more: Any) -> list[str]:
    targets = [{"url": f"{url}/{version}"} for version in ("v1.4.0", "v1.4.0", "v1.5.0")]
    places = Places(port=int(url.rpartition(":")[2]) - 1, lab_port=0, folder=Path())
    _tell_deploys(places, {"targets": targets, **more}, "a token")
    return [each["release"] for each in TOLD]


def test_the_canary_that_a_router_shows_is_a_deploy(url: str) -> None:
    assert told(url, router={}) == ["v1.4.0", "v1.5.0"]
    assert {each["proof"] for each in TOLD} == {"Bearer a token"}


def test_without_a_router_no_deploy_is_told_that_most_targets_would_contradict(url: str) -> None:
    assert told(url) == []


def test_a_bot_that_is_not_ready_yet_is_told_again_and_one_that_refuses_is_not(url: str) -> None:
    REFUSALS.append(503)
    assert told(url, router={}) == ["v1.4.0", "v1.5.0"]
    REFUSALS.append(403)
    with pytest.raises(HTTPError):
        told(url, router={})
    assert REFUSALS == []


def test_a_lab_that_takes_too_long_is_no_fault_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_BUILD_S", 0.001)
    with pytest.raises(DemoFailed, match="run make demo again"):
        _made("prepare")
