import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bisect import go_source

WHOLE = b"""\xef\xbb\xbf// Copyright
//go:build linux && !cgo

/* long
   words: import "no" */
package payment // import "example.com/payment"

import "fmt"; import . "testing"
import (
	"net/http" // said
	_ "embed"
	Str\xc3\xa4nge `a/b`
	/* between */ "c/d" ; "e/f"
)
import()

//go:embed all:static/* "with blank.txt" `page.html`
var files embed.FS

var text = `import "not/me"`

func TestIt(t *testing.T) { os.ReadFile("../fixtures/a.json"); filepath.Join("..", "x") }
"""


def test_imports_are_read_as_the_grammar_has_them() -> None:
    read = go_source.read(WHOLE)
    assert read.imports == {"fmt", "testing", "net/http", "embed", "a/b", "c/d", "e/f"}


def test_embedded_files_and_paths_that_lead_up_are_read() -> None:
    read = go_source.read(WHOLE)
    assert read.embeds == {"static/*", "with blank.txt", "page.html"}
    assert read.above == {"../fixtures/a.json", ".."}
    assert not read.strays


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"package",
        b"package x\nimport",
        b'package x\nimport (\n\t"unclosed',
        b'import "before/package"',
        b'package x\nfunc f() {}\nimport "too/late"',
        b'package x\nvar importer "no"',
        b"/* open",
    ],
)
def test_what_is_no_import_is_not_read(source: bytes) -> None:
    assert go_source.read(source).imports == frozenset()


@pytest.mark.parametrize(
    "source",
    [
        b'package x\n\n// #include "../include/x.h"\nimport "C"\n',
        b'package x\n\n// #cgo CFLAGS: -I../include\nimport "C"\n',
        b'#include "../asm/macros.h"\nTEXT \xc2\xb7f(SB),4,$0\n',
    ],
)
def test_headers_elsewhere_are_told(source: bytes) -> None:
    assert go_source.read(source).strays


def test_escapes_in_a_path_are_read() -> None:
    assert go_source.read(b'package x\nimport "a\\x2fb"').imports == {"a/b"}


@pytest.mark.parametrize(
    ("source", "declares"),
    [
        (b"func TestPay(t *testing.T) {", True),
        (b"\tfunc  TestPay (t *testing.T) {", True),
        (b"func TestPayment(t *testing.T) {", False),
        (b"func (s *Suite) TestPay() {", False),
        (b"// func TestPay(", False),
    ],
)
def test_a_test_is_declared_by_its_function(source: bytes, declares: bool) -> None:  # noqa: FBT001 - a case
    assert go_source.declares(source, "TestPay") is declares


PIECES = st.sampled_from(
    [b"package x", b"\n", b"import", b" ", b"(", b")", b'"a/b"', b"`c`", b"//", b"/*", b"*/", b";", b"_", b"\\", b'"']
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=4)), max_size=40).map(b"".join))
def test_whatever_is_read_comes_to_an_end(source: bytes) -> None:
    read = go_source.read(source)
    assert all(isinstance(path, str) for path in read.imports)


NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,8}(/[a-z0-9_.-]{1,8}){0,3}", fullmatch=True)


@given(st.lists(NAMES, max_size=8), st.booleans(), st.sampled_from(["", "_ ", ". ", "name "]))
def test_every_import_that_is_written_is_read(paths: list[str], in_one: bool, name: str) -> None:  # noqa: FBT001 - drawn
    lines = [f'{name}"{path}"' for path in paths]
    block = "import (\n\t" + "\n\t".join(lines) + "\n)\n" if in_one else "".join(f"import {line}\n" for line in lines)
    source = f"// Package x.\npackage x\n\n{block}\nfunc f() {{}}\n"
    assert go_source.read(source.encode()).imports == frozenset(paths)


def test_a_long_file_is_read_in_a_moment() -> None:
    source = b"package x\n" + b"// a comment line \n" * 50_000 + b'import "far/down"\n' + b'"../' * 50_000
    assert go_source.read(source).imports == {"far/down"}
