"""Prometheus over a wire made of words: numbers, or why there are none."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.adapters.prometheus import PrometheusMetrics
from bot.domain.run import Missing
from bot.ports import Metrics, Sample
from tests.fakes import NOON, FakeMetrics

BASE = "http://127.0.0.1:9090"


def vector(*rows: tuple[dict[str, str], str]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [1_700_000_000.0, value]} for labels, value in rows]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def answering(body: Any, status: int = 200) -> PrometheusMetrics:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path in {"/api/v1/query", "/api/v1/query_range"}
        assert request.url.params["query"] == "up"
        return httpx.Response(status, content=content)

    return PrometheusMetrics(transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        (vector(({"job": "checkout"}, "0.25"), ({}, "1")), (Sample({"job": "checkout"}, 0.25), Sample({}, 1.0))),
        (vector(), ()),
        (vector(({}, "NaN")), ()),
        ({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "3"]}}, (Sample({}, 3.0),)),
    ],
)
async def test_numbers_come_with_their_labels(body: Any, samples: tuple[Sample, ...]) -> None:
    assert await answering(body).ask(BASE, "up") == samples


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"status": "error", "error": "parse error: unexpected end"}, 400, "answered 400: parse error: unexpected end"),
        (b"<html>gateway</html>", 502, "answered 502 with 20 bytes that are not Prometheus's JSON"),
        ([], 200, "answered 200: no reason given"),
        ({"status": "success", "data": None}, 200, "what this query should not give"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, 200, "what this query should not give"),
        (vector(({}, "many")), 200, "what this query should not give"),
        (b"[" * 2_000_000, 200, "not Prometheus's JSON"),
    ],
)
async def test_anything_else_is_missing_and_says_why(body: Any, status: int, reason: str) -> None:
    answer = await answering(body, status).ask(BASE, "up")
    assert isinstance(answer, Missing)
    assert reason in answer.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ReadTimeout("slow"), "gave no answer within 3 s"),
        (httpx.ConnectError("refused"), "cannot be asked: refused"),
        (httpx.RemoteProtocolError(""), "cannot be asked: RemoteProtocolError"),
    ],
)
async def test_a_broken_wire_is_missing_too(error: httpx.HTTPError, reason: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    asked = await PrometheusMetrics(transport=httpx.MockTransport(answer)).ask(BASE, "up")
    assert isinstance(asked, Missing)
    assert asked.reason.endswith(reason)


@pytest.mark.parametrize("made", [lambda: answering(vector(({}, "2"))), lambda: FakeMetrics({"up": 2.0})])
async def test_the_fake_answers_like_the_real_one(made: Callable[[], Metrics]) -> None:
    assert await made().ask(BASE, "up") == (Sample({}, 2.0),)


ADDRESS = "http://127.0.0.1:9901/stats/prometheus?filter=upstream_rq&usedonly"
ENVOY = """# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="checkout-canary"} 7
# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="checkout-canary",le="0.5"} 0
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="checkout-canary",le="+Inf"} 9
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="checkout-canary"} 412.25
envoy_cluster_upstream_rq_time_count{envoy_cluster_name="checkout-canary"} 9
# TYPE envoy_server_hot_restart_generation gauge
envoy_server_hot_restart_generation NaN

"""


def exposing(body: bytes, status: int = 200, pause_s: float = 0.0) -> PrometheusMetrics:
    """Give what asks an address that answers with a body, in pieces with pauses between them."""

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 65_536):
            await asyncio.sleep(pause_s)
            yield body[place : place + 65_536]

    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == ADDRESS
        return httpx.Response(status, content=pieces())

    return PrometheusMetrics(timeout_s=0.5, transport=httpx.MockTransport(answer))


async def test_what_is_exposed_is_read_with_names_and_labels_and_the_address_keeps_its_question() -> None:
    samples = await exposing(ENVOY.encode()).exposition(ADDRESS)
    assert not isinstance(samples, Missing)
    assert samples[0] == Sample(
        {
            "__name__": "envoy_cluster_upstream_rq",
            "envoy_response_code": "503",
            "envoy_cluster_name": "checkout-canary",
        },
        7.0,
    )
    by_edge = {each.labels["le"]: each.value for each in samples if "le" in each.labels}
    assert by_edge == {"0.5": 0.0, "+Inf": 9.0}
    assert "envoy_server_hot_restart_generation" not in {each.labels["__name__"] for each in samples}


@pytest.mark.parametrize(
    ("body", "status", "pause_s", "reason"),
    [
        (b"", 503, 0.0, "answered 503"),
        (b"<html><body>login</body></html>", 200, 0.0, "what is not Prometheus's text format"),
        (b'a{b="c', 200, 0.0, "what is not Prometheus's text format"),
        (b"\xff\xfe\x00", 200, 0.0, "what is not Prometheus's text format"),
        (b'requests_total{code="200"} 123\n' * 40_000, 200, 0.0, "exposes more than 1024 kB"),
        (b'requests_total{code="200"} 123\n' * 30_000, 200, 0.2, "gave no answer within 0.5 s"),
    ],
    ids=["an error", "a page", "half a line", "bytes", "too much", "drop by drop"],
)
async def test_an_exposition_that_cannot_be_read_is_missing(
    body: bytes, status: int, pause_s: float, reason: str
) -> None:
    answer = await exposing(body, status, pause_s).exposition(ADDRESS)
    assert isinstance(answer, Missing)
    assert reason in answer.reason


def matrix(*rows: list[list[Any]]) -> Any:
    result = [{"metric": {"n": str(n)}, "values": row} for n, row in enumerate(rows)]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


async def test_a_history_has_a_value_for_every_step_or_none() -> None:
    at = int(NOON.timestamp())
    body = matrix([[at - 120, "1"], [at, "3.5"]], [[at - 120, "2"], [at - 60, "NaN"], [at, "+Inf"]])
    minute = timedelta(minutes=1)
    assert await answering(body).history(BASE, "up", NOON + timedelta(seconds=0.4), 4 * minute, minute) == (
        None,
        2.0,
        None,
        3.5,
    )


@pytest.mark.parametrize("body", [vector(({}, "1")), matrix([[1]]), matrix([["x", "y"]]), {"status": "error"}, b"x"])
async def test_a_history_that_is_none_is_missing(body: Any) -> None:
    minute = timedelta(minutes=1)
    assert isinstance(await answering(body).history(BASE, "up", NOON, minute, minute), Missing)


async def test_why_there_are_no_numbers_holds_no_password() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    metrics = PrometheusMetrics(transport=httpx.MockTransport(refuse))
    for said in (
        await metrics.ask("http://bot:hunter2hunter2@prometheus.test", "up"),
        await metrics.exposition("http://bot:hunter2hunter2@envoy.test/stats?token=hunter2hunter2"),
    ):
        assert isinstance(said, Missing)
        assert "cannot be asked" in said.reason
        assert "hunter2" not in said.reason
