"""What a real Go process writes of its goroutines, asked or dying, is read: the same program in every format."""

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.buildinfo import read_build_info
from bot.domain.goroutine_counts import group_counts
from bot.domain.goroutine_dump import group
from bot.domain.goroutines import Goroutines, group_profile
from bot.domain.profile import decode
from bot.lab.toolchain import build_environment, find_go
from tests.samples import BUILDS

pytestmark = [BUILDS, pytest.mark.go, pytest.mark.timeout(600)]

PROGRAM = """package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

func leak(c chan int) { <-c }
func locked()         { runtime.LockOSThread(); select {} }
func deep(n int) {
	if n == 0 {
		select {}
	}
	deep(n - 1)
}
func endless(n int) int { return endless(n+1) + 1 }

func main() {
	for i := 0; i < 5; i++ {
		go leak(make(chan int))
	}
	go locked()
	for i := 0; i < 3; i++ {
		go deep(200 + i)
	}
	time.Sleep(100 * time.Millisecond)
	debug.SetTraceback("system")
	switch os.Args[1] {
	case "0":
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 0)
	case "1":
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
	case "2":
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
	case "leak":
		pprof.Lookup("goroutineleak").WriteTo(os.Stdout, 2)
	case "panic":
		panic("no\\n\\nway")
	case "nil":
		println(*(*int)(nil))
	case "overflow":
		endless(0)
	}
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("goroutines")
    (folder / "main.go").write_text(PROGRAM)
    (folder / "go.mod").write_text("module example.com/goroutines\n\ngo 1.21\n")
    command = [str(find_go()), "build", "-o", "program", "."]
    subprocess.run(command, cwd=folder, env=build_environment(), check=True, timeout=500)
    return folder / "program"


def written(program: Path, how: str) -> bytes:
    done = subprocess.run([program, how], capture_output=True, check=False, timeout=60, cwd=program.parent)
    return done.stdout or done.stderr


def own(found: Goroutines) -> Counter[str]:
    """Count by the innermost function of the program's own."""
    counts: Counter[str] = Counter()
    for each in found.groups:
        counts[next((frame.function for frame in each.stack if frame.function.startswith("main.")), "")] += each.count
    return counts


@pytest.mark.parametrize(
    ("how", "read", "cause"),
    [
        ("0", lambda content: group_profile(decode(content)), ""),
        ("1", group_counts, ""),
        ("2", group, ""),
        ("leak", group, ""),
        ("panic", group, "panic: no"),
        ("nil", group, "panic: runtime error: invalid memory address or nil pointer dereference"),
        ("overflow", group, "runtime: goroutine stack exceeds 1000000000-byte limit"),
    ],
)
def test_every_text_gives_the_same_goroutines(
    program: Path, how: str, read: Callable[[bytes], Goroutines], cause: str
) -> None:
    found = read(written(program, how))
    counts = own(found)

    assert (counts["main.leak"], counts["main.locked"], counts["main.deep"]) == (5, 1, 3)
    assert (found.garbled, found.damage, found.truncated) == (0, None, False)
    assert found.cause.partition("\n")[0] == cause


def test_leaked_and_locked_goroutines_are_told(program: Path) -> None:
    groups = {each.stack[0].function: each for each in group(written(program, "leak")).groups}

    assert (groups["main.leak"].leaked, groups["main.locked"].locked) == (5, 1)
    assert groups["main.leak"].created_by == "main.main"


def test_its_build_info_is_read(program: Path) -> None:
    content = program.read_bytes()
    found = read_build_info(lambda at, size: content[at : at + size], len(content))

    assert (found.path, found.module) == ("example.com/goroutines", "example.com/goroutines")
    assert found.go.startswith("go1.")
