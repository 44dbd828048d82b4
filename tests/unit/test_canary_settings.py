"""The configuration says how a canary is watched, and refuses what could not be read."""

from pathlib import Path

import pytest

from bot.domain.canary import CanaryPlan, Policy
from bot.settings import ConfigRefused, read

NAMED = '[[services]]\nname = "checkout"\n'
MEASURED = NAMED + 'prometheus = "http://127.0.0.1:9090"\n'


def plan(tmp_path: Path, text: str) -> CanaryPlan | None:
    file = tmp_path / "firstfive.toml"
    file.write_text(text)
    return read({"FIRSTFIVE_CONFIG": str(file)}).catalog().services[0].canary


def test_an_empty_table_is_enough_beside_a_prometheus(tmp_path: Path) -> None:
    assert plan(tmp_path, MEASURED) is None
    assert plan(tmp_path, MEASURED + "[services.canary]") == CanaryPlan(
        'http_requests_total{job="checkout"}', 'http_request_duration_seconds_bucket{job="checkout"}'
    )


def test_a_routers_own_counters_are_read_where_it_exposes_them(tmp_path: Path) -> None:
    text = (
        NAMED
        + """[services.canary]
exposition = "http://127.0.0.1:19901/stats/prometheus"
requests = 'envoy_cluster_upstream_rq{envoy_cluster_name=~"$service-.*"}'
latency = "envoy_cluster_upstream_rq_time_bucket"
latency_unit = "ms"
track_label = "envoy_cluster_name"
canary = "checkout-canary"
baseline = "checkout-baseline"
errors_over = 0.1
latency_dry_run = true
"""
    )
    assert plan(tmp_path, text) == CanaryPlan(
        'envoy_cluster_upstream_rq{envoy_cluster_name=~"checkout-.*"}',
        "envoy_cluster_upstream_rq_time_bucket",
        track_label="envoy_cluster_name",
        canary="checkout-canary",
        baseline="checkout-baseline",
        exposition="http://127.0.0.1:19901/stats/prometheus",
        latency_unit="ms",
        policy=Policy(errors_over=0.1, latency_dry_run=True),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NAMED + "[services.canary]", "a canary needs the service's prometheus, or canary.exposition"),
        (MEASURED + '[services.canary]\nrequests = "rate(a[1m])"', "is not a metric's name with matchers"),
        (MEASURED + '[services.canary]\ncanary = "baseline"', "canary and baseline must be two values of the label"),
        (MEASURED + "[services.canary]\nerrors_over = 5", "services[0].canary.errors_over"),
        (MEASURED + "[services.canary]\nerror_over = 0.1", "Did you mean 'errors_over'?"),
    ],
)
def test_a_canary_that_could_not_be_judged_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        plan(tmp_path, text)
    assert told in str(refused.value)
