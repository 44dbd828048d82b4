"""Go source of a folder and of a commit, read by the real git and parsed by the real grammar."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.audits.gosource import GoFiles, Reach, read
from bot.adapters.audits.gotree import GoFile, find
from bot.domain.run import Missing

CALLS = "(call_expression function: (selector_expression operand: (identifier) @package field: (_) @name)) @call"
SERVE = b'package shop\n\nimport "net/http"\n\nfunc serve() error {\n\treturn http.ListenAndServe(":1", nil)\n}\n'
TREE = {
    "shop/serve.go": SERVE,
    "shop/serve_test.go": b"package shop\n",
    "vendor/x/x.go": b"package x\n",
    "shop/testdata/t.go": b"package t\n",
    "_old/o.go": b"package o\n",
    ".hidden/h.go": b"package h\n",
    "README.md": b"# shop\n",
}


def git(place: Path, *words: str) -> str:
    """Run git as somebody who writes Go does."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(("git", "-C", place, *who, *words), check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for path, content in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "link.go").symlink_to("/etc/hostname")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    return tmp_path


async def paths(place: Path, commit: str = "", reach: Reach | None = None) -> list[str]:
    found = await read(place, commit, reach)
    assert isinstance(found, GoFiles)
    return [file.path for file in found.files]


@pytest.mark.parametrize("commit", ["", "HEAD"])
async def test_go_is_read_and_what_go_leaves_out_is_not(shop: Path, commit: str) -> None:
    assert await paths(shop, commit) == ["shop/serve.go"]
    everything = Reach(vendor=True, testdata=True, tests=True)
    assert await paths(shop, commit, everything) == [
        "shop/serve.go",
        "shop/serve_test.go",
        "shop/testdata/t.go",
        "vendor/x/x.go",
    ]


async def test_a_commit_is_read_as_it_was_whatever_lies_there_now(shop: Path) -> None:
    commit = git(shop, "rev-parse", "HEAD")
    (shop / "shop/serve.go").unlink()
    assert await paths(shop) == []
    found = await read(shop, commit)
    assert isinstance(found, GoFiles)
    assert [file.source for file in found.files] == [SERVE]


async def test_a_mirror_is_read_by_its_head(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    git(shop, "clone", "--quiet", "--mirror", str(shop), str(mirror))
    assert await paths(mirror) == ["shop/serve.go"]


@pytest.mark.parametrize("commit", ["", "HEAD"])
async def test_what_is_beyond_the_bounds_is_counted(shop: Path, commit: str) -> None:
    found = await read(shop, commit, Reach(files=1, tests=True))
    assert isinstance(found, GoFiles)
    assert ([file.path for file in found.files], found.left_out) == (["shop/serve.go"], 1)
    found = await read(shop, commit, Reach(largest=20, tests=True))
    assert isinstance(found, GoFiles)
    assert ([file.path for file in found.files], found.left_out) == (["shop/serve_test.go"], 1)


@pytest.mark.parametrize("commit", ["--output=x", "main; ls", "0123456789"])
async def test_a_commit_that_is_none_is_told(shop: Path, commit: str) -> None:
    found = await read(shop, commit)
    assert isinstance(found, Missing)
    assert found.reason


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert await read(tmp_path / "gone") == Missing("there is no folder gone")


async def test_a_query_gives_file_line_and_captures(shop: Path) -> None:
    found = await read(shop)
    assert isinstance(found, GoFiles)
    [call] = find(found.files, CALLS)
    assert (call.path, call.line) == ("shop/serve.go", 6)
    assert (call.text("package"), call.text("name"), call.text("nothing")) == ("http", "ListenAndServe", "")


def test_what_is_no_go_is_read_as_far_as_it_goes() -> None:
    broken = GoFile("a.go", b"package a\nfunc ( { http.Get(\xff\x00 \n}}}\n" + b"((" * 200)
    assert {found.text("package") for found in find((broken,), CALLS)} <= {"http"}


def test_without_the_parser_the_way_to_it_is_told() -> None:
    asked = "import sys; sys.modules['tree_sitter'] = None\nfrom bot.adapters.audits import gotree\n"
    asked += "try: gotree.parse(b'')\nexcept gotree.ParserAbsent as absent: print(absent)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "Go source cannot be parsed here: `pip install firstfive[audits]`"
