"""Stores of log lines over a real socket: each line of a trace, in pages; what is slow, dead or refuses; their client.

FIRSTFIVE_LIVE_LOGS names a firstfive.toml with [logs] for the live test, FIRSTFIVE_LIVE_TRACE a trace that is there;
the token comes from the environment as always.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch, UnsupportedProductError, helpers

from bot.adapters.logsearch import asking
from bot.adapters.logsearch import elasticsearch as searching
from bot.adapters.logsearch import loki as ranging
from bot.adapters.logsearch.asking import Place
from bot.adapters.logsearch.elasticsearch import ElasticsearchLogs
from bot.adapters.logsearch.loki import LokiLogs
from bot.domain.run import Missing
from bot.ports import Logged, Logs, Sought
from bot.settings import Settings, read
from bot.wiring import wired_logs
from tests.logstores import elasticsearch as es
from tests.logstores.loki import Loki
from tests.logstores.serving import Asked, Store, Told, serving
from tests.logstores.shop import NOON, SECRET, TRACE, as_loki, many, request, zap

WANTED = Sought(TRACE, NOON - timedelta(days=1), NOON)
OTHER = [{**zap(0, "other", "a" * 16, "", "of another trace"), "trace_id": "f" * 32}]
STORES = ("points", "scrolls", "loki")
PAGE = 20


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for adapter in (searching, ranging):
        monkeypatch.setattr(adapter, "PAGE", PAGE)


def store_of(kind: str, documents: Sequence[dict[str, Any]]) -> Store:
    if kind == "loki":
        return Loki(as_loki(list(documents)))
    return es.Elasticsearch(documents, points=kind == "points")


@contextmanager
def asked_of(kind: str, store: Store, **more: Any) -> Iterator[Logs]:
    with serving(store) as url:
        where = '{service_name=~".+"}' if kind == "loki" else "logs-*"
        place = replace(Place(url, where, "ApiKey"), **more)
        yield LokiLogs(place) if kind == "loki" else ElasticsearchLogs(place)


async def found(logs: Logs) -> Logged:
    told = await logs.lines(WANTED)
    assert isinstance(told, Logged), told
    assert told.content.count(b"\n") == told.lines
    return told


def said(logged: Logged) -> list[str]:
    return [str(line.get("msg") or line.get("message")) for line in map(json.loads, logged.content.splitlines())]


@pytest.mark.parametrize("kind", STORES)
async def test_every_line_of_a_trace_comes_and_none_of_another(kind: str) -> None:
    with asked_of(kind, store_of(kind, [*OTHER, *request()])) as logs:
        told = await found(logs)
    assert said(told) == [str(each.get("msg") or each.get("message")) for each in request()]
    assert (told.lines, told.missing) == (6, "")


@pytest.mark.parametrize("lines", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
@pytest.mark.parametrize("kind", STORES)
async def test_pages_follow_each_other_without_a_gap_or_a_repeat(kind: str, lines: int) -> None:
    documents = [zap(number // 3, "shop", "a" * 16, "", f"line {number}") for number in range(lines)]
    store = store_of(kind, documents)
    with asked_of(kind, store) as logs:
        told = await found(logs)
    assert sorted(said(told)) == sorted(each["msg"] for each in documents)
    assert told.missing == ""
    assert isinstance(store, Loki) or not store.opened  # type: ignore[attr-defined]
    assert isinstance(store, Loki) or not store.scrolls  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", STORES)
async def test_no_more_lines_are_read_than_configured_and_nothing_is_left_open(kind: str) -> None:
    store = store_of(kind, list(many(50)))
    with asked_of(kind, store, most=30) as logs:
        told = await found(logs)
    assert (told.lines, told.missing) == (30, "only the first 30 lines were read (`lines` in [logs])")
    assert isinstance(store, Loki) or not (store.opened or store.scrolls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", STORES)
async def test_of_a_store_that_becomes_slow_what_was_read_is_kept(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(kind, list(many(3 * PAGE)))
    store.slow_from = 2 if kind == "loki" else 3
    # Its time is over when the third page is asked for, however busy this machine is.
    monkeypatch.setattr(asking, "monotonic", lambda: 0.0 if len(store.asked) < store.slow_from else 1_000.0)
    with asked_of(kind, store) as logs:
        told = await found(logs)
        store.let_go.set()
    assert PAGE < told.lines <= 2 * PAGE
    assert f"gave no more answer within 20 s, after {told.lines} lines" in told.missing


@pytest.mark.parametrize("kind", STORES)
async def test_of_a_dead_store_the_reason_is_told(kind: str) -> None:
    with serving(store_of(kind, [])) as url:
        place = Place(url, '{a="b"}')
    logs: Logs = LokiLogs(place) if kind == "loki" else ElasticsearchLogs(place)
    told = await logs.lines(WANTED)
    assert isinstance(told, Missing)
    assert "cannot be asked" in told.reason
    assert isinstance(await logs.check(), Missing)


class Garbled(Store):
    """Answers with the same bytes whatever is asked."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self._told = Told(status, body)

    def answer(self, asked: Asked) -> Told:
        del asked
        return self._told


