"""What of a service's builds would keep them from starting, or breaks at a call of C.

What cgo refuses is in its own rules (pkg.go.dev/cmd/cgo, "Passing pointers"); an index beyond a length is a panic (the
language's specification, "Index expressions"). The document holds what each target tells of its programs and their
host, and the places in the source that hand memory to C.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.audits.remark import Grade, Remark
from bot.domain.binary import Binary, Host, Program, read
from bot.domain.faults.cross_build import obstacles
from bot.domain.loading import newest

HOLDS_POINTERS = ("[]", "*", "map[", "chan ", "<-chan", "func(", "interface", "string", "any", "error", "unsafe.")
"""How the types of elements begin that point to more memory of Go."""
HEADERS = ("[]", "map[", "chan ", "<-chan", "func(", "interface", "string", "any", "error")
"""How types begin of which only a head lies where the variable does."""


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what should be otherwise, of every target and of the source."""
    binaries = {name: found for name, told in document["targets"].items() if (found := read(told)) is not None}
    c_files = document["c_files"]
    return (
        *(remark for name, binary in binaries.items() for remark in _target(name, binary, c_files)),
        *(remark for call in document["calls"] for remark in _call(call)),
    )


def _target(name: str, binary: Binary, c_files: int | None) -> Iterator[Remark]:
    running, file, host = binary.running, binary.file, binary.host
    if running is not None and running.emulator:
        what = f"{running.path} is built for {running.arch} and runs on {host.arch}: {running.emulator} translates it"
        yield Remark(Grade.WRONG, "emulated", name, what, f"build it for linux/{host.arch}")
    if file is not None and file.error:
        better = "correct `binary`, or deploy it again before anything restarts the process"
        yield Remark(Grade.RISKY, "no program", name, f"{file.path}: {file.error}", better)
    for each in obstacles(file, host) if file is not None and not file.error else ():
        what = f"{file.path} could not be started: {each.claim.removesuffix('.')}" if file is not None else ""
        yield Remark(Grade.WRONG, "cannot start", name, what, each.fix.removesuffix("."))
    program = running or file
    if program is not None:
        yield from _libc(name, program, host, c_files)


def _libc(name: str, program: Program, host: Host, c_files: int | None) -> Iterator[Remark]:
    """Tell of a program that is bound to its host's C library without calling C itself."""
    versions = [version for _, needed in program.needs for version in needed]
    oldest = newest(versions, "GLIBC_").removeprefix("GLIBC_")
    if program.setting("CGO_ENABLED") != "1" or c_files != 0 or not program.interpreter:
        return
    bound = f"starts with glibc {oldest} or newer only" if oldest else f"starts only where {program.interpreter} is"
    what = f"it {bound} ({host.libc or 'none'} there), and its source calls no C"
    better = "build it with CGO_ENABLED=0: it starts anywhere then"
    yield Remark(Grade.WEAK, "bound to libc", name, what, better)


def _call(call: Mapping[str, Any]) -> Iterator[Remark]:
    where, name, kind = f"{call['path']}:{call['line']}", call["name"], call["type"]
    if not call["first"]:
        if kind.startswith(HEADERS):
            what = f"C gets the address of {name} itself ({kind}), which holds a pointer of Go"
            yield Remark(Grade.WRONG, "head", where, what, f"pass what it holds: unsafe.SliceData({name})")
        return
    element = kind.removeprefix("[]")
    if element != kind and element.startswith(HOLDS_POINTERS) and not element.startswith(("*C.", "**C.")):
        what = f"C gets elements of {name} ({kind}), which point to more memory of Go: it panics"
        yield Remark(Grade.WRONG, "pointers", where, what, "copy them into memory of C (C.malloc), or pin them")
    if not (call["measured"] or call["never_empty"]):
        yield _may_be_empty(where, call)


def _may_be_empty(where: str, call: Mapping[str, Any]) -> Remark:
    name, embeds, size = call["name"], call["embeds"], call["bytes"]
    better = f"pass unsafe.SliceData({name}), or ask for len({name}) before"
    if embeds and size == 0:
        return Remark(Grade.WRONG, "empty", where, f"&{name}[0] panics: {embeds}, which it embeds, is empty", better)
    if embeds and size:
        what = f"&{name}[0] panics once {embeds}, which it embeds, is empty ({size} bytes now)"
        return Remark(Grade.WEAK, "empty", where, what, better)
    return Remark(Grade.RISKY, "empty", where, f"&{name}[0] panics when {name} is empty", better)
