"""Restarts by probes from the command line to the verdict: a drill makes them real, a diagnosis names them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import cli
from tests.databases import fresh_sqlite
from tests.lab import Lab, running_lab
from tests.samples import SCENARIOS
from tests.stack import services

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]
STAR = "checkout-2"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(targets=2, sick="none") as lab:
        yield lab


@pytest.fixture
def environment(lab: Lab, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "firstfive.toml").write_text("\n".join(services(lab, ["lab = true"])))
    return {
        "FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(tmp_path),
        "ARTIFACTS_URL": str(tmp_path / "artifacts"),
    }


def run(environment: dict[str, str], playbook: str, *words: str) -> dict[str, Any]:
    done = cli.firstfive("run", playbook, *words, "--json", **environment)
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def diagnosed(environment: dict[str, str]) -> dict[str, Any]:
    """Diagnose by what costs the targets nothing."""
    snapshot = run(environment, "snapshot", "service=checkout", "seconds=0")["run"]
    found: dict[str, Any] = run(environment, "diagnose", "service=checkout", f"snapshot={snapshot}")["result"]
    return found


def turn(lab: Lab, act: str, **asked: Any) -> None:
    httpx.post(f"{lab['lab']}/debug/faults/{act}", json=asked, timeout=60).raise_for_status()


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(
    ("act", "size", "claim"),
    [
        ("probe-loop", "medium", "/health/live answers 503"),
        ("probe-loop", "large", "/health/live "),
        ("slow-start", "medium", "it did not listen yet"),
    ],
)
def test_restarts_by_probes_are_named_while_they_go_on_and_no_longer(
    lab: Lab, environment: dict[str, str], act: str, size: str, claim: str
) -> None:
    if act == "probe-loop":
        told = run(environment, "drill", f"class={act}", f"size={size}")["result"]["text"]
        assert told.startswith(f"*probe-loop* ({size}) is on, on the lab: ")
    else:
        turn(lab, act, on=True, size=size)
    sick = diagnosed(environment)
    run(environment, "drill", "off=true")
    well = diagnosed(environment)

    (found, *_) = sick["findings"]
    assert (sick["verdict"], found["target"], found["confidence"]) == ("probe-loop", STAR, "certain"), sick
    assert claim in found["claim"]
    assert (well["verdict"], well["findings"]) == (None, [])
