"""What is told of servers, clients, probes and answers, as they were found."""

from typing import Any

import pytest

from bot.domain.audits import Audited, Grade, judge
from bot.domain.audits.probes import seconds

AT = {"path": "main.go", "line": 7}
SOUND = {
    "ReadHeaderTimeout": "5 * time.Second",
    "ReadTimeout": "time.Minute",
    "WriteTimeout": "30 * time.Second",
    "IdleTimeout": "2 * time.Minute",
}
LIVE = {"kind": "http", "path": "/livez", "port": 8080, "period_s": 10, "timeout_s": 5, "failures": 3}
POD: dict[str, Any] = {
    "container": "checkout",
    "restarts": 0,
    "ready": True,
    "state": {"is": "running", "since": "2026-11-29T03:00:00Z"},
    "ready_changed_at": "2026-11-29T03:00:02Z",
    "probes": {"liveness": LIVE, "readiness": {**LIVE, "path": "/readyz"}},
    "answers": {"liveness": {"status": 200, "seconds": 0.002, "said": "ok"}},
}
REACHES = {"call": "s.db.PingContext", "path": "health.go", "line": 12, "via": "s.live > s.check"}


def told(**document: Any) -> list[tuple[str, str, str]]:
    return [(each.grade.value, each.rule, each.where) for each in judge(Audited.PROBES, document)]


def of_pod(**more: Any) -> list[tuple[str, str]]:
    return [(grade, rule) for grade, rule, _ in told(pods={"checkout-1": {**POD, **more}})]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("5 * time.Second", 5),
        ("time.Second*5", 5),
        ("time.Duration(90) * time.Second", 90),
        ("2 * 60 * time.Second", 120),
        ("1.5 * time.Minute", 90),
        ("time.Hour", 3600),
        ("500 * time.Millisecond", 0.5),
        ("3000000000", 3),
        ("0", 0),
        ("cfg.Timeout", None),
        ("5 * unit", None),
        ("", None),
        ("time.Duration(n) * time.Second", None),
    ],
)
def test_durations_are_read_as_go_has_them(written: str, expected: float | None) -> None:
    assert seconds(written) == expected


def test_a_server_with_all_its_timeouts_is_left_alone() -> None:
    assert told(servers=[{**AT, "fields": SOUND}]) == []


@pytest.mark.parametrize(
    ("fields", "grade", "what"),
    [
        ({}, "wrong", "no ReadHeaderTimeout, IdleTimeout, WriteTimeout, ReadTimeout: who sends its headers slowly"),
        ({**SOUND, "ReadHeaderTimeout": "0", "ReadTimeout": "0"}, "wrong", "no ReadHeaderTimeout, ReadTimeout: who"),
        ({**SOUND, "WriteTimeout": "0 * time.Second"}, "risky", "no WriteTimeout: a client that does not read"),
        ({**SOUND, "ReadTimeout": "0"}, "weak", "no ReadTimeout: a body that is sent slowly"),
        ({"Addr": '"localhost:6060"'}, "weak", "no ReadHeaderTimeout, IdleTimeout"),
    ],
)
def test_what_a_server_lacks_is_told_in_one_remark(fields: dict[str, str], grade: str, what: str) -> None:
    (remark,) = judge(Audited.PROBES, {"servers": [{**AT, "fields": fields}]})
    assert (remark.grade, remark.rule, remark.where) == (grade, "timeouts", "main.go:7")
    assert remark.what.startswith(what)


def test_a_read_timeout_covers_headers_and_idle_connections() -> None:
    assert told(servers=[{**AT, "fields": {"ReadTimeout": "time.Minute", "WriteTimeout": "cfg.Write"}}]) == []


@pytest.mark.parametrize(
    ("first", "grade"),
    [('":8080"', "wrong"), ('"127.0.0.1:6060"', "weak"), ('"localhost:1"', "weak"), ("addr", "wrong")],
)
def test_serving_without_a_server_has_no_timeouts_at_all(first: str, grade: str) -> None:
    calls = [{**AT, "call": "http.ListenAndServe", "first": first}]
    assert told(servers=calls) == [(grade, "no timeouts", "main.go:7")]


def test_clients_without_a_timeout_are_told() -> None:
    clients = [
        {**AT, "fields": {"Timeout": "cfg.Patience"}},
        {**AT, "line": 8, "fields": {}},
        {**AT, "line": 9, "fields": {"Timeout": "0"}},
        {**AT, "line": 10, "call": "http.Get", "first": "url"},
    ]
    assert told(clients=clients) == [("risky", "client timeout", f"main.go:{line}") for line in (10, 8, 9)]


