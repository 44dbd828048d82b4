"""The last panic in the end of a log: what the Go runtime said, and the service's own line that it said it of."""

import re
from dataclasses import dataclass
from itertools import islice, pairwise

MAX_FRAMES = 64
POINTERS = re.compile(
    r"(?:cgo argument|argument of cgo function|cgo result|result of Go function \S+ called from cgo)\b.*\bGo \w+"
)
"""What C gets or gives that it must not: "cgo argument has Go pointer to unpinned Go pointer" up to Go 1.26, "argument
of cgo function has Go pointer to unpinned Go pointer" in 1.27 (cgoFormatErr, runtime/cgocall.go)."""
EMPTY = re.compile(r"index out of range \[0\] with length 0$")
_C = re.compile(rb'\s*(?:import\s+)?"C"\s*')
_FIRST = re.compile(rb"(?:unsafe\.Pointer\(\s*|\bC\.\w+\(.*)&[\w.]+\[0\]")
_SAID = re.compile(r"(?:^|[\s\"'=\[])panic(?: serving \S+)?: (.{1,500})")
_CALL = re.compile(r"(?:\d+ )?([\w./*()\[\]·-]+)\(.*\)$")
_PLACE = re.compile(r"\s+(\S+\.go:\d{1,7})(?: \+0x[0-9a-f]+)?$")
_RUNTIME = ("runtime.", "runtime/", "internal/", "panic", "net/http.(*conn).serve")
_ENDS = re.compile(r"\s*\[(?:recovered|signal).*$")


@dataclass(frozen=True)
class Panic:
    """A panic: its words, the function and place (`/src/sum.go:25`) it happened in, "" where the log does not say.

    `fatal`: the process ended of it, as nobody recovered. `in_c_call`: that line passes something to C, by the source
    of the commit that ran.
    """

    said: str
    function: str = ""
    place: str = ""
    fatal: bool = True
    in_c_call: bool = False

    @property
    def is_pointers(self) -> bool:
        """Whether the runtime refused what was passed between Go and C."""
        return POINTERS.search(self.said) is not None

    @property
    def is_empty(self) -> bool:
        """Whether the first element of something empty was asked for."""
        return EMPTY.search(self.said) is not None


def is_handed_to_c(source: bytes, line: int) -> bool:
    """Tell whether a line (from 1) of a file of Go takes the address of a first element, to hand it to C."""
    lines = source.splitlines()
    if not any(_C.fullmatch(each) for each in lines) or not 0 < line <= len(lines):
        return False
    return _FIRST.search(lines[line - 1]) is not None


def last_panic(text: str) -> Panic | None:
    """Read the last panic of a log; stacks in JSON are read, too."""
    lines = text.replace("\\n", "\n").replace("\\t", "\t").splitlines()
    found = ((at, match) for at in reversed(range(len(lines))) if (match := _SAID.search(lines[at])))
    at, match = next(found, (0, None))
    if match is None:
        return None
    function, place = _own(lines[at + 1 :])
    return Panic(_ENDS.sub("", match[1]).strip(' "'), function, place, fatal=lines[at].startswith("panic: "))


def _own(lines: list[str]) -> tuple[str, str]:
    """Give the first call that is not the runtime's, of those below `panic(...)` where there is one."""
    calls = [
        (call[1], place[1])
        for first, second in islice(pairwise(lines), 2 * MAX_FRAMES)
        if (call := _CALL.match(first)) and (place := _PLACE.match(second))
    ]
    names = [name for name, _ in calls]
    below = calls[names.index("panic") + 1 :] if "panic" in names else calls
    return next(((name, place) for name, place in below if not name.startswith(_RUNTIME)), ("", ""))
