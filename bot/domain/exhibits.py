"""What a timeline holds as proof: the artifacts kept, the findings made, the verdicts given.

All of it is plain text that may hold what anybody typed; whoever renders it must escape it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.timeline import Entry, Kind

_SHA256 = re.compile(r"[0-9a-f]{64}")
_POSTMORTEMS = {Kind.POSTMORTEM, Kind.POSTMORTEM_PUBLISHED}
_MESSAGES = {Kind.MESSAGE, Kind.MESSAGE_EDITED}
_NAMING = {"sha256", "artifact", "archive", "picture", "log"}
_TYPED = "params"
_PERHAPS = re.compile(r'"[0-9a-f]{64}"')


@dataclass(frozen=True)
class Evidence:
    """What proves a statement: an artifact (its sha256) or a run (its id); one of the two is empty."""

    label: str
    artifact: str = ""
    run: str = ""


@dataclass(frozen=True)
class Kept:
    """An artifact as the timeline names it. `bytes`: its size, None when the entry that names it does not say."""

    name: str
    sha256: str
    bytes: int | None
    what: str


@dataclass(frozen=True)
class Attached:
    """A file of a message: its artifact, or why there is none; `is_image`: the chat calls it a picture."""

    name: str
    sha256: str
    missing: str
    is_image: bool


@dataclass(frozen=True)
class Fact:
    """One thing that was measured, in words, and where it can be read."""

    text: str
    proof: Evidence | None


@dataclass(frozen=True)
class Found:
    """A finding as the timeline names it, or (then `at` is None) a run's result. `confidence`: a word, "" if unsaid."""

    fault_class: str
    target: str
    claim: str
    evidence: tuple[Fact, ...]
    fix: str
    proof: Evidence | None
    at: datetime | None
    confidence: str = ""
    verify: str = ""


@dataclass(frozen=True)
class Judged:
    """A verdict as the timeline names it; `verdict` is "" when no fault class was named."""

    verdict: str
    statement: str
    proof: Evidence | None
    at: datetime


def kept(entries: Iterable[Entry]) -> tuple[Kept, ...]:
    """Give every artifact that a timeline names, each once, in that order."""
    artifacts: dict[str, Kept] = {}
    for entry in entries:
        for one in _named(entry) if entry.kind in _NAMERS else ():
            known = artifacts.get(one.sha256)
            if known is None or (known.bytes is None and one.bytes is not None):
                artifacts[one.sha256] = one
    return tuple(artifacts.values())


def artifacts_in(told: str) -> frozenset[str]:
    """Give the sha256 of every artifact that a JSON text names: an entry's body, or what a run has come to.

    What somebody typed names none, or else whoever knows a sha256 could make it a part of their own incident.
    """
    return frozenset(_digests(json.loads(told))) if _PERHAPS.search(told) else frozenset()


def found(entries: Sequence[Entry]) -> tuple[Found, ...]:
    """Give the latest finding of each fault class on each target, in the order they were made."""
    artifacts = kept(entries)
    names = {one.sha256: one.name for one in artifacts}
    findings: dict[tuple[str, str], Found] = {}
    for entry in entries:
        if entry.kind == Kind.FINDING and entry.body is not None:
            one = _finding(entry, artifacts, names)
            findings.pop((one.fault_class, one.target), None)
            findings[one.fault_class, one.target] = one
    return tuple(findings.values())


def judged(entries: Sequence[Entry]) -> tuple[Judged, ...]:
    """Give the verdicts of a timeline, in the order they were given."""
    artifacts = kept(entries)
    return tuple(
        Judged(
            str(entry.facts.get("verdict") or ""),
            str(entry.facts.get("statement") or ""),
            evidence(entry, artifacts),
            entry.at,
        )
        for entry in entries
        if entry.kind == Kind.VERDICT and entry.body is not None
    )


def evidence(entry: Entry, artifacts: Sequence[Kept]) -> Evidence | None:
    """Give what proves an entry: the artifact it names, or else the run that wrote it."""
    facts = entry.facts
    named = str(facts.get("sha256" if entry.kind == Kind.ARTIFACT else "artifact") or "")
    named = next((file.sha256 for file in attached(entry) if file.sha256), named)
    if _SHA256.fullmatch(named):
        name = next((one.name for one in artifacts if one.sha256 == named), f"artifact {named[:12]}")
        return Evidence(name, artifact=named)
    return Evidence(f"run {entry.run_id}", run=entry.run_id) if entry.run_id else None


