"""Who allowed, refused, opened and took away what: the few entries that an audit asks for, among all there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.domain.timeline import Entry, Kind

SUBJECTS: Mapping[str, tuple[Kind, ...]] = {
    "approvals": (
        Kind.APPROVAL_ASKED,
        Kind.APPROVAL_DECIDED,
        Kind.APPROVAL_TRIED,
        Kind.BROKE_GLASS,
        Kind.STANDING_SET,
    ),
    "freezes": (Kind.FROZEN, Kind.THAWED),
    "acts": (Kind.TRAFFIC_SET, Kind.ACTED),
    "people": (Kind.ROLE_SET, Kind.MADE_PRIVATE),
    "redactions": (Kind.BLANKED,),
    "sign-ins": (Kind.SIGNED_IN, Kind.SIGNED_OUT, Kind.TOKEN_MADE, Kind.TOKEN_REVOKED),
}
"""What the log is about, by the word for it. The kinds are those of the index that finds them."""
AUDITED = frozenset(kind for kinds in SUBJECTS.values() for kind in kinds)

Place = tuple[int, str, int]
"""Where an entry stands in the log: when (microseconds), chain, number."""


@dataclass(frozen=True)
class Question:
    """What of the log is asked for: of a subject, by a person (id or name), of an incident; the page that follows.

    `private`: ids of the private incidents that may be told of.
    """

    kinds: Collection[str] = ()
    who: str = ""
    incident_id: str = ""
    before: Place | None = None
    private: Collection[str] = ()
    limit: int = 100


def place(entry: Entry) -> Place:
    """Give where an entry stands in the log."""
    return entry.at_us, entry.incident_id, entry.seq
