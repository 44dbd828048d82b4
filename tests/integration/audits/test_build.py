"""Calls of C, as people write them: told of by their source, by `go vet`, and by the panics of the real program."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.audits.build import BuildLook
from bot.adapters.audits.c_calls import describe
from bot.adapters.audits.gotree import GoFile
from bot.adapters.git import GitRepository
from bot.domain.audits import Audited, Subject, judge
from bot.domain.panics import is_handed_to_c, last_panic
from bot.domain.run import Missing
from bot.domain.service import Service, Target
from bot.lab.toolchain import build_environment, find_go
from bot.ports import Wanted
from bot.wiring import AllTargets
from tests.elves import changed
from tests.integration.audits.test_gosource import git

SICK = """\
package main

/*
static int first(const char *p, int n) { return n ? p[0] : 0; }
static int look(void *p) { return p != 0; }
*/
import "C"

import (
	_ "embed"
	"os"
	"unsafe"
)

//go:embed empty.txt
var data []byte

type node struct{ next *node }

func sum(b []byte) int {
	return int(C.first((*C.char)(unsafe.Pointer(&b[0])), C.int(len(b))))
}

func pass(n *node) int {
	return int(C.look(unsafe.Pointer(n)))
}

func names(of []string) int {
	if len(of) == 0 {
		return 0
	}
	return int(C.look(unsafe.Pointer(&of[0])))
}

func rows(of [][]byte) int {
	if len(of) == 0 {
		return 0
	}
	return int(C.look(unsafe.Pointer(&of[0])))
}

func head(b []byte) int {
	return int(C.look(unsafe.Pointer(&b)))
}

