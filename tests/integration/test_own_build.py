"""FirstFive says which build it is: by what its installer left behind, and whether the files are still those."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.metadata import PathDistribution, version
from pathlib import Path

import pytest

from bot.adapters.replica import ThisReplica, is_changed
from bot.domain.facts import Build


@pytest.fixture
def installed(tmp_path: Path) -> PathDistribution:
    """A package of one module, as pip leaves it."""
    content = b"VALUE = 1\n"
    (tmp_path / "module.py").write_bytes(content)
    digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
    folder = tmp_path / "thing-1.0.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_text(f"module.py,sha256={digest},{len(content)}\n__pycache__/module.pyc,,\n")
    return PathDistribution(folder)


def test_a_file_that_was_changed_or_taken_away_is_noticed(installed: PathDistribution, tmp_path: Path) -> None:
    assert not is_changed(installed)
    (tmp_path / "module.py").write_bytes(b"VALUE = 2\n")
    assert is_changed(installed)
    (tmp_path / "module.py").unlink()
    assert is_changed(installed)


async def test_it_knows_its_release_and_says_the_same_again() -> None:
    replica = ThisReplica()
    build = await replica.build()
    assert build.release == version("firstfive")
    assert await replica.build() is build


async def test_of_a_folder_that_git_does_not_know_it_says_nothing(
    installed: PathDistribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "thing-1.0.dist-info"
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (folder / "direct_url.json").write_text(json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}}))
    monkeypatch.setattr("bot.adapters.replica.distribution", lambda _: installed)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert await ThisReplica().build() == Build(release="1.0", modified=None)
