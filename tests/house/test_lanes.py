"""`make test` runs every folder once, and its last line is true."""

import sys
import tomllib
from collections.abc import Sequence

import pytest

from tests.house.tree import ROOT
from tests.lanes import FOLDERS, FOR_BOTH, Lane, closing, run

FAILED = "FAILED tests/a.py::test_a - assert 1 == 2"


def program(said: str, code: int = 0) -> Sequence[str]:
    return (sys.executable, "-c", f"print({said!r}); raise SystemExit({code})")


def test_every_folder_of_tests_is_in_one_lane() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    assert sorted(folder for folders in FOLDERS for folder in folders) == sorted(configured)


def test_what_chooses_or_stops_is_one_pytest() -> None:
    options = ("--durations=15", "--seed=7", "--whole-matrix", "-k", "-x", "tests/unit", "--pdb", "--durations")
    assert [option for option in options if FOR_BOTH.fullmatch(option)] == [*options[:3]]


async def test_lanes_are_told_one_after_the_other_and_counted_together(capfd: pytest.CaptureFixture[str]) -> None:
    lanes = [
        Lane([program("lint"), program("..\n2 passed, 3 deselected in 1.50s")]),
        Lane(
            [program(f"{FAILED}\n\x1b[31m1 failed\x1b[0m, \x1b[32m4 passed\x1b[0m, 1 warning in 70.10s (0:01:10)", 1)]
        ),
    ]
    await run(lanes)
    assert capfd.readouterr().out.split("\n")[:4] == ["lint", "..", "2 passed, 3 deselected in 1.50s", FAILED]
    bad, code, last = closing(lanes, 71)
    assert bad == FAILED
    assert "exit code 1" in code
    assert last == "6 passed, 3 deselected, 1 failed, 1 warning in 71.00s"


async def test_a_pytest_that_dies_and_a_lint_that_fails_are_no_success() -> None:
    lanes = [Lane([program("bad", 2), program("2 passed in 1.00s")]), Lane([program("..", 139)])]
    await run(lanes)
    lint, died, last = closing(lanes, 1)
    assert "exit code 2" in lint
    assert "exit code 139" in died
    assert last == "2 passed, 2 errors in 1.00s"


async def test_a_pytest_that_is_interrupted_is_no_success() -> None:
    lane = Lane([program("2 passed in 1.00s", 2)])
    await run([lane])
    assert closing([lane], 1)[-1] == "2 passed, 1 error in 1.00s"
