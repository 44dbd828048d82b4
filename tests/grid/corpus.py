"""Cases kept as they were captured: rules are held against them again without a process being started."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

from bot.domain.diagnosis import Diagnosis, diagnose
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.snapshot import Captured, PartStatus, Probe
from tests.grid.cases import Case, Turn
from tests.grid.run import Outcome

RECORD = {field.name for field in fields(Captured)} - {"content", "status"}


def kept(folder: Path) -> Iterator[Path]:
    """Give the archives of a folder, in order."""
    return iter(sorted(folder.glob("*.tar.gz")))


def keep(folder: Path, outcome: Outcome) -> None:
    """Keep the archive of a case, and beside it what the case was."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{outcome.case}.tar.gz").write_bytes(outcome.archive)
    case = outcome.case
    told = {
        "case": {**case.__dict__, "turns": [turn.__dict__ for turn in case.turns]},
        "switches": outcome.switches,
        "names": outcome.names,
    }
    (folder / f"{outcome.case}.json").write_text(json.dumps(told, indent=1))


def facts(archive: Path) -> dict[str, Facts]:
    """Examine what an archive holds, by target."""
    with tarfile.open(fileobj=BytesIO(archive.read_bytes())) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers() if member.isfile()}
        contents = {name.partition("/")[2]: file.read() for name, file in files.items() if file is not None}
    manifest = json.loads(contents["manifest.json"])
    parts = [_captured(each, contents.get(each["file"], b"")) for each in manifest["artifacts"]]
    probes = {each["target"]: _probe(each) for each in manifest["probes"]}
    return {
        name: examine([part for part in parts if part.target == name], probes.get(name)) for name in manifest["targets"]
    }


def judge(archive: Path) -> tuple[Outcome, Diagnosis]:
    """Say of a kept case what the rules say now."""
    told = json.loads(archive.with_name(archive.name.removesuffix(".tar.gz") + ".json").read_text())
    turns = tuple(Turn(**turn) for turn in told["case"]["turns"])
    diagnosis = diagnose(facts(archive))
    found = tuple((each.fault, told["names"].index(each.target)) for each in diagnosis.findings)
    said = "; ".join(f"{each.target}: {each.fault}: {each.claim}" for each in diagnosis.findings)
    case = Case(**{**told["case"], "turns": turns})
    names, switches = tuple(told["names"]), tuple(told["switches"])
    return Outcome(case, switches, diagnosis.verdict, found, said or diagnosis.statement, 0.0, names), diagnosis


def _captured(record: dict[str, Any], content: bytes) -> Captured:
    known = {name: value for name, value in record.items() if name in RECORD}
    return Captured(**known, status=PartStatus(record["status"]), content=content)


def _probe(record: dict[str, Any]) -> Probe:
    statuses = tuple((status, count) for status, count in record["statuses"])
    return Probe(**{**record, "statuses": statuses})
