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
