"""A deploy of a build for another machine: nobody answers, its file says why, and the release before it mends it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import cli
from tests.databases import fresh_sqlite
from tests.lab import Lab, running_lab
from tests.samples import SCENARIOS

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with running_lab(targets=2, sick="none") as lab:
        yield lab


@pytest.fixture
def run(lab: Lab, tmp_path: Path) -> Run:
    """Give what runs a playbook of a bot that watches the lab."""
    lines = ["[[services]]", 'name = "checkout"', "lab = true", f'lab_switches = "{lab["lab"]}"']
    for target in lab["targets"]:
        lines += ["[[services.targets]]", f'name = "{target["name"]}"', f'pprof = "{target["pprof"]}"']
        lines += [f'url = "{target["url"]}"', f'binary = "{target["binary"]}"']
    (tmp_path / "firstfive.toml").write_text("\n".join(lines) + "\n")
    environment = {
        "FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(tmp_path),
        "ARTIFACTS_URL": str(tmp_path / "artifacts"),
    }

    def run(*words: str) -> dict[str, Any]:
        done = cli.firstfive("run", *words, "service=checkout", "--json", **environment)
        assert done.exit_code == 0, done.output
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    return run


def diagnosed(run: Run) -> dict[str, Any]:
    """Diagnose what costs the targets nothing: where nobody is, nothing is profiled."""
    result: dict[str, Any] = run("diagnose", f"snapshot={run('snapshot', 'seconds=0')['run']}")["result"]
    return result


def test_a_build_for_another_machine_is_named_by_its_file_until_it_is_taken_back(lab: Lab, run: Run) -> None:
    drilled = run("drill", "class=cross-build")["result"]["text"]
    sick = diagnosed(run)
    ended = run("drill", "off=true")["result"]["text"]
    well = diagnosed(run)

    assert drilled.startswith("*cross-build* (medium) is on, on the lab: Deployed as a build for another machine.")
    assert (sick["verdict"], sick["findings"][0]["target"], len(sick["findings"])) == ("cross-build", "checkout-2", 1)
    claim = f"Nobody answers, and {lab['targets'][1]['binary']} cannot start there: it is built for "
    assert sick["findings"][0]["claim"].startswith(claim)
    assert sick["findings"][0]["confidence"] == "certain"
    assert "cross-build on the lab" in ended
    assert (well["verdict"], well["findings"]) == (None, [])
