"""`firstfive lint-logs`: what an audit of logs finds in a folder, for a terminal, a program, or a code host."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from bot.adapters.audits.logs import Read, read_logs
from bot.domain.audits.logs import Finding, findings
from bot.domain.audits.sarif import as_sarif, rule_id
from bot.domain.errors import FirstFiveError
from bot.domain.run import Missing


class LintRefused(FirstFiveError):
    """Nothing could be looked at; the message says why."""


class Form(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


@dataclass(frozen=True)
class Linted:
    """What was found, and what was read."""

    read: Read
    findings: tuple[Finding, ...]

    @property
    def code(self) -> int:
        """The exit code: 1 where something was found, 2 where nothing was and not all could be read, else 0."""
        return 1 if self.findings else 2 * bool(self.read.failed)

    def told(self, form: Form) -> str:
        """Give all of it in a form."""
        if form is Form.SARIF:
            document = as_sarif(self.findings, version("firstfive"), self.read.unseen)
            return json.dumps(document, indent=1)
        if form is Form.JSON:
            rows = [{**asdict(each), "rule": rule_id(each.rule)} for each in self.findings]
            counts = Counter(each.package for each in self.findings)
            read = {"files": self.read.files, "bytes": self.read.bytes, "unseen": self.read.unseen}
            return json.dumps({"findings": rows, "packages": counts, **read}, indent=1)
        return "\n".join((*_by_package(self.findings), _summary(self)))


async def lint(place: Path, *, strict: bool, tell: Callable[[float], None] = lambda _: None) -> Linted:
    """Look at all Go below a folder, or at one file; `strict`: what command line tools print counts too.

    :raises LintRefused: there is no such place, no Go in it, or no parser.
    """
    found = await read_logs(_there(place), tell=tell)
    if isinstance(found, Missing):
        raise LintRefused(found.reason)
    calls = [{**call, "tool": call["tool"] and not strict} for call in found.document["calls"]]
    start = _start(place)
    return Linted(found, tuple(replace(each, path=f"{start}{each.path}") for each in findings(calls)))


def printed(text: str) -> None:
    """Write to standard output, whatever the names of files are made of."""
    sys.stdout.buffer.write(text.encode(errors="surrogateescape") + b"\n")
    sys.stdout.buffer.flush()


def _there(place: Path) -> Path:
    if not place.exists():
        raise LintRefused(f"there is no {place}")
    if place.is_file() and place.suffix != ".go":
        raise LintRefused(f"{place} is no Go, and no folder")
    return place.resolve()


def _start(place: Path) -> str:
    """Give what stands before the paths in a folder, so that they are of where the command was typed."""
    folder = place.parent if place.is_file() else place
    below = os.path.relpath(folder.resolve())
    return "" if below == "." or below.startswith("..") else f"{below}/"


def _by_package(found: Sequence[Finding]) -> list[str]:
    lines = []
    ordered = sorted(found, key=lambda each: (each.package, each.path, each.line, each.column))
    for package, group in groupby(ordered, key=lambda each: each.package):
        rows = list(group)
        lines.append(f"{package or '.'}: {len(rows)}")
        for each in rows:
            lines.append(f"{each.where}: {each.grade} {rule_id(each.rule)}: {each.what}")
            lines.append(f"    better: {each.better}")
    return lines


def _summary(linted: Linted) -> str:
    counts = Counter(rule_id(each.rule) for each in linted.findings)
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing found"
    files = linted.read.files
    return f"{files} file{'' if files == 1 else 's'} of Go: {told}"
