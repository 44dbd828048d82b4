"""The modules in a running binary, and what is written down elsewhere of what they should be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.bisect import go_modules
from bot.domain.buildinfo import Dependency
from bot.domain.sumdb.records import H1, Sums, merged, read_sums

MAX_MODULES = 5_000
FILES = ("go.mod", "go.sum", "go.work.sum")
"""What a repository says of modules, by name."""
GO_SUM, SUMDB = "go.sum", "the checksum database"


@dataclass(frozen=True)
class Modules:
    """What was compiled in, and what of the process's environment decides where modules come from (None: not known).

    `recorded` is what go.sum says at the running commit, `verified` what the checksum database was proven to say; None:
    not known. A version of a module never changes, so what is once written down holds for ever.
    """

    compiled: tuple[Dependency, ...]
    environment: Mapping[str, str] | None = None
    recorded: Sums | None = None
    verified: Sums | None = None

    @property
    def told(self) -> tuple[Dependency, ...]:
        """Those whose hash is known; a module that was a folder, or vendored, has none."""
        return tuple(each for each in self.compiled if H1.fullmatch(each.sum))


@dataclass(frozen=True)
class Changed:
    """A module whose content is not what is written down: what runs, what should, and where that is written."""

    module: Dependency
    expected: str
    source: str

    @property
    def name(self) -> str:
        """The module and its version."""
        return name(self.module)


@dataclass(frozen=True)
class VerifiedSums:
    """What the checksum database was proven to say of a service's modules, kept for later diagnoses."""

    sums: Sums


def sums_key(service: str) -> str:
    """Name the mark under which they are kept."""
    return f"sums:{service}"


def name(module: Dependency) -> str:
    """Name a module as go does."""
    return f"{module.path}@{module.version}"


def changed(modules: Modules) -> Iterator[Changed]:
    """Give each module whose hash differs from all that are written down for its version."""
    for module in modules.told:
        for source, sums in ((SUMDB, modules.verified), (GO_SUM, modules.recorded)):
            known = (sums or {}).get(name(module), ())
            if known and module.sum not in known:
                yield Changed(module, known[0], source)
                break


def unrecorded(modules: Modules) -> tuple[Dependency, ...]:
    """Give the modules that neither go.sum nor the checksum database knows; () where there is no go.sum to ask."""
    if not modules.recorded:
        return ()
    known = {*modules.recorded, *(modules.verified or {})}
    return tuple(each for each in modules.told if name(each) not in known)


def read(document: Mapping[str, Any]) -> Modules | None:
    """Read what a look at the build says; None where it says nothing of modules, or is damaged."""
    told, environment = document.get("dependencies"), document.get("environment")
    if not isinstance(told, list) or len(told) > MAX_MODULES or not all(map(_is_row, told)):
        return None
    return Modules(
        tuple(Dependency(*row) for row in told),
        {str(key): str(value) for key, value in environment.items()} if isinstance(environment, dict) else None,
    )


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == len(Dependency.__dataclass_fields__)
        and all(isinstance(column, str) for column in row)
    )


def sums_of(files: Mapping[str, bytes], module: str) -> Sums | None:
    """Give what a repository's files write down for a module: its own go.sum and the workspace's; None: it has none.

    `files` are by path. Where no go.mod names the module, every go.sum of the repository is asked.
    """
    named = [
        path.removesuffix("go.mod")
        for path, content in files.items()
        if path.rpartition("/")[2] == "go.mod" and go_modules.read(content).path == module
    ]
    own = {f"{folder}go.sum" for folder in named}
    wanted = [
        content
        for path, content in files.items()
        if path.rpartition("/")[2] == "go.work.sum" or (path in own if named else path.rpartition("/")[2] == "go.sum")
    ]
    return merged(map(read_sums, wanted)) if wanted else None
