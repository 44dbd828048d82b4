"""The program of a target held against its host, as it was captured: the one that runs, and the file that starts next.

The document is written by whoever is on the host. Damaged, it is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.loading import Lack, numbers

SETTINGS = ("CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64", "GOARM", "GOARM64", "vcs.revision")
"""What of a Go program's build info decides where it starts, and tells of which source it is."""


@dataclass(frozen=True)
class Host:
    """A machine: `arch` in GOARCH's words, the level of an x86-64 CPU (0: not known), its C library ("" for none)."""

    arch: str
    level: int = 0
    libc: str = ""

    def __str__(self) -> str:
        level = f" (level v{self.level})" if self.level else ""
        return f"{self.arch}{level}, {self.libc or 'no C library'}"


@dataclass(frozen=True)
class Program:
    """An executable file. `error` says why nothing else is known of it.

    `needs`: versions by library. `lacks`: what is not on the host. `emulator`: what runs it, or would, in place of the
    CPU. `runs`: whether the CPU does by itself.
    """

    path: str
    error: str = ""
    arch: str = ""
    runs: bool = True
    emulator: str = ""
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    lacks: tuple[Lack, ...] = ()
    go: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if self.error:
            return f"{self.path}: {self.error}"
        needs = ((name, max(versions, key=numbers)) for name, versions in self.needs if versions)
        said = [
            f"{self.path}: built for {self.arch}",
            *([f"by {self.go}"] if self.go else []),
            *([f"run by {self.emulator}"] if self.emulator else []),
            f"loaded by {self.interpreter}" if self.interpreter else "static",
            *(f"needs {version} of {name}" for name, version in needs),
            *(f"does not find {each}" for each in self.lacks),
        ]
        return ", ".join(said)

    def setting(self, name: str) -> str:
        """Give a setting of its build, "" when it says none."""
        return dict(self.settings).get(name, "")

    @property
    def level(self) -> int:
        """The level of x86-64 that it was built for; 1 where it says none."""
        told = self.setting("GOAMD64").partition(",")[0]
        return int(told[1]) if len(told) == 2 and told[0] == "v" and told[1] in "1234" else 1  # noqa: PLR2004 - v3


@dataclass(frozen=True)
class Binary:
    """`running` is the program of the process, `file` the one that is configured; None where there is none.

    `listening`: somebody listens where the target should, be it seen or not who.
    """

    host: Host
    listening: bool
    running: Program | None = None
    file: Program | None = None


def read(document: Mapping[str, Any]) -> Binary | None:
    """Read the document of a target; None when there is none, or none that can be read."""
    try:
        return _read(document) if document else None
    except (KeyError, TypeError, ValueError):
        return None


def _read(document: Mapping[str, Any]) -> Binary:
    arch, level, libc = _row(document["host"], str, int, str)
    running, file = (_program(document[each]) if document[each] else None for each in ("running", "file"))
    return Binary(Host(arch, level, libc), _is(document["listening"], bool), running, file)


def _program(told: Mapping[str, Any]) -> Program:
    texts = {name: _is(told[name], str) for name in ("path", "error", "arch", "emulator", "interpreter", "go")}
    return Program(
        **texts,
        runs=_is(told["runs"], bool),
        needed=_texts(told["needed"]),
        needs=tuple((_is(name, str), _texts(versions)) for name, versions in told["needs"]),
        lacks=tuple(Lack(*_row(each, str, str, str, str)) for each in told["lacks"]),
        settings=tuple((_is(name, str), _is(value, str)) for name, value in told["settings"]),
    )


def _row(told: Sequence[Any], *kinds: type) -> tuple[Any, ...]:
    return tuple(_is(value, kind) for value, kind in zip(told, kinds, strict=True))


def _texts(told: Sequence[Any]) -> tuple[str, ...]:
    return tuple(_is(each, str) for each in _is(told, list))


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


def write(binary: Binary) -> dict[str, Any]:
    """Write the document."""
    host = binary.host
    return {
        "host": [host.arch, host.level, host.libc],
        "listening": binary.listening,
        "running": _document(binary.running),
        "file": _document(binary.file),
    }


def _document(program: Program | None) -> dict[str, Any] | None:
    if program is None:
        return None
    # In lists: a name beside a value would read like a secret to whatever redacts.
    lacks = [[each.name, each.version, each.newest, each.by] for each in program.lacks]
    return {**program.__dict__, "lacks": lacks}