@pytest.mark.parametrize("kind", ["elasticsearch", "loki"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>a proxy</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"hits":{"hits":[1]},"data":{"result":[1]}}'),
        (200, b'{"hits":7,"data":7,"id":7}'),
        (302, b""),
        (503, b'{"error":"overloaded"}'),
        (500, b'{"error":{"root_cause":[],"type":"x","reason":null}}'),
        (429, b"slow down"),
    ],
)
async def test_what_is_no_answer_is_told_and_breaks_nothing(kind: str, status: int, body: bytes) -> None:
    with asked_of(kind, Garbled(status, body)) as logs:
        told = await logs.lines(WANTED)
        assert isinstance(told, Missing), told
        assert "answered" in told.reason
        assert isinstance(await logs.check(), Missing)


async def test_a_wrong_token_is_told_without_it() -> None:
    store = es.Elasticsearch(request())
    store.token = "right"
    with asked_of("points", store, token=SECRET) as logs:
        told = await logs.lines(WANTED)
        assert isinstance(told, Missing)
        assert "answered 401: missing authentication for ApiKey [" in told.reason
        assert SECRET not in told.reason
    with asked_of("points", store, token="right") as logs:
        assert (await found(logs)).lines == 6
        assert await logs.check() == f"{logs.place} can be searched"


async def test_shards_that_do_not_answer_are_told_of() -> None:
    store = es.Elasticsearch(request())
    store.failed_shards = 2
    with asked_of("points", store) as logs:
        assert (await found(logs)).missing == "2 of 5 shards did not answer"


async def test_an_index_that_is_not_there_is_told_of_and_not_searched_otherwise() -> None:
    store = es.Elasticsearch(request(), index="audit-shop")
    with asked_of("points", store) as logs:
        told = await logs.lines(WANTED)
        assert isinstance(told, Missing)
        assert "no such index [logs-*]" in told.reason
        checked = await logs.check()
        assert isinstance(checked, Missing)
        assert "has no index logs-*" in checked.reason
    assert not store.scrolls


async def test_lines_whose_trace_is_structured_metadata_and_lines_that_are_no_json_are_found_in_loki() -> None:
    at, labels = int(NOON.timestamp() * 1e9) - 10**9, {"service_name": "shop"}
    rows = [
        (at, labels, f'level=error trace_id={TRACE} msg="no \\"money\\" left" span_id=00f067aa0ba902b7'),
        (at, {**labels, "trace_id": TRACE, "span_id": "b" * 16}, "a line of words"),
        (at, labels, f"words with {TRACE} in them"),
        (at, labels, "{broken " + TRACE),
        (at, labels, "nothing"),
    ]
    store = Loki(rows)
    store.tenant = "shop"
    with asked_of("loki", store, tenant="shop") as logs:
        told = [json.loads(line) for line in (await found(logs)).content.splitlines()]
        assert isinstance(await logs.check(), str)
    assert [each.get("msg") or each["message"] for each in told] == [
        'no "money" left',
        f"words with {TRACE} in them",
        "{broken " + TRACE,
        "a line of words",
    ]
    assert [each.get("span_id") for each in told] == ["00f067aa0ba902b7", None, None, "b" * 16]


async def test_more_lines_of_one_moment_than_loki_gives_are_said_to_be_missing() -> None:
    at = int(NOON.timestamp() * 1e9) - 10**9
    rows = [(at, {"a": "b"}, f"{TRACE} {number}") for number in range(PAGE + 5)]
    with asked_of("loki", Loki([*rows, (at + 5, {"a": "b"}, f"{TRACE} last")])) as logs:
        told = await found(logs)
    assert told.lines == PAGE + 1
    assert "more than 20 lines of one moment" in told.missing


