"""The alerts that the docs of the build guard show: when they fire, as Prometheus itself reckons it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.pushgateway import JOB, METRIC
from tests.house.test_docs import FENCED, read
from tests.integration.test_monitoring import promtool

pytestmark = pytest.mark.prometheus

DIRTY = {"service": "shop", "reason": "dirty_tree"}
GROUP = {"service": "shop", "env": "prod", "job": JOB}


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    told = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{told}}}", "values": values}


def at(minutes: int, alert: str, *fires: dict[str, str]) -> dict[str, Any]:
    return {"eval_time": f"{minutes}m", "alertname": alert, "exp_alerts": [{"exp_labels": each} for each in fires]}


def test_a_build_that_stays_wrong_and_a_guard_that_is_silent_are_told(tmp_path: Path) -> None:
    (rules,) = [text for _, text in FENCED.findall(read("docs/build-guard.md")) if text.startswith("groups:")]
    (tmp_path / "guard.yml").write_text(rules)
    wrong, silent = "BuildIsNotWhatItShouldBe", "BuildGuardIsSilent"
    looks = [
        series(METRIC, "0x4 1x20 0x60", env="prod", **DIRTY),
        series(METRIC, "1x85", env="staging", **DIRTY),
        series("push_time_seconds", "0x85", **GROUP),
        series("push_time_seconds", "0x85", service="shop", job="nightly"),
    ]
    ticket = {"env": "prod", "severity": "ticket", **DIRTY}
    asked = [at(15, wrong), at(21, wrong, ticket), at(26, wrong), at(60, silent), at(61, silent, GROUP)]
    test = {"rule_files": ["guard.yml"], "tests": [{"interval": "1m", "input_series": looks, "alert_rule_test": asked}]}
    (tmp_path / "guard_test.yml").write_text(json.dumps(test))
    assert promtool("check", "rules", str(tmp_path / "guard.yml")) == ""
    assert promtool("test", "rules", str(tmp_path / "guard_test.yml")) == ""
