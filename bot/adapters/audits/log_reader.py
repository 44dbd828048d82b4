"""The process that reads log lines: the parser is C and busy, so that each core has one, and a crash ends one alone.

Standard input is a line of JSON, [[path, bytes], ...], and the files behind each other; standard output is JSON.
"""

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from posixpath import dirname
from typing import Any

from bot.adapters.audits.go_package import Package, is_read
from bot.adapters.audits.gotree import GoFile
from bot.adapters.audits.log_calls import LogCalls

_MEMORY = 4_000_000_000


def pack(files: Sequence[GoFile]) -> bytes:
    """Give what the process reads."""
    head = json.dumps([[file.path, len(file.source)] for file in files])
    return b"".join((head.encode(), b"\n", *(file.source for file in files)))


def unpack(given: bytes) -> list[GoFile]:
    """Give back what was packed."""
    at = given.index(b"\n") + 1
    files = []
    for path, size in json.loads(given[:at]):
        files.append(GoFile(path, given[at : at + size]))
        at += size
    return files


def describe(files: Sequence[GoFile]) -> dict[str, Any]:
    """Describe the calls of files that log, folder by folder, and what each folder is a part of.

    :raises ParserAbsent: the extra is not installed.
    """
    own = [file for file in files if is_read(file.source)]
    ordered = groupby(
        sorted(own, key=lambda file: (dirname(file.path), file.path)), key=lambda file: dirname(file.path)
    )
    packages = [Package(tuple(group)) for _, group in ordered]
    calls = [call for package in packages for file in package.files for call in LogCalls(package).of(file)]
    facts = [{**asdict(each.facts), "imports": sorted(each.facts.imports)} for each in packages]
    return {"calls": calls, "packages": facts, "files": len(own), "bytes": sum(len(file.source) for file in own)}


def main() -> None:
    """Read, and tell."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.stdout.write(json.dumps(describe(unpack(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