def test_a_server_that_is_more_patient_than_a_client_of_its_source_is_told() -> None:
    clients = [{"path": "client.go", "line": 3, "fields": {"Timeout": "5 * time.Second"}}]
    (remark,) = judge(Audited.PROBES, {"servers": [{**AT, "fields": SOUND}], "clients": clients})
    assert (remark.grade, remark.rule) == (Grade.WEAK, "patience")
    assert "WriteTimeout is 30 s, and the client at client.go:3 gives up after 5 s" in remark.what


def test_a_liveness_that_asks_others_is_told_with_the_line() -> None:
    handlers = [
        {**AT, "route": "/livez", "reaches": [REACHES]},
        {**AT, "line": 8, "route": "/readyz", "reaches": [REACHES]},
        {**AT, "line": 9, "route": "/healthz", "reaches": []},
    ]
    (remark,) = judge(Audited.PROBES, {"handlers": handlers})
    assert (remark.grade, remark.where) == (Grade.WRONG, "main.go:7")
    assert "s.db.PingContext at health.go:12 (by s.live > s.check)" in remark.what


def test_where_the_probes_are_known_the_path_decides_and_not_its_name() -> None:
    handlers = [{**AT, "line": n, "route": route, "reaches": [REACHES]} for n, route in enumerate(["/livez", "/up"])]
    probes = {"liveness": {**LIVE, "path": "/up"}, "readiness": LIVE}
    assert told(handlers=handlers, pods={"checkout-1": {**POD, "probes": probes}}) == [
        ("wrong", "liveness", "main.go:1")
    ]


def test_a_pod_that_is_probed_well_is_left_alone() -> None:
    assert of_pod() == []


def probed(**more: Any) -> dict[str, Any]:
    return {"probes": {"liveness": {**LIVE, **more}, "readiness": {**LIVE, "path": "/readyz"}}}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (probed(path="/readyz"), [("risky", "same question")]),
        (probed(timeout_s=1), [("weak", "probe timeout")]),
        (probed(period_s=2), [("risky", "threshold")]),
        ({"probes": {"liveness": LIVE}}, [("risky", "readiness")]),
        ({"probes": {"readiness": LIVE}}, []),
        ({"ready_changed_at": "2026-11-29T03:00:20Z"}, [("risky", "start")]),
        ({"ready_changed_at": "2026-11-29T05:00:00Z"}, []),
        ({"ready_changed_at": "2026-11-29T03:00:20Z", "probes": {**POD["probes"], "startup": LIVE}}, []),
        ({"answers": {"liveness": {"status": 503, "seconds": 0.1, "said": "dial tcp 10.0.0.9:6379: i/o timeout"}}},
         [("wrong", "liveness")]),
        ({"answers": {"liveness": {"status": 200, "seconds": 6.0, "said": "ok"}}}, [("wrong", "liveness")]),
        ({"restarts": 3,
          "last": {"exit": 143, "started_at": "2026-11-29T02:00:00Z", "finished_at": "2026-11-29T02:59:50Z"},
          "events": [{"reason": "Killing", "probe": "liveness", "count": 3, "last_at": "2026-11-29T02:59:49Z"}]},
         [("wrong", "restarts")]),
        ({"restarts": "many"}, []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_probes_of_a_pod_is_told(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert of_pod(**more) == expected


def test_an_outage_of_what_liveness_asks_is_held_against_what_it_allows() -> None:
    answers = {"liveness": {"status": 503, "seconds": 0.1, "said": "dial tcp 10.0.0.9:6379: i/o timeout"}}
    (remark,) = judge(Audited.PROBES, {"pods": {"checkout-1": {**POD, "answers": answers}}})
    assert "it allows 30 s, and a fail-over takes 60 s" in remark.what
    assert remark.better == "liveness asks nobody; ask for 10.0.0.9:6379 in readiness"


def answered(status: int, took_s: float = 0.01) -> dict[str, Any]:
    return {"status": status, "seconds": took_s, "said": "said"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"/livez": answered(200), "/readyz": answered(503)}, []),
        ({"/livez": answered(404), "/healthz": answered(200)}, []),
        ({"/livez": answered(404), "/readyz": answered(200)}, [("weak", "liveness", "checkout-1")]),
        ({"/livez": answered(503)}, [("wrong", "liveness", "checkout-1")]),
        ({"/livez": answered(200, 1.5)}, [("wrong", "liveness", "checkout-1")]),
    ],
)
def test_the_usual_paths_of_who_is_no_pod_are_judged(
    answers: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert told(answers={"checkout-1": answers}) == expected
