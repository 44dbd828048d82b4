from typing import Any

import pytest

from bot.domain.audits import Audited, Grade, judge


def family(name: str, kind: str = "counter", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "help": "What it counts.", "series": 1, "labels": {}, **more}


def remarks(*families: dict[str, Any]) -> list[tuple[Grade, str, str]]:
    found = judge(Audited.METRICS, {"targets": {"checkout-1": list(families)}})
    return [(each.grade, each.rule, each.better) for each in found]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http_requests_total", "counter"),
        ("http_request_duration_seconds", "histogram"),
        ("queue_length", "gauge"),
        ("last_backup_duration_seconds", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("disk_free_bytes", "gauge"),
        ("cache_hit_ratio", "gauge"),
        ("days", "gauge"),
        ("sampling_rate", "gauge"),
        ("exchange_rate", "gauge"),
        ("max_requests_per_second", "gauge"),
    ],
)
def test_what_is_named_as_the_rules_say_is_left_alone(name: str, kind: str) -> None:
    assert remarks(family(name, kind)) == []


@pytest.mark.parametrize(
    ("name", "kind", "grade", "rule", "better"),
    [
        ("http_requests", "counter", "risky", "suffix", "call it http_requests_total"),
        ("queue_total", "gauge", "risky", "suffix", "call it queue"),
        ("queue_count", "gauge", "risky", "suffix", "call it queue"),
        ("answer_time_ms", "histogram", "risky", "unit", "give it in seconds: answer_time_seconds"),
        ("read_kb_total", "counter", "risky", "unit", "give it in bytes: read_bytes_total"),
        ("disk_used_percent", "gauge", "risky", "unit", "give it as a ratio, 0 to 1: disk_used_ratio"),
        ("queueLength", "gauge", "weak", "name", "call it queue_length"),
        ("queue:length", "gauge", "weak", "name", "call it queue_length"),
        ("queue_length_gauge", "gauge", "weak", "name", "call it queue_length"),
        ("queue_length", "", "weak", "type", "add `# TYPE queue_length ...`"),
    ],
)
def test_a_wrong_name_is_told_with_the_better_one(name: str, kind: str, grade: str, rule: str, better: str) -> None:
    assert remarks(family(name, kind)) == [(grade, rule, better)]


def test_a_gauge_of_durations_is_wrong_and_quantiles_are_risky() -> None:
    assert [each[:2] for each in remarks(family("http_request_duration_seconds", "gauge"))] == [("wrong", "type")]
    summary = family("http_request_duration_seconds", "summary", labels={"quantile": 3})
    assert [each[:2] for each in remarks(summary)] == [("risky", "type")]


def test_labels_without_a_bound_are_told_of_libraries_too_and_where_there_are_most() -> None:
    few, many = (family("go_paths", labels={"path": values}, series=values) for values in (5, 101))
    found = judge(Audited.METRICS, {"targets": {"checkout-1": [few], "checkout-2": [many]}})

    assert [(each.rule, each.what) for each in found] == [
        ("cardinality", "101 series on checkout-2: path has 101 values")
    ]


def test_what_matters_most_comes_first() -> None:
    found = remarks(family("a", "gauge", help=" "), family("b_ms", "gauge"), family("c", "gauge", series=1_001))
    assert [grade for grade, *_ in found] == [Grade.WRONG, Grade.RISKY, Grade.WEAK]


def histogram(name: str, *buckets: tuple[str, int], total: float = 10.0) -> dict[str, Any]:
    return family(name, "histogram", buckets=[list(each) for each in buckets], sum=total)


@pytest.mark.parametrize(
    ("slo_s", "bounds", "expected"),
    [
        (0.3, ("0.1", "0.3", "1"), []),
        (0.3, ("0.25", "0.4", "1"), ["risky"]),
        (0.3, ("0.1", "1"), ["wrong"]),
        (2.0, ("0.1", "1"), ["wrong"]),
        (None, ("0.1", "1"), []),
    ],
)
def test_a_promise_needs_a_bucket_that_ends_there(
    slo_s: float | None, bounds: tuple[str, ...], expected: list[str]
) -> None:
    one = histogram("http_request_duration_seconds", *((bound, 9) for bound in bounds), ("inf", 10))
    found = judge(Audited.METRICS, {"targets": {"checkout-1": [one]}, "slo_s": slo_s})
    assert [(each.grade, each.rule) for each in found] == [(grade, "buckets") for grade in expected]
    assert all(f'add the bucket le="{slo_s:g}"' in each.better for each in found)


