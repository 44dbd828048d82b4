"""The files of a commit, without git's own checkout: no filter, no hook, no way out of the folder."""

from pathlib import Path

import pytest

from bot.adapters.bisect.objects import Objects, RepositoryUnreadable
from bot.adapters.bisect.trees import Tree
from tests.bisecting.repositories import Small


@pytest.fixture
def tree(objects: Objects, tmp_path: Path) -> Tree:
    return Tree(objects, tmp_path / "tree")


def shown(tree: Tree) -> dict[str, str]:
    places = sorted(place for place in tree.folder.rglob("*") if place.is_symlink() or place.is_file())
    names = (place.relative_to(tree.folder).as_posix() for place in places)
    return {
        name: f"-> {place.readlink()}" if place.is_symlink() else place.read_text()
        for name, place in zip(names, places, strict=True)
    }


def test_commits_are_shown_in_any_order(small: Small, tree: Tree) -> None:
    (small.folder / "link").symlink_to("a/b")
    first = small.commit({"a/b": "1", "c": "1", "d/e/f": "1"})
    second = small.commit({"a/b": None, "a/x": "2", "c": None, "c/now/a/folder": "2"})
    third = small.commit({"a/x": None, "a": "a file now", "d/e/f": None})
    wanted = {
        first: {"a/b": "1", "c": "1", "d/e/f": "1", "link": "-> a/b"},
        second: {"a/x": "2", "c/now/a/folder": "2", "d/e/f": "1", "link": "-> a/b"},
        third: {"a": "a file now", "c/now/a/folder": "2", "link": "-> a/b"},
    }
    for commit in (first, third, second, second, first, second, third):
        tree.show(commit)
        assert shown(tree) == wanted[commit]


def test_programs_can_be_run_and_files_cannot_whatever_the_umask(small: Small, tree: Tree) -> None:
    small.commit({"run.sh": "#!/bin/sh\n"})
    (small.folder / "run.sh").chmod(0o755)
    tree.show(small.commit({"deep/file": "x"}))
    modes = {name: (tree.folder / name).stat().st_mode & 0o777 for name in ("run.sh", "deep", "deep/file", ".")}
    assert modes == {"run.sh": 0o755, "deep": 0o755, "deep/file": 0o644, ".": 0o755}


def test_a_file_that_was_laid_over_is_taken_up_again(small: Small, tree: Tree) -> None:
    first = small.commit({"pay/x_test.go": "own", "pay/y.go": "y"})
    second = small.commit({"pay/x_test.go": None})
    for commit, own in ((first, {"pay/x_test.go": "own"}), (second, {})):
        tree.show(commit, "pay/x_test.go", b"laid")
        assert shown(tree) == {"pay/x_test.go": "laid", "pay/y.go": "y"}
        tree.show(commit)
        assert shown(tree) == {"pay/y.go": "y", **own}
    tree.show(second, "pay/x_test.go", b"laid")
    tree.show(first)
    assert shown(tree) == {"pay/x_test.go": "own", "pay/y.go": "y"}


def test_a_file_is_never_laid_through_a_link(small: Small, tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (small.folder / "pay").mkdir()
    (small.folder / "pay/x_test.go").symlink_to(tmp_path / "precious")
    tree.show(small.commit({"pay/y.go": "y"}), "pay/x_test.go", b"laid")
    assert (tmp_path / "precious").read_text() == "keep"
    assert (tree.folder / "pay/x_test.go").read_text() == "laid"


def test_filters_and_hooks_of_the_repository_are_never_run(small: Small, tree: Tree, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    small.git("config", "filter.trap.smudge", f"touch {trap}; cat")
    small.git("config", "core.fsmonitor", f"touch {trap}")
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        place = small.folder / ".git/hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\ntouch {trap}\n")
    commit = small.commit({".gitattributes": "* filter=trap ident\n", "a": "$Id$\r\n"})
    for place in (small.folder / ".git/hooks").iterdir():
        place.chmod(0o755)
    trap.unlink(missing_ok=True)
    tree.show(commit)
    assert (tree.folder / "a").read_bytes() == b"$Id$\r\n"
    assert not trap.exists()


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "."])
def test_a_tree_that_leads_out_of_its_folder_is_not_shown(
    small: Small, objects: Objects, tree: Tree, name: str
) -> None:
    small.commit({"a": "1"})
    blob = bytes.fromhex(small.git("rev-parse", "HEAD:a"))
    raw = b"100644 " + name.encode() + b"\0" + blob
    hostile = small.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    commit = small.git("commit-tree", hostile, "-m", "hostile")
    with pytest.raises(RepositoryUnreadable, match="holds the name"):
        tree.show(commit)
    assert objects.text(commit).endswith("hostile\n")


def test_a_submodule_is_an_empty_folder(small: Small, tree: Tree) -> None:
    first = small.commit({"a": "1"})
    small.git("update-index", "--add", "--cacheinfo", f"160000,{first},sub")
    small.git("commit", "--quiet", "-m", "with a submodule")
    second = small.git("rev-parse", "HEAD")
    tree.show(second)
    assert (tree.folder / "sub").is_dir()
    tree.show(first)
    assert not (tree.folder / "sub").exists()


def test_the_users_own_files_and_worktrees_are_not_touched(small: Small, tree: Tree) -> None:
    first = small.commit({"a": "1"})
    small.commit({"a": "2"})
    (small.folder / "a").write_text("not committed yet")
    before = {place: place.stat().st_mtime_ns for place in small.folder.rglob("*")}
    tree.show(first)
    assert {place: place.stat().st_mtime_ns for place in small.folder.rglob("*")} == before
