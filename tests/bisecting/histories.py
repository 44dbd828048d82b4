"""A history of a shop in Go, written by `git fast-import`: hundreds of commits in a moment, the same for a seed.

`payment` is tested. It is built from every fourth package; each commit changes one package, any of them. One commit
makes the test fail. Bursts of commits do not build: some in a package that the test is built from, some in another.
"""

import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MODULE = "example.com/shop"
PACKAGE = "payment"
TEST = "TestPaymentTimeout"
_PEOPLE = ("Ada <ada@example.com>", "Ben <ben@example.com>", "Cleo <cleo@example.com>")
_FIRST_AT = 1_700_000_000
ROUNDS = 8_000_000
"""Digests of 32 bytes that a processor makes in about a second: work that takes longer where there is less of it."""


@dataclass(frozen=True)
class Shape:
    """What the history is like; commits are numbered from 1, the first one is good and the last one bad.

    `culprit` is the number of the commit that breaks the test; `since`, of the one that adds the test. `bursts` and
    `others` are the first and last commits of runs that do not build, of what the test is built from and of another
    package. The test waits for `waits_s` and is on the processor for `works_s`; it asks a server of its own if it
    `serves`, as tests of services do.
    """

    commits: int = 200
    packages: int = 35
    culprit: int = 137
    since: int = 1
    bursts: Sequence[tuple[int, int]] = ()
    others: Sequence[tuple[int, int]] = ()
    waits_s: float = 0.0
    works_s: float = 0.0
    serves: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Made:
    """The repository, its commits from the oldest on, and the one that broke the test."""

    repository: Path
    commits: tuple[str, ...]
    culprit: str
    shape: Shape = field(default_factory=Shape)


def bursty(commits: int, culprit: int, *, seed: int = 1) -> Shape:
    """Shape a history as in practice: a tenth of it does not build, four runs for the test and three elsewhere."""
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable
    share = max(1, commits // 45)
    starts = [commits * place // 8 + chance.randrange(max(1, commits // 20)) for place in range(1, 8)]
    runs = [(start, min(commits - 1, start + share)) for start in starts]
    kept = [run for run in runs if not run[0] - 1 <= culprit <= run[1] + 1]
    return Shape(commits, culprit=culprit, bursts=kept[::2], others=kept[1::2], seed=seed)


def make(folder: Path, shape: Shape) -> Made:
    """Write the history into a new bare repository."""
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    stream = b"".join(_stream(shape))
    _git(folder, "fast-import", "--quiet", given=stream)
    commits = tuple(_git(folder, "rev-list", "--reverse", "main").split())
    return Made(folder, commits, commits[shape.culprit - 1], shape)


def _stream(shape: Shape) -> Iterator[bytes]:
    chance = random.Random(shape.seed)  # noqa: S311 - it must be repeatable
    yield b"feature done\n"
    for number in range(1, shape.commits + 1):
        files = dict(_everything(shape)) if number == 1 else _changed(shape, number, chance)
        if number == shape.culprit:
            files[f"{PACKAGE}/payment.go"] = _payment(300)
        if number == shape.since:
            files[f"{PACKAGE}/payment_test.go"] = _test(shape)
        files |= _broken(shape, number)
        yield from _commit(number, files, chance)
    yield b"done\n"


def _everything(shape: Shape) -> Iterator[tuple[str, str]]:
    yield "go.mod", f"module {MODULE}\n\ngo 1.21\n"
    yield f"{PACKAGE}/payment.go", _payment(30)
    for place in range(shape.packages):
        yield _path(place), _library(shape, place, 0)


def _changed(shape: Shape, number: int, chance: random.Random) -> dict[str, str]:
    place = chance.randrange(shape.packages)
    return {_path(place): _library(shape, place, number)}


def _broken(shape: Shape, number: int) -> dict[str, str]:
    """Break a package at the first commit of a run and mend it behind the last; 0 is built into the test, 1 is not."""
    files = {}
    for name, runs in (("p00", shape.bursts), ("p01", shape.others)):
        for first, last in runs:
            if number == first:
                files[f"{name}/broken.go"] = f'package {name}\n\nvar Broken int = "not yet"\n'
            elif number == last + 1:
                files[f"{name}/broken.go"] = f"package {name}\n"
    return files


def _commit(number: int, files: dict[str, str], chance: random.Random) -> Iterator[bytes]:
    at = f"{_FIRST_AT + 3600 * number} +0000"
    message = f"Change {', '.join(sorted(files)[:3])}\n".encode()
    yield f"commit refs/heads/main\nmark :{number}\n".encode()
    yield f"author {chance.choice(_PEOPLE)} {at}\ncommitter {_PEOPLE[0]} {at}\n".encode()
    yield b"data %d\n%b" % (len(message), message)
    if number > 1:
        yield f"from :{number - 1}\n".encode()
    for path, content in sorted(files.items()):
        yield f"M 100644 inline {path}\n".encode()
        yield b"data %d\n%b\n" % (len(content.encode()), content.encode())
    yield b"\n"


def _path(place: int) -> str:
    return f"p{place:02}/p{place:02}.go"


def _library(shape: Shape, place: int, number: int) -> str:
    name, next_ = f"p{place:02}", f"p{place + 4:02}"
    has_next = place + 4 < shape.packages
    needs = f'import "{MODULE}/{next_}"\n\n' if has_next else ""
    more = f" + {next_}.Value()" if has_next else ""
    body = f"func Value() int {{ return {number % 7}{more} }}"
    return f"package {name}\n\n{needs}// Value is what it was at change {number}.\n{body}\n"


def _payment(limit_ms: int) -> str:
    return (
        f'package {PACKAGE}\n\nimport "{MODULE}/p00"\n\n// LimitMS is how long a payment may take.\n'
        f"func LimitMS() int {{ return {limit_ms} + 0*p00.Value() }}\n"
    )


_SERVED = """
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pay() }))
	defer served.Close()
	if _, err := http.Get(served.URL); err != nil {
		t.Fatal(err)
	}
"""


def _test(shape: Shape) -> str:
    waits, rounds = int(shape.waits_s * 1000), int(shape.works_s * ROUNDS)
    imports = ["net/http", "net/http/httptest"] if shape.serves else []
    needs = "".join(f'\t"{path}"\n' for path in ("crypto/sha256", *imports, "testing", "time"))
    return (
        f"package {PACKAGE}\n\nimport (\n{needs})\n\nvar sum [32]byte\n\n"
        f"func pay() {{\n\ttime.Sleep({waits} * time.Millisecond)\n"
        f"\tfor round := 0; round < {rounds}; round++ {{\n\t\tsum = sha256.Sum256(sum[:])\n\t}}\n}}\n\n"
        f"func {TEST}(t *testing.T) {{{_SERVED if shape.serves else chr(10) + chr(9) + 'pay()' + chr(10)}"
        '\tif LimitMS() != 30 {\n\t\tt.Fatalf("a payment may take %d ms", LimitMS())\n\t}\n}\n'
    )


def _git(folder: Path, *words: str, given: bytes = b"") -> str:
    ended = subprocess.run(["git", "-C", str(folder), *words], input=given, stdout=subprocess.PIPE, check=True)
    return ended.stdout.decode()
