"""What is told of a program's file is what the kernel and the loader say when it is started for real."""

import errno
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import InterpSegment

from bot.adapters.kernel.binaries import Binaries
from bot.domain.binary import Binary
from bot.domain.elf import ElfMalformed, read_elf
from bot.domain.examination import examine
from bot.domain.faults.cross_build import find
from bot.domain.faults.finding import Beside
from bot.domain.loading import Lack
from bot.domain.service import Target
from bot.domain.snapshot import BINARY, GOROUTINE, PartStatus
from bot.wiring import AllTargets
from tests.agents import TOKEN, running_agent
from tests.elves import OTHER, built, changed, program

PROC = Path("/proc")


def looked_at(file: Path) -> Binary:
    return Binaries(PROC).capture(None, str(file), listening=False)


def started(file: Path) -> str:
    """Start a program for real; give what the kernel or the loader says, "" where it runs well."""
    try:
        done = subprocess.run([str(file)], capture_output=True, text=True, check=False)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return done.stderr if done.returncode else ""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("foreign"))


def test_a_program_of_this_machine_starts() -> None:
    found = looked_at(program()).file

    assert started(program()) == ""
    assert found is not None
    assert (found.error, found.runs, found.lacks) == ("", True, ())
    assert found.needs != ()


@pytest.mark.go
@pytest.mark.timeout(600)
def test_a_program_for_another_machine_is_refused_by_the_kernel(foreign: Path) -> None:
    found = looked_at(foreign).file

    assert started(foreign) == "ENOEXEC"
    assert found is not None
    assert (found.arch, found.runs, found.setting("GOARCH"), found.setting("CGO_ENABLED")) == (OTHER, False, OTHER, "0")


def test_a_newer_glibc_than_the_hosts_is_refused_by_the_loader(tmp_path: Path) -> None:
    file = changed(tmp_path / "checkout", rb"GLIBC_2\.3\d(?=\0)", b"GLIBC_2.99")
    found = looked_at(file)

    assert "version `GLIBC_2.99' not found" in started(file)
    assert found.file is not None
    assert found.host.libc == "glibc " + os.confstr("CS_GNU_LIBC_VERSION").rpartition(" ")[2]  # type: ignore[union-attr]  # glibc tells it
    assert found.file.lacks == (Lack("libc.so.6", "GLIBC_2.99", f"GLIBC_{found.host.libc.removeprefix('glibc ')}"),)


def test_a_library_that_is_not_there_is_refused_by_the_loader(tmp_path: Path) -> None:
    file = changed(tmp_path / "checkout", rb"libc\.so\.6(?=\0)", b"libq.so.6")
    found = looked_at(file).file

    assert "libq.so.6: cannot open shared object file" in started(file)
    assert found is not None
    assert found.lacks == (Lack("libq.so.6"),)


def test_a_loader_that_is_not_there_is_a_file_that_the_kernel_does_not_find(tmp_path: Path) -> None:
    whole = looked_at(program()).file
    assert whole is not None
    gone = f"{whole.interpreter[:-1]}?"
    file = changed(tmp_path / "checkout", re.escape(whole.interpreter.encode()), gone.encode())
    found = looked_at(file).file

    assert started(file) == "ENOENT"
    assert found is not None
    assert found.lacks == (Lack(gone),)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_text("#!/bin/sh\nexec checkout\n"), "it is no ELF file: a script"),
        (lambda file: file.write_bytes(program().read_bytes()[:100]), "it is cut off at byte 64"),
        (os.mkfifo, "it is no file"),
        (str, "No such file or directory"),
    ],
)
def test_what_is_no_program_is_told_and_never_waited_for(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "checkout")
    found = looked_at(tmp_path / "checkout").file

    assert found is not None
    assert found.error == said


