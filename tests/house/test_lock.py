"""What is installed is pinned by hash, comes from wherever pip is told to look, and is not much."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT, Tell, text

CORE, DEV = Path("requirements.lock"), Path("requirements-dev.lock")
OF_THE_LAB = (Path("bot/lab/toolchain.lock"), Path("bot/lab/envoy.lock"))
LOCKS = pytest.mark.parametrize("lock", [CORE, DEV, *OF_THE_LAB], ids=str)
CORE_MAX = 75
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)(.*?)(?=^[a-z0-9]|\Z)", re.MULTILINE | re.DOTALL)


def pins(lock: Path) -> dict[str, tuple[str, str]]:
    """Give the version, and the rest, of each package that a lock pins."""
    return {name: (version, rest) for name, version, rest in PIN.findall(text(lock))}


@LOCKS
def test_every_pin_has_a_hash(lock: Path) -> None:
    found = pins(lock)
    # One package may be pinned twice, for different Pythons.
    assert len(PIN.findall(text(lock))) == text(lock).count("==") - text(lock).count(" == ")
    assert [name for name, (_, rest) in found.items() if "--hash=sha256:" not in rest] == []


@LOCKS
def test_a_lock_names_no_place(lock: Path) -> None:
    assert re.findall(r"\w+://\S+|--(?:index-url|extra-index-url|find-links).*|^.*file:.*$", text(lock)) == []


def test_the_core_is_small(tell: Tell) -> None:
    tell(f"packages of the core: {len(pins(CORE))} (< {CORE_MAX})")
    assert len(pins(CORE)) < CORE_MAX


def test_the_two_locks_agree() -> None:
    core, dev = pins(CORE), pins(DEV)
    assert {name: version for name, (version, _) in core.items()} == {name: dev[name][0] for name in core}


def test_what_is_declared_is_locked() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    core = {name_of(line) for line in [*declared["project"]["dependencies"], *declared["dependency-groups"]["build"]]}
    dev = {name_of(line) for line in declared["dependency-groups"]["dev"]}
    assert core - set(pins(CORE)) == set()
    assert dev - set(pins(DEV)) == set()


def name_of(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return match[0].lower().replace("_", "-").replace(".", "-")