def attached(entry: Entry) -> tuple[Attached, ...]:
    """Give the files of a message that an entry puts on the timeline."""
    files = entry.facts.get("files") if entry.kind in _MESSAGES else None
    return tuple(
        Attached(
            str(file.get("name") or "a file"),
            str(file["sha256"]) if _SHA256.fullmatch(str(file.get("sha256"))) else "",
            str(file.get("missing") or ""),
            str(file.get("mimetype")).startswith("image/"),
        )
        for file in files or ()
        if isinstance(file, Mapping)
    )


def picture_name(verdict: Entry) -> str:
    """Name the file of a verdict's picture; no two verdicts of an incident have the same."""
    facts = verdict.facts
    return f"{facts.get('verdict')}-{facts.get('target')}-{verdict.seq}.png"


def permalink(entry: Entry) -> str:
    """Give the address of the message that an entry tells of, or ""."""
    link = str(entry.facts.get("permalink") or "") if entry.kind == Kind.MESSAGE else ""
    return link if link.startswith(("https://", "http://")) else ""


def _finding(entry: Entry, artifacts: Sequence[Kept], names: Mapping[str, str]) -> Found:
    facts = entry.facts
    return Found(
        fault_class=str(facts.get("fault_class") or ""),
        target=str(facts.get("target") or ""),
        claim=str(facts.get("claim") or ""),
        evidence=tuple(_fact(part, names) for part in facts.get("evidence") or ()),
        fix=str(facts.get("fix") or ""),
        proof=evidence(entry, artifacts),
        at=entry.at,
        confidence=str(facts.get("confidence") or ""),
        verify=str(facts.get("verify") or ""),
    )


def _fact(part: Any, names: Mapping[str, str]) -> Fact:
    """Read one piece of evidence: text, or what was measured with the artifact it is in.

    A part of an archive that is not kept by itself stands with the archive's sha256, and then gets the archive's name.
    """
    if not isinstance(part, Mapping):
        return Fact(str(part), None)
    text = ": ".join(str(part[key]) for key in ("what", "value") if part.get(key))
    sha256 = str(part.get("sha256") or "")
    if not _SHA256.fullmatch(sha256):
        return Fact(text, None)
    label = names.get(sha256) or str(part.get("artifact") or "") or f"artifact {sha256[:12]}"
    return Fact(text, Evidence(label, artifact=sha256))


def _digests(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in _NAMING and isinstance(each, str) and _SHA256.fullmatch(each):
                yield each
            elif key != _TYPED:
                yield from _digests(each)
    elif isinstance(value, list):
        for each in value:
            yield from _digests(each)


_NAMERS = {Kind.ARTIFACT, Kind.VERDICT, Kind.FINDING, *_MESSAGES, *_POSTMORTEMS}
PROVING = frozenset(_NAMERS)
"""The kinds that `kept`, `found` and `judged` look at: of a long timeline, these alone need be handed to them."""


def _named(entry: Entry) -> list[Kept]:
    """Give the artifacts that an entry names, with their sizes where it says them."""
    facts = entry.facts
    if entry.kind == Kind.ARTIFACT:
        return _kept(facts, "sha256", str(facts.get("what") or ""))
    if entry.kind == Kind.VERDICT and facts.get("name"):
        shown = {"sha256": facts.get("picture"), "name": picture_name(entry)}
        pictured = _kept(shown, "sha256", "the picture that proves the verdict")
        return [*_kept(facts, "artifact", "what the verdict was read from"), *pictured]
    if entry.kind == Kind.FINDING:
        parts = [part for part in facts.get("evidence") or () if isinstance(part, Mapping)]
        return [each for part in parts for each in _kept(part, "sha256", "evidence of a finding", name="artifact")]
    if entry.kind in _MESSAGES:
        files = [file for file in facts.get("files") or () if isinstance(file, Mapping)]
        return [each for file in files for each in _kept(file, "sha256", f"attached by {entry.actor_name}")]
    if entry.kind in _POSTMORTEMS:
        return _kept(facts, "artifact", "the postmortem as it was written")
    return []


def _kept(facts: Mapping[str, Any], key: str, what: str, name: str = "name") -> list[Kept]:
    sha256, size = str(facts.get(key) or ""), facts.get("bytes")
    if not _SHA256.fullmatch(sha256):
        return []
    return [
        Kept(str(facts.get(name) or f"artifact {sha256[:12]}"), sha256, size if isinstance(size, int) else None, what)
    ]
