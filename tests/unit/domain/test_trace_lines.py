"""What is read of a line: names of common shapes, times, durations, failures; ids of traces; and no secrets."""

from typing import Any

import pytest

from bot.domain.errors import CommandRejected
from bot.domain.redaction import UNSURE_NAMES
from bot.domain.trace.covering import covered
from bot.domain.trace.ids import trace_id
from bot.domain.trace.lines import UNKNOWN, Reader, length, moment, read
from bot.domain.trace.names import KINDS, Names
from bot.settings.logs import FieldsTable
from tests.logstores.shop import SECRET, TRACE

NOON_US = 1_772_366_400_000_000
GENERATED = "a8f5f167f44f4964e6c998dee827110c"


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE.upper(),
        f" `{TRACE}` ",
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        f"00-{TRACE}-00f067aa0ba902b7-01",
        f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01",
        f"cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later",
    ],
)
def test_an_id_is_read_as_people_paste_it(text: str) -> None:
    assert trace_id(text) == TRACE


@pytest.mark.parametrize("text", ["", "checkout", TRACE[:-1], TRACE + "0", "g" * 32, f"00-{TRACE}", "INC-7"])
def test_what_is_no_id_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(CommandRejected, match="32 hex digits"):
        trace_id(text)


def test_all_zeroes_stand_for_no_trace() -> None:
    with pytest.raises(CommandRejected, match="no trace"):
        trace_id("0" * 32)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000000000Z",
        "2026-03-01T13:00:00,000+01:00",
        "2026-03-01 12:00:00",
        NOON_US / 1e6,
        NOON_US // 1_000,
        NOON_US,
        NOON_US * 1_000,
        str(NOON_US * 1_000),
        str(NOON_US // 1_000),
        str(NOON_US // 1_000_000),
        f"{NOON_US // 1_000_000}.000",
        "20260301T120000",
    ],
)
def test_a_time_is_read_in_every_usual_spelling(value: Any) -> None:
    assert moment(value) == NOON_US


def test_a_number_in_words_is_no_day_of_long_ago() -> None:
    assert moment("1712081201530") == 1_712_081_201_530_000
    assert moment("20260301") == NOON_US - 12 * 3_600_000_000


@pytest.mark.parametrize("value", ["", "noon", None, True, -1, 0, [], float("nan"), float("inf"), 10**30])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert moment(value) is None


@pytest.mark.parametrize(
    ("name", "value", "us"),
    [
        ("event.duration", 1_500_000, 1_500),
        ("duration_ms", 1.5, 1_500),
        ("durationMs", "1.5", 1_500),
        ("transaction.duration.us", 1_500, 1_500),
        ("duration_ns", 1_500_000, 1_500),
        ("duration_seconds", 0.0015, 1_500),
        ("duration", "1.5ms", 1_500),
        ("duration", "1m0.5s", 60_500_000),
        ("latency", "250µs", 250),
        ("duration", 12, None),
        ("duration", "1.2.3ms", None),
        ("duration_ms", "soon", None),
        ("duration_ms", True, None),
        ("duration_ms", -3, None),
        ("duration_ms", float("nan"), None),
        ("duration", f"{'9' * 400}s", None),
        ("duration", f"{'9' * 30}h", None),
        ("duration_ms", "9" * 400, None),
    ],
)
def test_a_duration_has_the_unit_of_its_name_or_its_own(name: str, value: Any, us: int | None) -> None:
    assert length(value, name) == us


@pytest.mark.parametrize(
    ("more", "failed"),
    [
        ({"level": "ERROR"}, True),
        ({"log": {"level": "fatal"}}, True),
        ({"log.level": "error"}, True),
        ({"level": 50}, True),
        ({"level": 30}, False),
        ({"level": "warn"}, False),
        ({"http.response.status_code": 500}, True),
        ({"status": "404"}, False),
        ({"status": "ok"}, False),
        ({"event": {"outcome": "failure"}}, True),
        ({}, False),
    ],
)
def test_a_failure_is_told_by_level_status_or_outcome(more: dict[str, Any], failed: bool) -> None:  # noqa: FBT001 - a table of cases
    line = read({"@timestamp": NOON_US, **more}, Names())
    assert line is not None
    assert line.failed is failed


def test_a_line_that_tells_nothing_but_its_time_is_a_line() -> None:
    line = read({"ts": 1_772_366_400.0, "span_id": "0000000000000000", "service": [], "a": {"b": None}}, Names())
    assert line is not None
    assert (line.at, line.service, line.span, line.parent) == (NOON_US, UNKNOWN, "", "")


def test_names_of_ones_own_come_first_and_every_kind_can_have_some() -> None:
    names = FieldsTable(service=("kubernetes.labels.team",)).names()
    line = read({"@timestamp": NOON_US, "service": "x", "kubernetes": {"labels": {"team": "shop"}}}, names)
    assert line is not None
    assert line.service == "shop"
    assert set(KINDS) - set(FieldsTable.model_fields) == {"place"}