func main() {
	switch os.Args[1] {
	case "empty":
		sum(data)
	case "pointer":
		pass(&node{next: &node{}})
	case "names":
		names([]string{os.Args[0] + "x"})
	case "rows":
		rows([][]byte{make([]byte, len(os.Args))})
	case "head":
		head(make([]byte, len(os.Args)))
	}
}
"""
HEAD = 'package a\n\nimport "C"\n\nimport "unsafe"\n\n'


def calls(body: str, head: str = HEAD) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = describe([GoFile("a.go", (head + body).encode())])["calls"]
    return found


def rules(body: str) -> list[str]:
    told = [{**each, "bytes": None} for each in calls(body)]
    return [each.rule for each in judge(Audited.BUILD, {"targets": {}, "calls": told, "c_files": 1})]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("func f(b []byte) { C.f((*C.char)(unsafe.Pointer(&b[0]))) }", ["empty"]),
        ("func f(b []C.int) { C.f(&b[0]) }", ["empty"]),
        ("func f(b []byte) { p := (*C.char)(unsafe.Pointer(&b[0])); C.f(p) }", ["empty"]),
        ("type req struct { body []byte }\nfunc f(r *req) { C.f(unsafe.Pointer(&r.body[0])) }", ["empty"]),
        ("type req struct { body [16]byte }\nfunc f(r *req) { C.f(unsafe.Pointer(&r.body[0])) }", []),
        ("func f(r *C.req) { C.f(unsafe.Pointer(&r.body[0])) }", []),
        ("func f(of []int) { if len(of) == 0 { return }; b := make([]C.int, len(of)); C.f(&b[0]) }", []),
        ("func f(of []int) { if n := len(of); n > 0 { b := make([]C.int, n); C.f(&b[0]) } }", []),
        ("func f(of []int) { b := make([]C.int, len(of)); for i := 0; i < len(of); i++ {}; C.f(&b[0]) }", ["empty"]),
        ("func f(b []byte) { for len(b) > 0 { C.f(unsafe.Pointer(&b[0])); b = b[1:] } }", []),
        ("func f(b []byte) { sum := sha256.Sum256(b); C.f(unsafe.Pointer(&sum[0])) }", []),
        ("var none = []byte{0}\nfunc f() { C.f(unsafe.Pointer(&none[0])) }", []),
        ("func f(b []byte) { h := (*reflect.SliceHeader)(unsafe.Pointer(&b)); C.f(h.Data) }", []),
        ("func f(b []byte) { go func() { C.f(unsafe.Pointer(&b[0])) }() }", ["empty"]),
        ("func f(b []byte) { if len(b) == 0 { return }; C.f(unsafe.Pointer(&b[0])) }", []),
        ("func f(b []byte) { if n := len(b); n > 0 { C.f(unsafe.Pointer(&b[0]), n) } }", []),
        ("func f(b []byte) { n := len(b)\nif n < 1 { return }\nC.f(unsafe.Pointer(&b[0])) }", []),
        ("func f(b []byte) { C.f(unsafe.Pointer(&b[0])); if len(b) == 0 { return } }", ["empty"]),
        ("func f(b, c []byte) { if len(c) == 0 { return }; C.f(unsafe.Pointer(&b[0])) }", ["empty"]),
        ("func f() { b := make([]byte, 64); C.f(unsafe.Pointer(&b[0])) }", []),
        ("func f(n int) { b := make([]byte, n); C.f(unsafe.Pointer(&b[0])) }", ["empty"]),
        ("func f(b []byte) { b = append(b, 0); C.f(unsafe.Pointer(&b[0])) }", []),
        ('func f() { b := []byte("x"); C.f(unsafe.Pointer(&b[0])) }', []),
        ("func f() { b := []byte{1, 2}; C.f(unsafe.Pointer(&b[0])) }", []),
        ("func f() { b := []byte{}; C.f(unsafe.Pointer(&b[0])) }", ["empty"]),
        ("func f() { var b [8]byte; C.f(unsafe.Pointer(&b[0])) }", []),
        ("func f(b *[8]byte) { C.f(unsafe.Pointer(&b[0])) }", []),
        ("func g() { var b [8]byte; use(b) }\nfunc f(b []byte) { C.f(unsafe.Pointer(&b[0])) }", ["empty"]),
        ("func f(b []byte) { C.f(unsafe.Pointer(&b[1])) }", []),
        ("func f(b []byte) { use(&b[0]) }", []),
        ("func f(b []byte) { C.f(unsafe.Pointer(unsafe.SliceData(b))) }", []),
        ("func f(b []byte) { C.f(unsafe.Pointer(&b)) }", ["head"]),
        ("func f(p point) { C.f(unsafe.Pointer(&p)) }", []),
        ("func f(b []*C.node) { if len(b) > 0 { C.f(unsafe.Pointer(&b[0])) } }", []),
        ("func f(b []*node) { if len(b) > 0 { C.f(unsafe.Pointer(&b[0])) } }", ["pointers"]),
    ],
)
def test_what_may_be_empty_or_points_to_more_is_told(body: str, expected: list[str]) -> None:
    assert rules(body) == expected


def test_a_variable_of_another_file_is_known_by_its_package() -> None:
    call = f"{HEAD}func f() {{ C.f(unsafe.Pointer(&none[0])) }}\n".encode()
    full, empty = (f"package a\n\nvar none = []byte{{{of}}}\n".encode() for of in ("0", ""))

    assert describe([GoFile("a/a.go", call), GoFile("a/b.go", full)])["calls"] == []
    assert len(describe([GoFile("a/a.go", call), GoFile("a/b.go", empty)])["calls"]) == 1
    assert len(describe([GoFile("a/a.go", call), GoFile("b/b.go", full)])["calls"]) == 1


def test_a_file_that_calls_no_c_is_not_looked_at() -> None:
    head = 'package a\n\nimport "unsafe"\n\n'

    assert calls("func f(b []byte) { use(unsafe.Pointer(&b[0])) }", head) == []


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("calls")
    (place / "main.go").write_text(SICK)
    (place / "go.mod").write_text("module checkout\n\ngo 1.27\n")
    (place / "empty.txt").write_text("")
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "First")
    return place


def line_of(text: str) -> int:
    (found,) = [number for number, line in enumerate(SICK.splitlines(), 1) if text in line]
    return found


async def look(wanted: Wanted, scratch: Path) -> Subject | Missing:
    return await BuildLook(AllTargets(), GitRepository(scratch))(wanted)


@pytest.mark.parametrize("at_commit", [False, True])
async def test_a_repository_and_a_target_are_looked_at(repository: Path, tmp_path: Path, *, at_commit: bool) -> None:
    file = changed(tmp_path / "checkout", rb"GLIBC_2\.3\d(?=\0)", b"GLIBC_2.99")
    target = Target("checkout-1", "checkout", "http://127.0.0.1:9", binary=str(file))
    service = Service("checkout", (target,)) if at_commit else None
    subject = await look(Wanted(service, (target,), str(repository)), tmp_path)
    assert isinstance(subject, Subject)
    remarks = {(each.rule, each.where) for each in judge(Audited.BUILD, subject.document)}

    assert (
        subject.looked_at == f"the programs of checkout-1, 1 files of Go at {'HEAD' if at_commit else repository.name}"
    )
    assert remarks == {
        ("cannot start", "checkout-1"),
        ("empty", f"main.go:{line_of('&b[0]')}"),
        ("pointers", f"main.go:{line_of('func names') + 4}"),
        ("pointers", f"main.go:{line_of('func rows') + 4}"),
        ("head", f"main.go:{line_of('unsafe.Pointer(&b))')}"),
    }


async def test_an_embedded_file_that_is_empty_is_known_for_that(tmp_path: Path) -> None:
    body = HEAD.replace('import "unsafe"', 'import (\n\t_ "embed"\n\t"unsafe"\n)')
    body += "//go:embed empty.txt\nvar data []byte\n\nfunc f() { C.f(unsafe.Pointer(&data[0])) }\n"
    (tmp_path / "a.go").write_text(body)
    (tmp_path / "empty.txt").write_text("")
    subject = await look(Wanted(None, (), str(tmp_path)), tmp_path / "mirrors")
    assert isinstance(subject, Subject)
    (remark,) = judge(Audited.BUILD, subject.document)

    assert (remark.grade.value, remark.what) == ("wrong", "&data[0] panics: empty.txt, which it embeds, is empty")


async def test_where_there_is_nothing_to_look_at_it_says_so(tmp_path: Path) -> None:
    found = await look(Wanted(None), tmp_path)

    assert found == Missing("no repository is configured: nothing is known of calls of C")


@pytest.mark.go
@pytest.mark.timeout(600)
@pytest.mark.matrix(sample=0)
@pytest.mark.parametrize(
    ("mode", "is_pointers", "at", "vet"),
    [
        ("empty", False, "func sum", False),
        ("pointer", True, "func pass", False),
        ("names", True, "func names", False),
        ("rows", True, "func rows", True),
        ("head", True, "func head", True),
    ],
)
def test_the_real_program_breaks_where_it_is_told(
    repository: Path,
    mode: str,
    at: str,
    *,
    is_pointers: bool,
    vet: bool,
) -> None:
    """With gcc, as cgo needs it. vet sees slices that are handed over whole; who may be empty it does not see."""
    environment = build_environment() | {"CGO_ENABLED": "1"}
    command = [str(find_go()), "build", "-o", "checkout", "."]
    subprocess.run(command, cwd=repository, env=environment, check=True)
    done = subprocess.run([repository / "checkout", mode], capture_output=True, text=True, check=False)
    said = subprocess.run(
        [str(find_go()), "vet", "-cgocall", "."],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    panic = last_panic(done.stderr)
    assert panic is not None
    line = int(panic.place.rpartition(":")[2])

    assert done.returncode == 2
    assert (panic.is_pointers, panic.is_empty) == (is_pointers, not is_pointers)
    assert line_of(at) < line <= line_of(at) + 4
    assert is_handed_to_c(SICK.encode(), line) is (mode in {"empty", "names", "rows"})
    assert (f"main.go:{line}:" in said) is vet
