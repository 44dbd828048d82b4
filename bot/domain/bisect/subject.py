"""What is run at each commit: one Go test of one package, or any command; checked before anything sees it."""

import re
import shlex
from dataclasses import dataclass
from posixpath import normpath

from bot.domain.errors import FirstFiveError

_TEST = re.compile(r"(Test|Fuzz|Example)\w*(/[^\x00-\x1f\x7f/]+)*")
_FILE = re.compile(r"[\w.-]+_test\.go")
_LONGEST, _MOST_OVERLAID, _LONGEST_S = 1_000, 1_000_000, 3_600


class SubjectRejected(FirstFiveError):
    """What was asked to be run is no test and no command."""


@dataclass(frozen=True)
class Overlay:
    """A test file that is put into the package at every commit, in the place of one with its name."""

    name: str
    content: bytes

    def __post_init__(self) -> None:
        if not _FILE.fullmatch(self.name):
            raise SubjectRejected(f"{self.name!r} is no test file: its name must be letters and end in _test.go.")
        if len(self.content) > _MOST_OVERLAID:
            raise SubjectRejected(f"{self.name} is larger than 1 MB.")


@dataclass(frozen=True)
class Subject:
    """A test of a package, or a command that is run at the root of the tree; it may take `timeout_s` seconds.

    A command answers by its exit code as for `git bisect run`: 0 good, 125 untestable, other codes to 127 bad.

    Raises:
        SubjectRejected: with a sentence for who asked.
    """

    test: str = ""
    package: str = "."
    command: tuple[str, ...] = ()
    overlay: Overlay | None = None
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if bool(self.test) == bool(self.command):
            raise SubjectRejected(
                'Name a test or a command, one of the two: test=TestPay package=./payment, or command="make check".'
            )
        if self.command and self.overlay:
            raise SubjectRejected("overlay= lays a file over a package of Go; a command has none.")
        if self.test and not (len(self.test) <= _LONGEST and _TEST.fullmatch(self.test)):
            raise SubjectRejected(f"{self.test[:80]!r} is no test's name, such as TestPay or TestPay/expired.")
        if not 0 < self.timeout_s <= _LONGEST_S:
            raise SubjectRejected("timeout= is 1 to 3600 seconds: a run may take up to an hour.")
        object.__setattr__(self, "package", _folder(self.package))

    @property
    def pattern(self) -> str:
        """What -test.run must be given so that this test runs and no other."""
        return "/".join(f"^{_quoted(_printed(part))}$" for part in self.test.split("/"))

    @property
    def printed(self) -> str:
        """The test's name as Go prints it."""
        return "/".join(_printed(part) for part in self.test.split("/"))


def command(line: str) -> tuple[str, ...]:
    """Split a command line into its words, as a shell would, and leave the rest of what a shell does.

    Raises:
        SubjectRejected: its quotes are open, or there is nothing in it.
    """
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise SubjectRejected(f"The command cannot be read: {error}.") from error
    if not words or "\0" in line:
        raise SubjectRejected("The command is empty.")
    return words


def _folder(package: str) -> str:
    """Give the folder of a package below the root of the tree, "" for the root itself."""
    parts = package.split("/")
    is_odd = any(ord(sign) < ord(" ") or sign in "*\x7f" for sign in package)
    if is_odd or package.startswith(("/", "-")) or ".." in parts or "..." in parts:
        raise SubjectRejected(f"{package[:80]!r} is not the folder of one package, such as ./payment.")
    folder = normpath(package)
    return "" if folder == "." else folder


def _printed(part: str) -> str:
    return "".join("_" if sign.isspace() else sign for sign in part)


def _quoted(part: str) -> str:
    """Quote what Go's regular expressions would read otherwise (regexp.QuoteMeta)."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", part)
