"""`firstfive run bisect`, with real git, Go and sandbox: what it answers, and what it leaves behind."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import cli
from tests.bisecting.repositories import GO_MOD, Small, go_test
from tests.integration.bisect.place import Place
from tests.samples import BUILDS

pytestmark = BUILDS

LIMIT = "package pay\n\nfunc Limit() int { return %d }\n"
CHECK = go_test('\tif Limit() != 30 {\n\t\tt.Fatal("late")\n\t}', name="TestLimit", package="pay")


@pytest.fixture
def place(tmp_path: Path, state: Path, go_command: str) -> Place:
    return Place.new(tmp_path, state, go_command)


def shop(small: Small, limits: list[int], *, test: str = CHECK) -> list[str]:
    """Make a commit for each limit; the test is there from the first on, if there is one."""
    first: dict[str, str | None] = {"go.mod": GO_MOD, **({"pay/pay_test.go": test} if test else {})}
    commits = []
    for number, limit in enumerate(limits):
        files: dict[str, str | None] = {"pay/pay.go": LIMIT % limit, "README": str(number)}
        commits.append(small.commit({**(first if number == 0 else {}), **files}, f"Change {number}\n\nMore."))
    return commits


def asked(place: Place, repository: str | Path, *words: str) -> dict[str, Any]:
    done = cli.firstfive("run", "bisect", f"repo={repository}", *words, "--json", **place.environment)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (0 if told["status"] == "done" else 1)
    return told


def bisect(place: Place, small: Small, *words: str) -> dict[str, Any]:
    told = asked(place, small.folder, *words)
    assert told["status"] == "done", told["reason"]
    result: dict[str, Any] = told["result"]
    return result


def everything(small: Small) -> dict[str, tuple[int, int]]:
    """Give every file of a repository with its size and when it was written."""
    files = (path for path in small.folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_the_culprit_is_named_and_the_repository_is_left_as_it_was(place: Place, small: Small) -> None:
    commits = shop(small, [30, 30, 30, 40, 40, 40])
    (small.folder / "README").write_text("not committed yet")
    before = everything(small)
    result = bisect(place, small, f"good={commits[0]}", "test=TestLimit", "package=./pay")
    assert result["culprit"] == commits[3]
    assert result["confidence"] > 0.95
    assert result["message"] == "Change 3\n\nMore."
    assert result["files"] == ["README", "pay/pay.go"]
    assert everything(small) == before
    assert [each.name for each in place.state.iterdir() if each.name.startswith("rooms-")] == []


def test_a_test_that_did_not_exist_is_laid_over_each_commit(place: Place, small: Small, tmp_path: Path) -> None:
    commits = shop(small, [40, 40, 30, 30, 30], test="")
    laid = tmp_path / "limit_test.go"
    laid.write_text(CHECK)
    words = (f"overlay={laid}", "test=TestLimit", "package=pay", "find=fix")
    assert bisect(place, small, *words)["culprit"] == commits[2]


def test_any_command_tells_by_its_exit_code(place: Place, small: Small) -> None:
    codes = [0, 0, 125, 0, 3, 125, 3]
    script = f"grep -q 125 code && exit 125\nexec {sys.executable} -m pytest -q -p no:cacheprovider test_it.py\n"
    body = 'def test_it():\n    with open("code") as code:\n        assert code.read() == "0"\n'
    small.commit({"check.sh": script, "test_it.py": body})
    commits = [small.commit({"code": str(code)}, f"Code {code}") for code in codes]
    result = bisect(place, small, f"good={commits[0]}", "command=sh check.sh")
    assert result["culprit"] == commits[4]
    assert result["runs"]["search"] >= 1


def test_a_repository_by_its_address_is_mirrored_and_kept_up_to_date(place: Place, small: Small) -> None:
    commits = [small.commit({"code": str(code)}) for code in (0, 1, 1)]
    address, words = f"file://{small.folder}", (f"good={commits[0]}", "command=sh -c 'exit $(cat code)'")
    assert asked(place, address, *words)["result"]["culprit"] == commits[1]
    commits += [small.commit({"code": str(code)}) for code in (0, 1)]
    told = asked(place, address, *words)
    assert told["result"]["culprit"] == commits[4]
    assert len(list((place.folder / "repositories").iterdir())) == 1


def test_what_cannot_be_searched_is_refused_in_a_sentence(
    place: Place, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = shop(small, [30, 30])
    small.git("checkout", "--quiet", "--orphan", "other")
    stranger = small.commit({"README": "another beginning"})
    test = ("test=TestLimit", "package=pay", "bad=main")
    for repository, words, reason in (
        (tmp_path / "nowhere", test, "is not there."),
        (tmp_path, test, " is no git repository."),
        (small.folder, ("good=v9", *test), "v9 is no commit, branch or tag of repository."),
        (small.folder, (f"good={stranger}", *test), "have no commit in common."),
        (small.folder, (f"good={commits[0]}", "overlay=/etc/hostname", *test), "is no test file"),
    ):
        told = asked(place, repository, *words)
        assert told["status"] == "failed"
        assert reason in told["reason"]
    good = asked(place, small.folder, f"good={commits[0]}", *test)["result"]
    assert "was said to be bad, and is good" in good["why"]
    only_git = tmp_path / "bin"
    only_git.mkdir()
    (only_git / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(only_git))
    told = asked(place, small.folder, f"good={commits[0]}", "command=true", "bad=main")
    assert "there is no bwrap to keep it apart. Install bubblewrap" in told["reason"]