@pytest.mark.parametrize(
    "line",
    [
        {"message": f"login password={SECRET} ok"},
        {"message": f'{{"password":"{SECRET}"}}'},
        {"http": {"request": {"headers": {"authorization": f"Bearer {SECRET}"}}}},
        {"password": SECRET},
        {"all": [{"client_secret": SECRET}]},
        {"session_id": SECRET},
        {"url": f"https://ada:{SECRET}@bank.test/"},
        {"password": {"value": SECRET}},
        {"credentials": {"pass": SECRET, "type": "basic"}},
        {"credentials": [{"of": ["ada", {"is": SECRET}]}]},
        {"auth": {"api_key": {"primary": [SECRET]}}},
        {"password": f"({SECRET})"},
    ],
)
def test_secrets_are_taken_out_wherever_they_stand(line: dict[str, Any]) -> None:
    whole = covered([{"trace_id": TRACE, "message": "fine", "tokens": 7}, {"trace_id": TRACE, **line}])
    assert SECRET not in str(whole)
    assert [each["trace_id"] for each in whole] == [TRACE, TRACE]
    assert whole[0] == {"trace_id": TRACE, "message": "fine", "tokens": 7}


@pytest.mark.parametrize("secret", [12345678, 1.5, -7])
def test_a_number_under_a_secrets_name_is_one_too(secret: float) -> None:
    lines: list[dict[str, Any]] = [
        {"password": secret},
        {"login": {"pin": 1, "secret": {"pin": secret}}},
        {"passwords": [secret, secret]},
    ]
    assert covered(lines) == [
        {"password": "[redacted:secret]"},
        {"login": {"pin": 1, "secret": {"pin": "[redacted:secret]"}}},
        {"passwords": ["[redacted:secret]"] * 2},
    ]


@pytest.mark.parametrize("name", UNSURE_NAMES.split("|"))
def test_what_looks_generated_under_a_name_that_may_be_of_a_secret_is_one(name: str) -> None:
    lines: list[dict[str, Any]] = [
        {name: GENERATED},
        {f"x_{name}": {"v": GENERATED}},
        {f"x.{name}.v": GENERATED},
        {"in": [{name.upper(): [GENERATED, {"v": {"w": GENERATED}}]}]},
        {name: f"{GENERATED}; HttpOnly", "message": f"login password={SECRET}"},
        {name: f'"sid={GENERATED} of ada"', "message": f"login password={SECRET}"},
        {name: f"t=1492774577,v1={GENERATED}"},
        {name: f"expired ({GENERATED})"},
        {f"{name}sOfAda": [GENERATED]},
        {f"php{name}": GENERATED},
        {f"PHP{name.upper()}": GENERATED},
    ]
    for line in lines:
        (whole,) = covered([{"trace_id": TRACE, **line}])
        assert GENERATED not in str(whole)
        assert whole["trace_id"] == TRACE
    assert covered(lines[:1]) == [{name: "[redacted:secret]"}]


@pytest.mark.parametrize("word", ["users", "open", "", "checkout-7d9f8b6c5d", 12345678, 1.5, True, None])
def test_what_does_not_look_generated_stays_under_such_a_name(word: object) -> None:
    line = {"session": word, "x_auth": {"v": [word]}, "key": {"size": GENERATED[:8]}, "key_type": GENERATED}
    whole = covered([line, {"password": SECRET, **line}])
    assert whole == [line, {"password": "[redacted:secret]", **line}]


@pytest.mark.parametrize("name", ["authority", "author", "sidecar", "keyspace", "signal", "considered", "xkeyed"])
def test_a_name_is_one_of_a_secret_by_a_whole_word(name: str) -> None:
    line = {name: GENERATED, f"x_{name}": {"host": GENERATED}}
    assert covered([line]) == [line]


@pytest.mark.parametrize(
    "line",
    [
        {"prompt_tokens": 812, "usage": {"completionTokens": 7}},
        {"token_type": "bearer", "token_expires_in": 3_600, "token_checked_ms": 1.5},
        {"password": "", "token": None, "has_password": True, "token_count": 3},
    ],
)
def test_what_only_tells_about_a_secret_stays(line: dict[str, Any]) -> None:
    whole = covered([line, {"password": SECRET}])
    assert whole[0] == line
    assert SECRET not in str(whole)


def test_what_is_too_deep_to_be_looked_at_is_left_out() -> None:
    deep: Any = SECRET
    for _ in range(30):
        deep = {"password": deep}
    assert SECRET not in str(covered([{"a": deep}]))


def test_lines_of_several_shapes_are_each_read_as_if_they_were_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.trace.lines._MOST_SHAPES", 2)
    documents: list[dict[str, object]] = [
        {"time": 1_700_000_000, "msg": "one", "service": "cart", "status": "ok", "http_status": 503},
        {
            "@timestamp": "2026-03-01T11:55:20Z",
            "time": 1,
            "message": "two",
            "msg": "not this",
            "service": {"name": "pay"},
        },
        {"msg": "one", "time": 1_700_000_000, "http_status": 200, "status": 404, "latency": "3 apples", "took_ms": 4},
        {"ts": 1_700_000_000.5, "log": ["first", "second"], "level": " WARN  of\u202e it ", "outcome": None},
        {"log": "no time"},
    ]
    reader = Reader(Names())
    for _ in range(2):
        assert [reader.read(each) for each in documents] == [read(each, Names()) for each in documents]
    told = [each for each in map(reader.read, documents) if each is not None]
    assert [each.message for each in told] == ["one", "two", "one", "first"]
    assert [each.status for each in told] == [503, 0, 200, 0]
    assert [each.level for each in told] == ["", "", "", "WARN of it"]
    assert [each.at - each.begins for each in told] == [0, 0, 4_000, 0]
