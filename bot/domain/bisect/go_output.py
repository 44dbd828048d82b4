"""What the Go tools print: which packages did not build, and what became of one test."""

import re

from bot.domain.bisect.results import Result

_BROKEN = re.compile(r"^# (\S+)( \[\S+\])?$", re.MULTILINE)
_ABOUT = re.compile(r"\S+\.\w+:\d+(:\d+)?: ")
_LONGEST = 300
_CODES = (1, 2)  # of a test that failed, and of a panic; others are none of Go's
SKIPPED = 125
"""The exit code that says of a commit that it cannot be tested, as for `git bisect run`."""


def broken(said: str, tested: str) -> tuple[str, ...]:
    """Name the packages that did not build; `tested` stands for the tested one together with its tests.

    A package that is named with a test's variant in brackets depends on the tests, too. What is wrong without any name
    (an import that is nowhere, a cycle) is wrong with the tested one as a whole.
    """
    names = [tested if variant else name for name, variant in _BROKEN.findall(said)]
    return tuple(dict.fromkeys(names)) or (tested,)


def complaint(said: str) -> str:
    """Give the line of a build's output that says what is wrong: the first about a line of a file, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(("#", "FAIL"))]
    about = (line for line in lines if _ABOUT.match(line))
    return next(about, lines[-1] if lines else "")[:_LONGEST]


def judge(code: int, said: str, test: str, *, declared: bool) -> Result:
    """Tell what became of a test, by the exit code of its binary and what it printed with -test.v.

    `declared`: its function is in the sources. A test that skipped itself says nothing of the commit. One that is
    declared and was not reached, because the binary broke down before, is bad: so it is with `go test`.
    """
    if code == SKIPPED:
        return Result.UNTESTABLE
    if not _ran(said, test):
        if code == 0 or not declared:
            return Result.ABSENT
        return Result.BAD if code in _CODES and "/" not in test else Result.UNTESTABLE
    if code:
        return Result.BAD
    return Result.GOOD if f"--- PASS: {test} (" in said else Result.UNTESTABLE


def by_code(code: int) -> Result | None:
    """Read the exit code of a command as `git bisect run` does; None is a code that ends it (128 and above)."""
    if code == 0:
        return Result.GOOD
    if code == SKIPPED:
        return Result.UNTESTABLE
    return Result.BAD if 0 < code <= 127 else None  # noqa: PLR2004 - see `git help bisect`


def _ran(said: str, test: str) -> bool:
    return f"=== RUN   {test}\n" in said
