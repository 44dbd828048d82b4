from pathlib import Path

import pytest

from bot.lab.errors import ToolchainMissing
from bot.lab.toolchain import GO
from bot.lab.wheels import ENVOY, Wheel, find_envoy

WHEELS = pytest.mark.parametrize("wheel", [GO, ENVOY], ids=lambda wheel: wheel.name)


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def program(place: Path) -> Path:
    place.parent.mkdir(parents=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    return place


@WHEELS
def test_the_lock_pins_hashes_and_names_no_address(wheel: Wheel) -> None:
    lock = wheel.lock.read_text()

    assert wheel.locked_version(lock)[0].isdigit()
    assert lock.count("--hash=sha256:") >= 2
    assert "://" not in lock


@WHEELS
def test_a_lock_without_the_package_is_refused(wheel: Wheel) -> None:
    with pytest.raises(ToolchainMissing, match=rf"names no {wheel.package}.*on PATH"):
        wheel.locked_version("other==1.0\n")


def test_the_envoy_on_path_is_taken_before_the_one_in_the_cache(tmp_path: Path) -> None:
    cached = program(ENVOY.home / ENVOY.command)
    assert find_envoy() == cached
    on_path = program(tmp_path / "bin" / "envoy")
    assert find_envoy() == on_path
