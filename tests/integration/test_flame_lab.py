"""Flame graphs of real profiles say what `go tool pprof` says of the same files."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from bot.domain.flame import Focus, draw
from bot.domain.flame_drawing import svg
from bot.domain.profile import costs
from tests.lab import Lab, running_lab, turn_fault
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]

PARTS = {
    "cpu": ("/debug/pprof/profile?seconds=2", "cpu", "ms", 1_000_000),
    "heap": ("/debug/pprof/heap?gc=1", "inuse_space", "B", 1),
    "allocs": ("/debug/pprof/allocs", "alloc_space", "B", 1),
    "goroutine": ("/debug/pprof/goroutine", "goroutine", "count", 1),
}
LINE = re.compile(r"\s*(-?\d+)\w*\s+\S+\s+\S+\s+(-?\d+)\w*\s+\S+\s+(main\.\S+)(?: \(inline\))?$")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(targets=1, sick="none") as running:
        turn_fault(running["targets"][0], "gc-pressure", on=True)
        yield running


@pytest.fixture(scope="module")
def go() -> str:
    return subprocess.run(
        [sys.executable, "-m", "bot.lab", "go"], capture_output=True, text=True, check=True
    ).stdout.strip()


def told_by_go(go: str, file: Path, value: str, unit: str) -> dict[str, tuple[int, int]]:
    """Give what Go says that each of the service's own functions costs, itself and with its calls."""
    command = [go, "tool", "pprof", "-top", "-cum", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0"]
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    listed = subprocess.run(
        [*command, f"-sample_index={value}", f"-unit={unit}", str(file)],
        capture_output=True, text=True, check=True, env=environment,
    ).stdout  # fmt: skip
    rows = [match for line in listed.splitlines() if (match := LINE.match(line))]
    return {row[3]: (int(row[1]), int(row[2])) for row in rows}


@pytest.mark.parametrize("part", PARTS)
def test_a_graph_says_what_go_says(part: str, lab: Lab, go: str, tmp_path: Path) -> None:
    path, value, unit, scale = PARTS[part]
    content = httpx.get(f"{lab['targets'][0]['pprof']}{path}", timeout=60).raise_for_status().content
    (tmp_path / "part.pb.gz").write_bytes(content)
    expected = told_by_go(go, tmp_path / "part.pb.gz", value, unit)
    assert expected
    found = costs(content, value)
    inverted = draw(found, Focus(inverted=True))
    first = {piece.name: piece.value for piece in inverted.pieces if piece.row == 1}
    for name, (itself, cumulative) in expected.items():
        flame = draw(found, Focus(blamed=frozenset({name})))
        flat = sum(piece.itself for piece in flame.pieces if piece.name == name)
        whole = sum(piece.value for piece in flame.blamed)
        if whole >= flame.total / 100:
            assert (flat // scale, whole // scale) == (itself, cumulative), name
        if flat >= flame.total / 100:
            assert first[name] // scale == itself, name


def test_a_real_graph_is_a_picture_in_which_the_line_to_blame_is_red(lab: Lab) -> None:
    content = httpx.get(f"{lab['targets'][0]['pprof']}{PARTS['cpu'][0]}", timeout=60).raise_for_status().content
    flame = draw(costs(content, "cpu"), Focus(blamed=frozenset({"main.encodeReceipt"})))
    assert sum(piece.width for piece in flame.blamed) > 0.2
    root = ET.fromstring(svg(flame, "CPU", alone=True))  # noqa: S314 - our own
    assert len(root) == len(flame.pieces)
    assert any(each.attrib["class"] == "own blamed" for each in root)