@pytest.mark.parametrize("kind", STORES)
async def test_nothing_secret_is_kept(kind: str) -> None:
    lines = [*request(), zap(50, "payment", "c" * 16, "", f"bank said password={SECRET}", password=SECRET)]
    with asked_of(kind, store_of(kind, lines)) as logs:
        told = await found(logs)
    assert told.lines == 7
    assert SECRET.encode() not in told.content


async def test_lines_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_BYTES", 600)
    with asked_of("points", store_of("points", request())) as logs:
        told = await found(logs)
    assert 0 < told.lines < 6
    assert len(told.content) <= 600
    assert "MB of" in told.missing


async def test_certificates_that_cannot_be_read_are_told_of() -> None:
    told = await ElasticsearchLogs(Place("https://127.0.0.1:9", "logs-*", ca_file="/nowhere/ca.pem")).lines(WANTED)
    assert isinstance(told, Missing)
    assert "No such file" in told.reason


def test_the_configuration_says_which_store_is_asked_and_how() -> None:
    given: dict[str, Any] = {"store": "loki", "url": "http://loki.test", "tenant": "shop", "lines": 500}
    logs = wired_logs(Settings(logs=given, firstfive_logs_token="t"))
    assert isinstance(logs, LokiLogs)
    assert logs._at.headers == {
        "Accept": "application/json", "X-Scope-OrgID": "shop", "Authorization": "Bearer t",
    }  # fmt: skip
    basic: dict[str, Any] = {"store": "elasticsearch", "url": "http://es.test", "auth": "basic"}
    logs = wired_logs(Settings(logs=basic, firstfive_logs_token="ada:x"))
    assert isinstance(logs, ElasticsearchLogs)
    assert logs._at.headers["Authorization"] == "Basic YWRhOng="
    assert "[logs]" in wired_logs(Settings()).mend
    with pytest.raises(ValueError, match="needs both"):
        Settings(logs={"store": "loki"})


async def test_the_official_client_takes_the_store_for_elasticsearch_and_reads_the_same() -> None:
    documents = [*OTHER, *many(150)]
    with serving(es.Elasticsearch(documents)) as url:
        ours = await found(ElasticsearchLogs(Place(url, "logs-*")))
        async with AsyncElasticsearch(url) as client:
            point = (await client.open_point_in_time(index="logs-shop", keep_alive="1m"))["id"]
            theirs: list[Any] = []
            after = None
            while True:
                page = await client.search(
                    size=PAGE,
                    query={"bool": {"filter": [{"terms": {"trace_id": [TRACE]}}]}},
                    sort=[{"@timestamp": "asc"}],
                    pit={"id": point, "keep_alive": "1m"},
                    search_after=after,
                )
                point, hits = page["pit_id"], page["hits"]["hits"]
                theirs += [hit["_source"] for hit in hits]
                if not hits:
                    break
                after = hits[-1]["sort"]
            assert (await client.close_point_in_time(id=point))["succeeded"] is True
    assert list(map(json.loads, ours.content.splitlines())) == theirs
    assert len(theirs) == 150


def test_the_official_client_scrolls_through_it_too_and_knows_what_is_no_elasticsearch() -> None:
    with serving(es.Elasticsearch(list(many(150)), points=False)) as url, Elasticsearch(url) as client:
        query = {"query": {"terms": {"trace_id": [TRACE]}}}
        assert sum(1 for _ in helpers.scan(client, index="logs-shop", query=query, size=PAGE)) == 150
    with (
        serving(Garbled(200, b"{}")) as url,
        Elasticsearch(url, max_retries=0) as client,
        pytest.raises(UnsupportedProductError),
    ):
        client.info()


@pytest.mark.live
async def test_a_real_store_gives_a_real_trace() -> None:
    if not os.environ.get("FIRSTFIVE_LIVE_LOGS"):
        pytest.skip("FIRSTFIVE_LIVE_LOGS is not set")
    settings = read({**os.environ, "FIRSTFIVE_CONFIG": os.environ["FIRSTFIVE_LIVE_LOGS"]})
    logs = wired_logs(settings)
    assert isinstance(await logs.check(), str)
    now = NOON.now(NOON.tzinfo)
    told = await logs.lines(Sought(os.environ["FIRSTFIVE_LIVE_TRACE"], now - timedelta(days=7), now))
    assert isinstance(told, Logged), told
    assert told.lines > 0
