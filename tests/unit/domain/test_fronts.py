"""Freshness by RFC 9111, path by path and address by address."""

from datetime import UTC, datetime

import pytest

from bot.domain.fronts import EdgeAnswer, directives, flaws, read_answer
from bot.domain.service import Edge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://shop.example.com/app.js"
DATE = "Sun, 01 Mar 2026 11:59:00 GMT"


def read(status: int = 200, **headers: str) -> EdgeAnswer:
    return read_answer("192.0.2.1", status, {name.replace("_", "-"): value for name, value in headers.items()}, NOW)


@pytest.mark.parametrize(
    ("headers", "age", "lifetime"),
    [
        ({}, None, None),
        ({"age": "30", "cache_control": "public, max-age=60"}, 30, 60),
        ({"age": "30", "cache_control": "max-age=60, s-maxage=10"}, 30, 10),
        ({"cache_control": 'private="x", max-age=60'}, None, 0),
        ({"cache_control": "no-store"}, None, 0),
        ({"date": DATE, "expires": "Sun, 01 Mar 2026 12:04:00 GMT"}, 60, 300),
        ({"date": DATE, "expires": "0"}, 60, None),
        ({"date": "yesterday", "age": "-3", "cache_control": "max-age=soon"}, None, None),
        ({"age": "9" * 400, "cache_control": "max-age=" + "9" * 400}, None, None),
        ({"age": "٣"}, None, None),
    ],
)
def test_age_and_lifetime_are_read_from_the_headers(
    headers: dict[str, str], age: float | None, lifetime: float | None
) -> None:
    answer = read(200, **headers)
    assert (answer.age_s, answer.lifetime_s) == (age, lifetime)


def test_directives_are_read_with_and_without_values() -> None:
    assert directives('Public, max-age="60",immutable') == {"public": "", "max-age": "60", "immutable": ""}


@pytest.mark.parametrize(
    ("edge", "answer", "said"),
    [
        (Edge(URL), EdgeAnswer("192.0.2.1", error="refused"), "at 192.0.2.1 gives no answer: refused"),
        (Edge(URL), read(503), "answers 503"),
        (Edge(URL), read(age="90", cache_control="max-age=60"), "is stale: 1 min 30 s old, its own lifetime is 1 min"),
        (Edge(URL, max_age_s=60), read(age="7200"), "is 2 h old, 1 min is allowed"),
        (Edge(URL, cache_control="public, max-age=60"), read(cache_control="max-age=5, public"), "lacks max-age=60"),
        (Edge(URL, cache_control="public"), read(), "lacks public: it has no Cache-Control"),
    ],
)
def test_a_flaw_is_said_with_its_numbers(edge: Edge, answer: EdgeAnswer, said: str) -> None:
    (flaw,) = flaws(edge, [answer])
    assert said in flaw.text


@pytest.mark.parametrize(
    "answer", [read(age="30", cache_control="max-age=60"), read(date=DATE, cache_control="no-store"), read()]
)
def test_a_fresh_or_uncached_answer_has_no_flaw(answer: EdgeAnswer) -> None:
    assert flaws(Edge(URL), [answer]) == ()


def test_addresses_that_serve_different_versions_are_named() -> None:
    answers = [EdgeAnswer("192.0.2.1", 200, version='"a"'), EdgeAnswer("192.0.2.2", 200, version='"b"')]
    (flaw,) = flaws(Edge(URL), answers)
    assert flaw.text == f'{URL} is not the same everywhere: 192.0.2.1 "a", 192.0.2.2 "b"'