@pytest.fixture
def nobody() -> Iterator[Target]:
    """Give a target at whose port nobody listens, and that nobody else can have."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield Target("checkout-1", "checkout", f"http://127.0.0.1:{held.getsockname()[1]}")


@pytest.mark.parametrize("through_agent", [False, True], ids=["here", "agent"])
async def test_a_target_that_nobody_answers_at_is_examined_by_its_file(
    tmp_path: Path, nobody: Target, monkeypatch: pytest.MonkeyPatch, *, through_agent: bool
) -> None:
    monkeypatch.setenv("FIRSTFIVE_AGENT_TOKEN", TOKEN)
    file = str(changed(tmp_path / "checkout", rb"GLIBC_2\.3\d(?=\0)", b"GLIBC_2.99"))
    if through_agent:
        port = nobody.pprof.rpartition(":")[2]
        with running_agent("--port", port, "--binary", file) as agent:
            parts = await AllTargets().capture(replace(nobody, agent=agent.url), (GOROUTINE, BINARY))
    else:
        parts = await AllTargets().capture(replace(nobody, binary=file), (GOROUTINE, BINARY))
    found = find(examine(parts), Beside())

    assert found is not None
    assert (
        f"{file} cannot start there: it needs GLIBC_2.99 of libc.so.6, and its host's has up to GLIBC_2." in found.claim
    )
    assert found.evidence[0].artifact == "checkout-1/binary.json"


async def test_without_a_file_it_says_what_would_help(nobody: Target) -> None:
    (part,) = await AllTargets().capture(nobody, (BINARY,))

    assert part.status is PartStatus.SKIPPED
    assert part.error.endswith("; `binary` would name the program that starts there")


@pytest.mark.go
@pytest.mark.timeout(600)
def test_a_program_that_an_emulator_runs_is_told_of_in_its_place(foreign: Path, tmp_path: Path) -> None:
    """What is called qemu here only reads the file; how a process of qemu-user looks from outside is the same."""
    emulator = Path(shutil.copy(shutil.which("tail") or "/usr/bin/tail", tmp_path / "qemu-aarch64-static"))
    with subprocess.Popen([emulator, foreign, "-f"], stdout=subprocess.DEVNULL) as process:
        found = Binaries(PROC).capture(process.pid, None, listening=True).running
        process.kill()

    assert found is not None
    assert (found.path, found.arch, found.runs, found.emulator) == (str(foreign), OTHER, False, "qemu-aarch64-static")


def test_our_reader_of_elf_agrees_with_pyelftools() -> None:
    folders = (Path("/usr/bin"), Path("/usr/lib") / f"{os.uname().machine}-linux-gnu")
    files = [each for folder in folders for each in sorted(folder.iterdir())[::25] if each.is_file()]
    compared = [_compare(each) for each in files]

    assert sum(compared) > 20


def _compare(file: Path) -> bool:
    """Hold both readers of a file against each other; False when it is no ELF file, to both."""
    with file.open("rb") as content:
        try:
            theirs = ELFFile(content)
            assert theirs["e_type"] in {"ET_EXEC", "ET_DYN"}
        except (ELFError, AssertionError):
            with pytest.raises(ElfMalformed):
                read_elf(lambda at, size: os.pread(content.fileno(), size, at))
            return False
        ours = read_elf(lambda at, size: os.pread(content.fileno(), size, at))
        sections, segments = list(theirs.iter_sections()), list(theirs.iter_segments())
        tables = [each for each in sections if isinstance(each, DynamicSection)]
        needed = [cast("Any", tag).needed for table in tables for tag in table.iter_tags("DT_NEEDED")]
        needs = [each for each in sections if isinstance(each, GNUVerNeedSection)]
        versions = {
            library.name: tuple(each.name for each in names)
            for table in needs
            for library, names in table.iter_versions()
        }
        loaders = [each.get_interp_name() for each in segments if isinstance(each, InterpSegment)]
    assert (list(ours.needed), dict(ours.needs), [ours.interpreter] if ours.interpreter else []) == (
        needed,
        versions,
        loaders,
    )
    return True
