"""Programs that cannot start where they are, calls of C that break, and programs that are translated as they run."""

from dataclasses import replace

import pytest

from bot.domain.binary import Binary, Host, Program, write
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.faults.cross_build import find
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside
from bot.domain.loading import Lack
from bot.domain.log_lines import LogSummary
from bot.domain.panics import Panic
from bot.domain.snapshot import BINARY, PROCESS, Captured, Probe, captured, missed
from tests.unit.domain.captures import PARTS, document, facts_of, failed_probe, good_probe
from tests.unit.domain.test_panics import EMPTY, POINTERS

HOST = Host("amd64", 3, "glibc 2.36")
FILE = Program("/srv/checkout", arch="amd64")
LOADER = "/lib/ld-musl-x86_64.so.1"
WRONG = replace(FILE, arch="arm64", runs=False)
UNPINNED, INDEX = Panic(POINTERS, "main.pass", "pass.go:35"), Panic(EMPTY, "main.sum", "sum.go:25", fatal=False)


def parts(file: Program | None, *, listening: bool = False, running: Program | None = None) -> list[Captured]:
    told = write(Binary(HOST, listening, running, file))
    return [captured("c", BINARY, document(told), 0.1), missed("c", PARTS["goroutine"], "c: nothing listens")]


def down(file: Program | None, probe: Probe | None = None) -> Facts:
    return examine(parts(file), probe or failed_probe("c"))


@pytest.mark.parametrize(
    ("file", "claim", "fix"),
    [
        (WRONG, "it is built for arm64, and its host is amd64 (exec format error).", "GOOS=linux GOARCH=amd64"),
        (
            replace(FILE, settings=(("GOOS", "freebsd"),)),
            "it is built for freebsd, and its host runs Linux.",
            "GOOS=linux GOARCH=amd64",
        ),
        (
            replace(FILE, settings=(("GOAMD64", "v4"),)),
            "it needs a CPU of level v4 (GOAMD64), and its host's has v3.",
            "Build it with GOAMD64=v3",
        ),
        (
            replace(FILE, lacks=(Lack("libc.so.6", "GLIBC_2.38", "GLIBC_2.36"),)),
            "it needs GLIBC_2.38 of libc.so.6, and its host's has up to GLIBC_2.36.",
            "CGO_ENABLED=0 if it needs no C code of its own; else build it on a system with glibc 2.36 or older.",
        ),
        (
            replace(FILE, lacks=(Lack("libfoo.so.1", "FOO_2", "", "libbar.so"),)),
            "it needs FOO_2 of libfoo.so.1 (for libbar.so), and its host's has none of these versions.",
            "libfoo.so.1 of its host or older",
        ),
        (
            replace(FILE, interpreter=LOADER, lacks=(Lack(LOADER),)),
            f"its loader {LOADER} is not on its host, which has glibc 2.36.",
            "CGO_ENABLED=0",
        ),
        (
            replace(FILE, lacks=(Lack("libfoo.so.1"),)),
            "the library libfoo.so.1 is not on its host.",
            "Install what holds libfoo.so.1",
        ),
    ],
)
def test_a_program_that_cannot_start_is_named_with_what_keeps_it(file: Program, claim: str, fix: str) -> None:
    found = find(down(file), Beside())

    assert found is not None
    sure = LIKELY if "the library" in claim else CERTAIN  # LD_LIBRARY_PATH of its start is not known
    assert (found.fault, found.confidence, found.weight) == ("cross-build", sure, 1.0)
    assert found.claim.startswith(f"Nobody answers, and /srv/checkout cannot start there: {claim}")
    assert fix in found.fix
    assert found.evidence[-2].value == "amd64 (level v3), glibc 2.36"
    assert {each.artifact for each in found.evidence} == {"c/binary.json", "manifest.json"}


def test_everything_that_is_wrong_is_evidence() -> None:
    both = replace(WRONG, settings=(("GOAMD64", "v4"),), lacks=(Lack("libfoo.so.1"),))
    found = find(down(both), Beside())

    assert found is not None
    assert [each.what for each in found.evidence][:3] == ["its machine", "GOAMD64", "a library"]


@pytest.mark.parametrize(
    "facts",
    [
        down(FILE),
        down(None),
        down(Program("/srv/checkout", "No such file or directory")),
        down(replace(WRONG, emulator="qemu-aarch64")),  # it would start all the same
        down(replace(FILE, settings=(("GOAMD64", "v3"), ("GOOS", "linux")))),
        down(replace(FILE, lacks=()), Probe("c", 0)),
        down(WRONG, good_probe("c")),  # users are served: somebody does run
        examine(parts(WRONG, listening=True), failed_probe("c")),  # another user's process listens
        examine(parts(WRONG, running=FILE), failed_probe("c")),  # the file is for the next start
        facts_of("c", good_probe("c")),
    ],
)
def test_what_can_start_or_runs_is_left_alone(facts: Facts) -> None:
    assert find(facts, Beside()) is None


def test_an_unknown_cpu_keeps_nobody_from_starting() -> None:
    facts = down(replace(FILE, settings=(("GOAMD64", "v4"),)))
    assert facts.binary is not None
    unknown = replace(facts.binary, host=Host("amd64", 0, "glibc 2.36"))

    assert find(replace(facts, binary=unknown), Beside()) is None


def broken(panic: Panic, *contents: Captured) -> Facts:
    return replace(examine(contents, failed_probe("c")), log=LogSummary(9, panic=panic))


def up(seconds: float) -> Captured:
    return captured("c", PROCESS, document({"pid": 7, "uptime_s": seconds}), 0.1)


@pytest.mark.parametrize(
    ("panic", "claim", "fix"),
    [
        (UNPINNED, "Go memory that points to more Go memory went to C at main.pass (pass.go:35).", "runtime.Pinner"),
        (Panic(POINTERS), "Go memory that points to more Go memory went to C. The process ended of it", "C.CBytes"),
        (
            replace(INDEX, in_c_call=True),
            "The first byte of something empty was to go to C at main.sum (sum.go:25). The request",
            "unsafe.SliceData(b)",
        ),
    ],
)
def test_a_panic_at_a_call_of_c_is_named_with_its_line(panic: Panic, claim: str, fix: str) -> None:
    found = find(broken(panic), Beside())

    assert found is not None
    assert (found.fault, found.confidence) == ("cross-build", CERTAIN)
    assert found.claim.startswith(claim)
    assert panic.said in found.claim
    assert fix in found.fix
    assert panic.place in found.fix


def test_other_panics_are_no_matter_of_c() -> None:
    assert find(broken(INDEX), Beside()) is None
    assert find(broken(Panic("runtime error: integer divide by zero")), Beside()) is None


def test_a_panic_that_was_survived_is_over_once_the_process_has_settled() -> None:
    assert find(broken(UNPINNED, up(3600.0)), Beside()) is None
    assert find(broken(UNPINNED, up(20.0)), Beside()) is not None
    assert find(broken(replace(UNPINNED, fatal=False), up(3600.0)), Beside()) is not None


def test_a_program_that_is_translated_is_named_where_users_suffer() -> None:
    running = replace(WRONG, emulator="qemu-aarch64-static")
    slow, well = (examine(parts(None, listening=True, running=running), good_probe("c", ms)) for ms in (900.0, 3.0))
    found = find(slow, Beside())

    assert found is not None
    assert (found.fault, found.confidence) == ("cross-build", LIKELY)
    assert found.claim == (
        "/srv/checkout is built for arm64 and runs on amd64: qemu-aarch64-static translates every instruction of it."
    )
    assert find(well, Beside()) is None
