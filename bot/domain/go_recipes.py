"""How a repository is built, as far as it decides where modules come from: lines of Dockerfiles and pipelines."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.domain.go_environment import VARIABLES

FILES = (
    "Dockerfile*", "*.Dockerfile", "Containerfile*", "Makefile", "*.mk", "*.yml", "*.yaml", "Jenkinsfile", "*.sh",
    ".envrc",
)  # fmt: skip
"""Names (globs) of files in which a build is written down."""
GO_SUM = "go.sum"
MAX_FOUND = 200
_SET = re.compile(rf"\b({'|'.join(sorted(VARIABLES))})\b\s{{0,8}}[:=]\s{{0,8}}(\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|#\"']*)")
_DROPPED = re.compile(r"\brm\b[^\n;&|]{0,200}\bgo\.sum\b")
_COMMENT = re.compile(r"^\s*#")
MAX_LINE = 2_000


@dataclass(frozen=True)
class Setting:
    """A line that sets a variable; or, for GO_SUM, one that takes go.sum away before a build writes a new one."""

    where: str
    name: str
    value: str


def settings(files: Mapping[str, bytes]) -> tuple[Setting, ...]:
    """Give every such line of a repository's files, by path."""
    found = (setting for path in sorted(files) for setting in _of(path, files[path]))
    return tuple(setting for setting, _ in zip(found, range(MAX_FOUND), strict=False))


def _of(path: str, content: bytes) -> Iterator[Setting]:
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if len(line) > MAX_LINE or _COMMENT.match(line):
            continue
        for name, value in _SET.findall(line):
            yield Setting(f"{path}:{number}", name, value.strip("\"'"))
        if _DROPPED.search(line):
            yield Setting(f"{path}:{number}", GO_SUM, line.strip()[:100])
