"""The last panic of a log, as Go 1.21, 1.23 and 1.27 and net/http write it; stacks are of real programs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.log_lines import last_lines, summarise
from bot.domain.panics import Panic, last_panic

POINTERS = "runtime error: argument of cgo function has Go pointer to unpinned Go pointer"
EMPTY = "runtime error: index out of range [0] with length 0"
FATAL = f"""\
2026/11/29 07:51:46 listening
panic: {POINTERS}

goroutine 1 [running]:
main.pass.func1(...)
	checkout/main.go:35
main.pass()
	checkout/main.go:35 +0x7f
main.main()
	checkout/main.go:45 +0x197
exit status 2
"""
SERVED = f"""\
2026/11/29 07:51:47 http: panic serving 127.0.0.1:46138: {EMPTY}
goroutine 7 [running]:
net/http.(*conn).serve.func1()
	net/http/server.go:1959 +0xbb
panic({{0x9b8da0?, 0x2a18e5dee108?}})
	runtime/panic.go:859 +0x125
main.sum(...)
	/src/checkout/sum.go:25
main.main.func2({{0x6361c9?, 0x10?}}, 0x99a6d0?)
	/src/checkout/main.go:49 +0x46
net/http.HandlerFunc.ServeHTTP(0x483659?, {{0x9cf700?, 0x2a18e5e621e0?}}, 0x2a18e5e1faf0?)
	net/http/server.go:2358 +0x29
created by net/http.(*Server).Serve in goroutine 25
	net/http/server.go:3604 +0x4fd
"""


@pytest.mark.parametrize(
    ("text", "panic"),
    [
        (FATAL, Panic(POINTERS, "main.pass.func1", "checkout/main.go:35")),
        (SERVED, Panic(EMPTY, "main.sum", "/src/checkout/sum.go:25", fatal=False)),
        (FATAL + SERVED, Panic(EMPTY, "main.sum", "/src/checkout/sum.go:25", fatal=False)),
        (
            json.dumps({"level": "ERROR", "msg": SERVED}),
            Panic(EMPTY, "main.sum", "/src/checkout/sum.go:25", fatal=False),
        ),
        ("panic: out of cheese [recovered]\n", Panic("out of cheese")),
        ("panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: x]\n", None),
    ],
)
def test_the_last_one_is_read(text: str, panic: Panic | None) -> None:
    wanted = panic or Panic("runtime error: invalid memory address or nil pointer dereference")

    assert last_panic(text) == wanted
    assert summarise(last_lines(text.encode(), whole=True)).panic == wanted


@pytest.mark.parametrize(
    ("said", "pointers", "empty"),
    [
        (POINTERS, True, False),
        ("runtime error: cgo argument has Go pointer to unpinned Go pointer", True, False),
        ("runtime error: cgo argument has Go pointer to Go pointer", True, False),
        ("runtime error: cgo result is unpinned Go pointer or points to unpinned Go pointer", True, False),
        ("/a.go:3: result of Go function f called from cgo is unpinned Go slice or points to", True, False),
        (EMPTY, False, True),
        ("runtime error: index out of range [3] with length 3", False, False),
        ("a pointer to Go, said cgo", False, False),
    ],
)
def test_what_c_has_to_do_with_it(said: str, *, pointers: bool, empty: bool) -> None:
    assert (Panic(said).is_pointers, Panic(said).is_empty) == (pointers, empty)


def test_a_log_without_one_has_none() -> None:
    assert last_panic("level=INFO msg=listening\nno need to panic, all is well\n") is None


@given(st.text(max_size=300))
def test_no_log_is_too_strange(text: str) -> None:
    found = last_panic(f"panic: {text}")

    assert found is None or isinstance(found, Panic)
