"""The pictures of a postmortem: under which heading each stands, its markup, and what it says in words."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bot.domain.chronicle import chronicle, milestones
from bot.domain.experience import Experience
from bot.domain.experience import words as told
from bot.domain.incident import Incident
from bot.domain.picture import experience_svg, glance, svg
from bot.domain.timeline import Entry
from bot.domain.trend import Trend

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_MAX = 1_000_000


@dataclass(frozen=True)
class Figure:
    """A picture. `under` is a heading; `markup` is HTML that is safe: it escapes its words and loads nothing."""

    under: str
    markup: str
    caption: str


def figures(
    incident: Incident, entries: Sequence[Entry], seen: Experience | None, canary: Trend, proof: bytes | None
) -> tuple[Figure, ...]:
    """Give the pictures: the incident at a glance, what users saw, its canary, what proves its verdict (a PNG)."""
    at_a_glance = chronicle(incident, entries)
    found = [Figure("Timeline", glance(at_a_glance), f"{incident.id}: {at_a_glance.words}.")]
    if seen is not None and seen.is_known:
        found.append(Figure("Impact", experience_svg(seen, milestones(incident)), f"{told(seen)}."))
    if canary.panels:
        found.append(Figure("Recovery", svg(canary), f"The canary beside its baseline: {canary.words}."))
    if proof is not None and proof.startswith(_PNG) and len(proof) <= _PNG_MAX:
        said = f"What proves the verdict {incident.verdict}." if incident.verdict else "What proves the verdict."
        data = f'<img src="data:image/png;base64,{b64encode(proof).decode()}" alt="{escape(said)}">'
        found.append(Figure("Cause", data, said))
    return tuple(found)
