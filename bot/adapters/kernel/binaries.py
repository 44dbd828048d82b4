"""Programs and this machine: what would keep one from starting here. Headers are read, and nothing is started."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from pathlib import Path

from bot.domain.binary import SETTINGS, Binary, Host, Program
from bot.domain.buildinfo import BuildInfo, BuildInfoMissing, Read, read_build_info
from bot.domain.elf import Elf, ElfMalformed, read_elf
from bot.domain.loading import ARCHES, Lack, configured_folders, handles, is_emulator, lacks, level_of, libc, runs

MAX_BUILD_BYTES = 16 * 1024 * 1024
"""Of the segment in which Go writes what it says of itself; it stands at its beginning."""
MAX_TEXT_BYTES = 16 * 1024
MAX_FILES, MAX_WORDS, MAX_SHOWN = 64, 16, 64
HEAD_BYTES = 256


class Binaries:
    """Looks at files of this machine below `root`."""

    def __init__(self, proc: Path, root: Path = Path("/"), machine: str = os.uname().machine) -> None:
        self._proc = proc
        self._root = root
        self._machine = machine

    def capture(self, pid: int | None, file: str | None, *, listening: bool) -> Binary:
        """Look at the program of a process and at a file, and at what of this machine decides whether they start."""
        opened = cache(self._elf)
        configured = configured_folders("".join(self._configuration()))
        level = level_of(_text(self._proc / "cpuinfo").encode())
        host = Host(ARCHES.get(self._machine, self._machine), level, libc(self._machine, opened, configured))

        def missing(elf: Elf, path: str) -> tuple[Lack, ...]:
            return lacks(elf, path, opened, configured)

        running = self._running(pid, host) if pid is not None else None
        return Binary(host, listening, running, self._file(file, host, missing) if file else None)

    def _configuration(self) -> Iterator[str]:
        yield _text(self._root / "etc/ld.so.conf") + "\n"
        with suppress(OSError):
            for each in islice(sorted((self._root / "etc/ld.so.conf.d").glob("*.conf")), MAX_FILES):
                yield _text(each) + "\n"

    def _below(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _elf(self, path: str) -> Elf | None:
        with suppress(OSError, ElfMalformed), _opened(self._below(path)) as (read, _):
            return read_elf(read)
        return None

    def _file(self, path: str, host: Host, missing: Callable[[Elf, str], tuple[Lack, ...]]) -> Program:
        return _program(path, self._below(path), host, self._handler, missing)

    def _running(self, pid: int, host: Host) -> Program:
        """Look at what a process runs; of an emulator, at the first of its words that names a program."""
        folder = self._proc / str(pid)
        try:
            path = str((folder / "exe").readlink())
        except OSError as error:
            return Program("", error.strerror or str(error))
        if not is_emulator(path):
            return _program(path, folder / "exe", host)
        words = _text(folder / "cmdline").split("\0")[1 : MAX_WORDS + 1]
        for word in filter(None, words):
            place = folder / "root" / word.lstrip("/") if word.startswith("/") else folder / "cwd" / word
            found = _program(word, place, host, lambda _: Path(path).name)
            if not found.error:
                return found
        return Program(path, f"{Path(path).name} runs it, and does not say what it runs")

    def _handler(self, head: bytes) -> str:
        """Name what this machine has for files that begin like this, "" when there is nothing."""
        with suppress(OSError):
            for each in islice(sorted((self._proc / "sys/fs/binfmt_misc").iterdir()), MAX_FILES):
                if each.name not in {"register", "status"} and handles(_text(each), head):
                    return each.name
        return ""


def _program(
    path: str,
    place: Path,
    host: Host,
    handler: Callable[[bytes], str] = lambda _: "",
    missing: Callable[[Elf, str], tuple[Lack, ...]] = lambda _elf, _path: (),
) -> Program:
    try:
        with _opened(place) as (read, size):
            elf = read_elf(read)
            go, settings = _build(read, size, elf)
            head = read(0, HEAD_BYTES)
    except OSError as error:
        return Program(path, error.strerror or str(error))
    except ElfMalformed as error:
        return Program(path, str(error))
    by_itself = runs(host.arch, elf.arch)
    return Program(
        path,
        arch=elf.arch,
        runs=by_itself,
        emulator="" if by_itself else handler(head),
        interpreter=elf.interpreter,
        needed=elf.needed[:MAX_SHOWN],
        needs=elf.needs[:MAX_SHOWN],
        lacks=missing(elf, path)[:MAX_SHOWN] if by_itself else (),
        go=go,
        settings=settings,
    )


def _build(read: Read, size: int, elf: Elf) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Read what a Go program says of itself, ("", ()) of another."""
    try:
        info = _written(read, size, elf)
    except BuildInfoMissing:
        return "", ()
    return info.go, tuple((name, value) for name, value in info.settings if name in SETTINGS)


def _written(read: Read, size: int, elf: Elf) -> BuildInfo:
    at, count = elf.written
    start = at - at % 16
    return read_build_info(lambda place, many: read(start + place, many), min(count + 16, size, MAX_BUILD_BYTES))


def build_of(place: Path) -> BuildInfo:
    """Read what a program says of itself: where Go writes it, and only where it is not there in all of the file.

    :raises BuildInfoMissing: it says nothing.
    :raises OSError: it cannot be read.
    """
    try:
        with _opened(place) as (read, size):
            with suppress(ElfMalformed, BuildInfoMissing):
                return _written(read, size, read_elf(read))
            return read_build_info(read, size)
    except ElfMalformed as error:
        raise BuildInfoMissing(str(error)) from error


@contextmanager
def _opened(place: Path) -> Iterator[tuple[Read, int]]:
    """Give what reads a file, and its size; what is no file may never end, and is refused."""
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ElfMalformed("it is no file")
        size = status.st_size
        yield lambda at, count: os.pread(descriptor, count, at) if at < size else b"", size
    finally:
        os.close(descriptor)


def _text(place: Path) -> str:
    try:
        with place.open("rb") as file:
            return file.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
