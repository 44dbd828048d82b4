"""Nothing of a machine, of a package index, or of somebody else's is in the repository."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import ROOT, tracked

HOME = str(Path.home()) if len(Path.home().parts) > 1 else "/root"
PLACES = re.compile(
    rf"(?<![\w.$}}~/-])(?:{re.escape(HOME)}|/root|/Users/\w+|/work)/[\w.]"  # somebody's folder
    r"""|\b(?:pypi|pythonhosted|npmjs|yarnpkg|jsdelivr|unpkg|cdnjs|deb\.debian|crates)\.(?:org|com|io|net)\b""",
)
FOREIGN = re.compile(r"(^|/)(node_modules|vendor|third_party)/|\.min\.(js|css)$|\.(whl|jar|so|exe|woff2?|ttf)$")
HALF_MERGED = re.compile(rb"^(?:<{7} |>{7} )", re.MULTILINE)
SIZE_MAX = 512 * 1024


def flaws(path: Path) -> Iterator[str]:
    content = (ROOT / path).read_bytes()
    if b"\0" in content:
        return
    for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
        yield from (f"{path}:{number} {found[0]}" for found in PLACES.finditer(line))


def test_no_machine_and_no_index_is_named() -> None:
    named = [flaw for path in tracked() if path.name != Path(__file__).name for flaw in flaws(path)]
    assert named == [], "\n".join(named)


def test_no_file_is_somebody_elses() -> None:
    foreign = [str(path) for path in tracked() if FOREIGN.search(str(path))]
    assert foreign == []


def test_no_file_is_half_merged() -> None:
    assert HALF_MERGED.search(b"one\n" + b">" * 7 + b" theirs\n")
    assert [str(path) for path in tracked() if HALF_MERGED.search((ROOT / path).read_bytes())] == []


def test_no_file_is_huge() -> None:
    sizes = {str(path): (ROOT / path).stat().st_size for path in tracked() if path.suffix != ".lock"}
    assert {name: size for name, size in sizes.items() if size > SIZE_MAX} == {}


def test_the_top_level_holds_what_a_newcomer_expects() -> None:
    top = {path.parts[0] for path in tracked() if not path.parts[0].startswith(".")}
    assert top == {
        "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "Procfile", "README.md", "bot", "docs", "handlers",
        "migrations", "playbooks", "pyproject.toml", "requirements-dev.lock", "requirements.lock", "slack-manifest.yml",
        "tests",
    }  # fmt: skip
