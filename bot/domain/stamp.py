"""What a pipeline stamps into a Go program with `-ldflags -X`, as it is written and as it is read again."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.domain.errors import FirstFiveError

DIRTY = "+dirty"
"""Ends a commit whose work tree had changes that no commit holds, as in Go's own versions."""
VARIABLES: Mapping[str, str] = {
    "build_id": "buildID",
    "commit": "gitCommit",
    "go": "goVersion",
    "env": "runtimeEnv",
}
"""The variable of the program that each part of a stamp is written to."""
_READ = {name.lower(): part for part, name in VARIABLES.items()} | {"githash": "commit", "env": "env"}
"""By what names a part is known, whatever their case: BUILD_ID is buildID."""
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,199}")
"""What needs no quotes, neither for a shell nor for Go, which splits -ldflags at spaces and knows no escapes."""
_PACKAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~/-]{0,199}")
_FLAG = re.compile(r"-X[ =]+[\"']?(?P<path>[^\s\"'=]+)\.(?P<name>\w+)=(?P<value>[^\s\"']*)")


class StampRefused(FirstFiveError):
    """A stamp cannot be made of this; says which part, and what it should be."""


@dataclass(frozen=True)
class Stamp:
    """What was stamped: the pipeline's id of the build, the commit, the toolchain (`go1.27.3`), the environment.

    "" is what was not. A `commit` that ends in `+dirty` was built with changes that no commit holds.
    """

    build_id: str = ""
    commit: str = ""
    go: str = ""
    env: str = ""

    @property
    def revision(self) -> str:
        """The commit alone."""
        return self.commit.removesuffix(DIRTY)

    @property
    def modified(self) -> bool:
        """Whether it tells of changes that no commit holds."""
        return self.commit.endswith(DIRTY)

    @property
    def lacks(self) -> tuple[str, ...]:
        """The parts that were not stamped."""
        return tuple(part for part, value in asdict(self).items() if not value)


def ldflags(stamp: Stamp, package: str = "main") -> str:
    """Write the flags that stamp a program: one line that no shell changes; the same stamp is the same line.

    :raises StampRefused: a part would need quotes, or is missing.
    """
    if not _PACKAGE.fullmatch(package):
        raise StampRefused(f"{package!r} is no path of a package, such as main or example.com/shop/version")
    parts = asdict(stamp)
    for part, value in parts.items():
        if not _VALUE.fullmatch(value):
            allowed = "letters, digits and . _ + : @ / - alone, at most 200"
            raise StampRefused(f"the {part.replace('_', ' ')} {value!r} cannot be stamped: {allowed}")
    return " ".join(f"-X {package}.{VARIABLES[part]}={value}" for part, value in parts.items())


def of_ldflags(text: str) -> Stamp:
    """Read the stamp in what a program was linked with; of a part that is there twice the last counts, as for Go.

    Libraries have such variables too: what is taken is all of one package, the one with the most parts; where several
    have as many, `main` if it is one of them, else the last.
    """
    packages: dict[str, dict[str, str]] = {}
    for match in _FLAG.finditer(text):
        if part := _part(match["name"]):
            parts = packages.pop(match["path"], {})
            packages[match["path"]] = {**parts, part: match["value"]}
    path = max(reversed(packages), key=lambda each: (len(packages[each]), each == "main"), default="")
    return Stamp(**packages.get(path, {}))


def of_document(told: Any) -> Stamp:
    """Read the stamp that a program tells, `{"build_id": ..., "commit": ..., "go": ..., "env": ...}`."""
    if not isinstance(told, dict):
        return Stamp()
    parts = {part: told.get(part) for part in VARIABLES}
    return Stamp(**{part: value for part, value in parts.items() if isinstance(value, str) and _VALUE.fullmatch(value)})


def _part(name: str) -> str:
    return _READ.get(name.replace("_", "").lower(), "")
