"""The bundle of an incident: everything that is known of it, in one archive that can be checked without the database.

The same timeline gives the same bundle: what making a bundle adds to the timeline's end is left out of it.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from bot.domain.incident import Incident
from bot.domain.redaction import redact, redact_bytes
from bot.domain.timeline import Entry, Kind, verify

PLAYBOOK = "bundle"
WHAT = "Incident bundle"
_FORMAT = "firstfive-bundle-1"
_SLUG = 60
_TEXTS = (".txt", ".json", ".jsonl", ".md")
_TAR_BLOCK = 512
_OVERHEAD = 64_000
"""Bytes kept free for the manifest and for what tar and gzip add."""


@dataclass(frozen=True)
class Piece:
    """An artifact of the incident. `content` is None when the store has lost it."""

    name: str
    sha256: str
    size: int
    content: bytes | None = None


@dataclass(frozen=True)
class Packed:
    """What goes into the archive: files by name below its folder; and the names of artifacts that did not fit."""

    folder: str
    files: Mapping[str, bytes]
    left_out: tuple[str, ...]


def folder(incident: Incident) -> str:
    """Name the bundle: `incident-20260301-inc-7-checkout-5xx`; the incident's number keeps two of a day apart."""
    decomposed = unicodedata.normalize("NFKD", incident.title.lower())
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    words = re.sub(r"[^a-z0-9]+", "-", f"{incident.id.lower()} {plain}").strip("-")
    return f"incident-{incident.opened_at:%Y%m%d}-{words[:_SLUG].rstrip('-')}"


def without_bundles(entries: Sequence[Entry]) -> list[Entry]:
    """Cut off the end what only the making of bundles has added; the rest is a chain still."""
    runs = {e.run_id for e in entries if e.kind == Kind.RUN_STARTED and e.facts.get("playbook") == PLAYBOOK}
    kept = list(entries)
    while kept and kept[-1].run_id in runs:
        kept.pop()
    return kept


def artifacts(entries: Iterable[Entry]) -> tuple[Piece, ...]:
    """List the artifacts that a timeline names, each once, but for bundles."""
    found: dict[str, Piece] = {}
    for entry in entries:
        facts = entry.facts
        if entry.kind == Kind.ARTIFACT and facts and facts.get("what") != WHAT:
            found[facts["sha256"]] = Piece(str(facts["name"]), str(facts["sha256"]), int(facts["bytes"]))
    return tuple(found.values())


def fitting(pieces: Iterable[Piece], room: int) -> tuple[set[str], tuple[Piece, ...]]:
    """Choose what fits into so many bytes, leaving out the largest first; give its digests, and what is left out."""
    chosen = sorted(pieces, key=lambda piece: (piece.size, piece.sha256))
    left_out: list[Piece] = []
    while chosen and sum(_in_tar(piece.size) for piece in chosen) > room:
        left_out.append(chosen.pop())
    return {piece.sha256 for piece in chosen}, tuple(left_out)


def room(postmortem: Mapping[str, bytes], entries: Sequence[Entry], most: int) -> int:
    """Give the bytes left for artifacts in a bundle of at most `most` bytes."""
    written = sum(_in_tar(len(content)) for content in postmortem.values())
    return most - _OVERHEAD - written - _in_tar(len(timeline_json(entries)))


def pack(
    incident: Incident,
    entries: Sequence[Entry],
    postmortem: Mapping[str, bytes],
    pieces: Iterable[Piece],
    left_out: Iterable[Piece],
) -> Packed:
    """Put a bundle together; `postmortem`: its files by name. Every text is redacted once more."""
    files = {name: redact_bytes(content) for name, content in postmortem.items()}
    files["timeline.json"] = timeline_json(entries)
    listed: list[dict[str, Any]] = []
    for piece in pieces:
        row: dict[str, Any] = {"name": piece.name, "sha256": piece.sha256, "bytes": piece.size}
        if piece.content is None:
            listed.append({**row, "left_out": "the store has lost it"})
            continue
        name = f"artifacts/{piece.sha256[:12]}-{re.sub(r'[^A-Za-z0-9._-]', '_', piece.name)[-60:]}"
        files[name] = redact_bytes(piece.content) if piece.name.endswith(_TEXTS) else piece.content
        listed.append({**row, "file": name})
    outside = tuple(left_out)
    listed += [
        {"name": each.name, "sha256": each.sha256, "bytes": each.size, "left_out": "too large"} for each in outside
    ]
    files["manifest.json"] = _manifest(incident, entries, files, listed)
    return Packed(folder(incident), files, tuple(each.name for each in outside))


def timeline_json(entries: Sequence[Entry]) -> bytes:
    """Write a timeline so that its hashes can be checked; a body that holds a secret is left out like a blanked one."""
    rows = [asdict(entry) for entry in entries]
    for row in rows:
        if row["body"] is not None and redact(row["body"]) != row["body"]:
            row["body"] = None
    return _json({"format": _FORMAT, "entries": rows})


def read_timeline(content: bytes) -> list[Entry]:
    """Read a bundle's timeline.json back, for `verify`.

    :raises ValueError: it is none.
    """
    try:
        return [Entry(**row) for row in json.loads(content)["entries"]]
    except (TypeError, KeyError, UnicodeDecodeError) as error:
        raise ValueError("this is not the timeline.json of a bundle") from error


def _manifest(
    incident: Incident, entries: Sequence[Entry], files: Mapping[str, bytes], listed: Sequence[Mapping[str, Any]]
) -> bytes:
    audit = verify(incident.id, entries)
    return _json(
        {
            "format": _FORMAT,
            "incident": incident.id,
            "title": redact(incident.title),
            "service": incident.service,
            "severity": incident.severity.value,
            "status": incident.status.value,
            "opened_at": f"{incident.opened_at:%Y-%m-%dT%H:%M:%S.%f}Z",
            "timeline": {"entries": audit.entries, "blanked": audit.blanked, "head": audit.head},
            "files": {name: {"sha256": sha256(files[name]).hexdigest(), "bytes": len(files[name])} for name in files},
            "artifacts": sorted(listed, key=lambda row: row["sha256"]),
        }
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"


def _in_tar(size: int) -> int:
    """Give the bytes that a file takes in a tar: its own and the headers, in blocks (two headers for a long name)."""
    return (size + 4 * _TAR_BLOCK) // _TAR_BLOCK * _TAR_BLOCK
