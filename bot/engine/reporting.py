"""A postmortem in every form it is taken along in, with pictures of what the artifact store has kept."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.domain import experience
from bot.domain.errors import ArtifactDamaged
from bot.domain.exhibits import kept
from bot.domain.experience import WHAT, Experience
from bot.domain.figure import Figure
from bot.domain.figure import figures as drawn
from bot.domain.incident import Incident
from bot.domain.postmortem import Postmortem, compose, without_postmortems
from bot.domain.timeline import Entry, Kind
from bot.domain.trend import Trend
from bot.engine.made import Latest, version_of
from bot.ports import Artifacts, Documents

Figures = tuple[Figure, ...]

FORMAT = "firstfive-postmortem-1"
_POSTMORTEM: TypeAdapter[Postmortem] = TypeAdapter(Postmortem)
_TREND: TypeAdapter[Trend] = TypeAdapter(Trend)


async def forms(
    documents: Documents, artifacts: Artifacts, incident: Incident, entries: Sequence[Entry]
) -> Mapping[str, bytes]:
    """Give a postmortem as files by name: Markdown, one HTML file, JSON; the same timeline gives the same bytes."""
    return {
        "postmortem.md": documents.postmortem(incident, entries).encode("utf-8", "replace"),
        "postmortem.html": await as_file(documents, artifacts, incident, entries),
        "postmortem.json": await asyncio.to_thread(as_json, incident, entries),
    }


async def as_file(
    documents: Documents, artifacts: Artifacts, incident: Incident, entries: Sequence[Entry], text: str | None = None
) -> bytes:
    """Give a postmortem as one HTML file, its pictures in it; `text`: its Markdown, where that was written before."""
    drawn = await figures(artifacts, incident, entries)

    def write() -> bytes:
        title = f"{incident.id}: {incident.title}"
        markdown = documents.postmortem(incident, entries) if text is None else text
        return documents.file(title, markdown, drawn).encode("utf-8", "replace")

    return await asyncio.to_thread(write)


def as_json(incident: Incident, entries: Sequence[Entry]) -> bytes:
    """Give what a postmortem says as JSON."""
    said: dict[str, Any] = _POSTMORTEM.dump_python(compose(incident, entries), mode="json")
    return json.dumps({"format": FORMAT, **said}, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


async def figures(
    artifacts: Artifacts, incident: Incident, entries: Sequence[Entry], known: Latest[Figures] | None = None
) -> Figures:
    """Give the pictures of an incident; one whose bytes are gone is left out, and so is the writing of postmortems.

    They are drawn anew where `known` does not have those of the same timeline.
    """
    experiences = [each.sha256 for each in kept(entries) if each.what == WHAT]
    pictures = [entry.facts.get("picture") for entry in entries if entry.kind == Kind.VERDICT and entry.facts]
    seen = await _bytes(artifacts, experiences[-1:])
    proof = await _bytes(artifacts, [str(each) for each in pictures if each][-1:])

    def draw() -> Figures:
        return drawn(incident, without_postmortems(entries), _experience(seen), _canary(entries), proof)

    if known is None:
        return await asyncio.to_thread(draw)
    version = version_of(entries), seen is None, proof is None
    return await asyncio.to_thread(known.of, incident.id, version, draw)


async def _bytes(artifacts: Artifacts, named: Sequence[str]) -> bytes | None:
    try:
        return await artifacts.get(named[0]) if named else None
    except ArtifactDamaged:
        return None


def _experience(content: bytes | None) -> Experience | None:
    return experience.read(content) if content else None


def _canary(entries: Sequence[Entry]) -> Trend:
    try:
        look = last_look(entries)
    except ValidationError:
        return Trend()
    return look[1] if look else Trend()


def last_look(entries: Sequence[Entry]) -> tuple[Entry, Trend] | None:
    """Give the last look at a canary that has a picture, and that.

    :raises ValidationError: what the entry holds is no picture.
    """
    looks = [entry for entry in entries if entry.kind == Kind.JUDGED and entry.facts.get("trend")]
    return (looks[-1], _TREND.validate_python(looks[-1].facts["trend"])) if looks else None
