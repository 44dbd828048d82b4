"""What documents are written by."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.figure import Figure
from bot.domain.incident import Incident
from bot.domain.timeline import Entry


class Documents(Protocol):
    """Writes documents from values; the same values give the same bytes."""

    def postmortem(self, incident: Incident, entries: Sequence[Entry]) -> str:
        """Write the postmortem, Markdown."""

    def file(self, title: str, markdown: str, figures: Sequence[Figure] = ()) -> str:
        """Give a document as one HTML file that needs nothing else."""