@pytest.mark.parametrize(
    ("buckets", "grade"),
    [
        ((("0.1", 990), ("1", 1_000), ("inf", 1_000)), "weak"),
        ((("0.1", 10), ("1", 990), ("inf", 1_000)), "risky"),
        ((("0.1", 100), ("1", 500), ("inf", 1_000)), "wrong"),
        ((("inf", 1_000),), "wrong"),
    ],
)
def test_buckets_lie_where_most_is_observed(buckets: tuple[tuple[str, int], ...], grade: str) -> None:
    assert [each[:2] for each in remarks(histogram("wait_seconds", *buckets))] == [(grade, "buckets")]


def test_replicas_that_differ_cannot_be_added_up() -> None:
    ones = family("jobs_total", sets=[["code"]]), family("depth", "gauge")
    others = family("jobs_total", sets=[["status"]], help="Other."), family("depth", "counter")
    found = judge(Audited.METRICS, {"targets": {"checkout-1": ones, "checkout-2": others}})
    assert [(each.grade, each.where) for each in found if each.rule == "replicas"] == [
        ("wrong", "depth"),
        ("risky", "jobs_total"),
        ("weak", "jobs_total"),
    ]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"labels": {"__name": 1}}, "reserved label"),
        ({"labels": {"instance": 1}}, "reserved label"),
        ({"labels": {"le": 1}}, "reserved label"),
        ({"labels": {"userId": 1}}, "label"),
        ({"labels": {"took_ms": 1}}, "unit"),
        ({"labels": {"size": 2}, "values": {"size": ["10MB", "5 kB"]}}, "unit"),
        ({"labels": {"user": 3}, "values": {"user": ["/u/17", "/u/18", "/u/19"]}}, "cardinality"),
        ({"repeated": 2}, "duplicate"),
        ({"sets": [["a"], ["b"]]}, "labels"),
    ],
)
def test_labels_are_judged(more: dict[str, Any], rule: str) -> None:
    assert [each[1] for each in remarks(family("jobs_total", **more))] == [rule]


def test_what_a_process_worked_out_itself_and_one_thing_under_two_names_are_told() -> None:
    assert [each[:2] for each in remarks(family("wait_p99_seconds", "gauge"))] == [("wrong", "type")]
    assert [each[:2] for each in remarks(family("jobs_per_second", "gauge"))] == [("risky", "type")]
    twice = family("wait_seconds", "histogram"), family("wait_ms", "histogram")
    assert ("weak", "duplicate", "keep wait_seconds alone") in remarks(*twice)


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("jobs_per_second", "jobs"),
        ("http_requests_rate", "http_requests"),
        ("error_rate", "error"),
        ("checkout_qps", "checkout"),
        ("qps", "requests"),
    ],
)
def test_of_a_gauge_of_a_rate_what_is_counted_is_told(name: str, counted: str) -> None:
    ((grade, rule, better),) = remarks(family(name, "gauge"))
    assert (grade, rule) == ("risky", "type")
    assert better.startswith(f"count, as {counted}_total;")


def test_a_histogram_of_a_sum_and_a_count_alone_is_wrong_and_one_of_no_series_is_not() -> None:
    assert [each[:2] for each in remarks(histogram("wait_seconds"))] == [("wrong", "buckets")]
    assert remarks({**histogram("wait_seconds"), "series": 0}) == []


def test_replicas_of_which_one_lacks_the_last_bucket_are_judged_by_the_others() -> None:
    whole = histogram("wait_seconds", ("0.1", 0), ("0.5", 10), ("+Inf", 1_000))
    lacks = histogram("wait_seconds", ("0.1", 0), ("0.5", 1_000))
    for targets in ({"a": [whole], "b": [lacks]}, {"a": [lacks], "b": [whole]}):
        (remark,) = judge(Audited.METRICS, {"targets": targets})
        assert "99% of 1000 lie above its last bucket, 0.5" in remark.what
    assert remarks(lacks) == []
