"""The audit of metrics, on targets that really expose some; promtool is the second opinion."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bot.adapters.targets.exposition import MetricsLook, describe
from bot.domain.audits import Audited, Subject, judge
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.ports import Wanted
from tests.lab import running_lab

BAD = """\
# HELP http_requests Requests.
# TYPE http_requests counter
http_requests{code="200"} 5
# HELP answer_time_milliseconds How long.
# TYPE answer_time_milliseconds histogram
answer_time_milliseconds_bucket{le="5"} 1
answer_time_milliseconds_bucket{le="+Inf"} 2
answer_time_milliseconds_sum 9
answer_time_milliseconds_count 2
# TYPE queueLength gauge
queueLength 3
# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total 4
"""


@contextmanager
def exposing(content: bytes, status: int = 200) -> Iterator[Target]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield Target("checkout-1", "checkout", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def promtool() -> set[str]:
    """Give the metrics that promtool complains of."""
    checked = subprocess.run(["promtool", "check", "metrics"], input=BAD, capture_output=True, text=True, check=False)
    return {line.split()[0] for line in checked.stderr.splitlines() if line}


async def look(*targets: Target) -> Subject | Missing:
    return await MetricsLook()(Wanted(None, targets))


async def test_what_promtool_complains_of_is_told() -> None:
    with exposing(BAD.encode()) as target:
        seen = await look(target)
    assert isinstance(seen, Subject)
    told = {each.where for each in judge(Audited.METRICS, seen.document)}
    complained = await asyncio.to_thread(promtool)

    assert complained == {"http_requests", "answer_time_milliseconds", "queueLength"}
    assert told >= complained
    assert "jobs_total" not in told


def test_a_histogram_is_one_metric_and_its_buckets_are_no_label() -> None:
    described = {each["name"]: each for each in describe(BAD)}
    assert set(described) == {"http_requests", "answer_time_milliseconds", "queueLength", "jobs_total"}
    assert described["answer_time_milliseconds"]["labels"] == {}
    assert described["http_requests"]["labels"] == {"code": 1}


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"", 404, "answered 404"),
        (b"\xff\xfe", 200, "is not in Prometheus's text format"),
        (b"{]", 200, "is not in Prometheus's text format"),
        (b"a 1\n" * 3_000_000, 200, "exposes more than 8 MB"),
    ],
)
async def test_what_is_no_exposition_is_told(content: bytes, status: int, told: str) -> None:
    with exposing(content, status) as target:
        missing = await look(target)
    assert isinstance(missing, Missing)
    assert told in missing.reason


async def test_a_target_that_gives_nothing_is_named_beside_those_that_do() -> None:
    gone = Target("checkout-2", "checkout", "http://127.0.0.1:1")
    abroad = Target("checkout-3", "checkout", "http://192.0.2.1:6060")
    with exposing(BAD.encode()) as target:
        seen = await look(target, gone, abroad)
    assert isinstance(seen, Subject)
    assert list(seen.document["targets"]) == ["checkout-1"]
    assert [each.partition(" ")[0].rstrip(":") for each in seen.unseen] == ["checkout-2", "checkout-3"]


@pytest.mark.go
@pytest.mark.timeout(600)
async def test_the_lab_exposes_nothing_wrong() -> None:
    with running_lab(targets=1, sick="none") as lab:
        (one,) = lab["targets"]
        seen = await look(Target(one["name"], "checkout", one["pprof"]))
    assert isinstance(seen, Subject)
    assert [each for each in judge(Audited.METRICS, seen.document) if each.grade != "weak"] == []
