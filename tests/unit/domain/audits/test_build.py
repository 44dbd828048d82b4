"""What would keep a build from starting, and what breaks at a call of C, is told; what is guarded is left alone."""

import json
from typing import Any

import pytest

from bot.domain.audits import Audited, judge
from bot.domain.binary import Binary, Host, Program, write
from bot.domain.loading import Lack

HOST = Host("amd64", 3, "glibc 2.36")
STATIC = Program("/srv/checkout", arch="amd64", settings=(("CGO_ENABLED", "0"),))
DYNAMIC = Program(
    "/srv/checkout",
    arch="amd64",
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needs=(("libc.so.6", ("GLIBC_2.9", "GLIBC_2.34")),),
    settings=(("CGO_ENABLED", "1"),),
)
CALL: dict[str, Any] = {
    "path": "sum.go", "line": 25, "name": "b", "first": True, "type": "[]byte", "never_empty": False,
    "measured": False, "embeds": "", "bytes": None,
}  # fmt: skip


def told(*, calls: tuple[dict[str, Any], ...] = (), c_files: int | None = 0, **programs: Program) -> list[str]:
    targets = {"checkout-1": write(Binary(HOST, listening=True, **programs))} if programs else {}
    document = json.loads(json.dumps({"targets": targets, "calls": list(calls), "c_files": c_files}))
    return [f"{each.grade} {each.rule} {each.where}: {each.what}" for each in judge(Audited.BUILD, document)]


def test_a_static_program_that_runs_is_left_alone() -> None:
    assert told(running=STATIC, file=STATIC) == []


def test_a_file_that_could_not_be_started_is_told_before_anything_restarts() -> None:
    newer = Program("/srv/checkout", arch="amd64", lacks=(Lack("libc.so.6", "GLIBC_2.38", "GLIBC_2.36"),))

    (remark,) = told(running=STATIC, file=newer)

    assert remark.startswith(
        "wrong cannot start checkout-1: /srv/checkout could not be started: it needs GLIBC_2.38 of"
    )


def test_a_file_that_is_gone_is_told() -> None:
    assert told(running=STATIC, file=Program("/srv/checkout", "No such file or directory")) == [
        "risky no program checkout-1: /srv/checkout: No such file or directory"
    ]


def test_what_an_emulator_runs_is_told() -> None:
    translated = Program("/srv/checkout", arch="arm64", runs=False, emulator="qemu-aarch64")

    assert told(running=translated) == [
        "wrong emulated checkout-1: /srv/checkout is built for arm64 and runs on amd64: qemu-aarch64 translates it"
    ]


@pytest.mark.parametrize(("c_files", "remarks"), [(0, 1), (3, 0), (None, 0)])
def test_a_program_is_bound_to_its_libc_for_nothing_where_no_source_calls_c(c_files: int | None, remarks: int) -> None:
    found = told(running=DYNAMIC, c_files=c_files)

    assert len(found) == remarks
    for each in found:
        assert each == (
            "weak bound to libc checkout-1: it starts with glibc 2.34 or newer only (glibc 2.36 there), and its source "
            "calls no C"
        )


@pytest.mark.parametrize(
    ("call", "remark"),
    [
        ({}, "risky empty sum.go:25: &b[0] panics when b is empty"),
        ({"measured": True}, ""),
        ({"never_empty": True}, ""),
        (
            {"embeds": "d.bin", "bytes": 0},
            "wrong empty sum.go:25: &b[0] panics: d.bin, which it embeds, is empty",
        ),
        (
            {"embeds": "d.bin", "bytes": 7},
            "weak empty sum.go:25: &b[0] panics once d.bin, which it embeds, is empty (7 bytes now)",
        ),
        ({"embeds": "*.bin"}, "risky empty sum.go:25: &b[0] panics when b is empty"),
        (
            {"type": "[]string", "measured": True},
            "wrong pointers sum.go:25: C gets elements of b ([]string), which point to more memory of Go: it panics",
        ),
        (
            {"first": False},
            "wrong head sum.go:25: C gets the address of b itself ([]byte), which holds a pointer of Go",
        ),
        ({"first": False, "type": "point"}, ""),
        ({"first": False, "type": ""}, ""),
    ],
)
def test_calls_of_c(call: dict[str, Any], remark: str) -> None:
    assert told(calls=({**CALL, **call},)) == ([remark] if remark else [])


def test_a_document_of_an_unknown_target_is_passed_over() -> None:
    assert judge(Audited.BUILD, {"targets": {"checkout-1": {"host": []}}, "calls": [], "c_files": None}) == ()
