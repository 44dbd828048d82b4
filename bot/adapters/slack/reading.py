"""An incident's timeline as it was last read, so that the next time only what is new is fetched and folded."""

from bot.domain.incident import Incident, fold
from bot.domain.timeline import Entry, Kind
from bot.ports import Timeline, Tx


class Reading:
    """Of one incident, by one reader after the other; holds every entry, so let go of it when nobody needs it."""

    def __init__(self, timeline: Timeline, incident_id: str) -> None:
        self._timeline = timeline
        self._incident_id = incident_id
        self._incident: Incident | None = None
        self.entries: list[Entry] = []

    def read(self, tx: Tx) -> Incident:
        """Read what is new; all of it when older entries are not what they were.

        :raises IncidentNotFound: there is no such incident.
        """
        last = self.entries[-1] if self.entries else None
        newer = self._timeline.entries(tx, self._incident_id, last.seq if last else 0)
        if last and newer and (newer[0].prev != last.hash or any(each.kind == Kind.BLANKED for each in newer)):
            self.entries, self._incident = [], None
            newer = self._timeline.entries(tx, self._incident_id)
        self._incident = fold(newer, self._incident)
        self.entries += newer
        return self._incident
