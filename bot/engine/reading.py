"""An incident's timeline as it was last read, so that the next time only what is new is fetched and folded."""

from collections import OrderedDict
from threading import Lock

from bot.domain.errors import IncidentNotFound
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


_WORTH_KEEPING = 500
_KEPT = 20_000


class Readings:
    """The long timelines that pages were made of last: some 20 MB at most, whoever reads them and in which thread."""

    def __init__(self) -> None:
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    def read(self, timeline: Timeline, tx: Tx, incident_id: str) -> tuple[Incident | None, list[Entry]]:
        """Give an incident and its timeline; None and nothing when there is no such incident."""
        with self._lock:
            reading = self._readings.pop(incident_id, None) or Reading(timeline, incident_id)
            try:
                incident = reading.read(tx)
            except IncidentNotFound:
                return None, []
            if len(reading.entries) >= _WORTH_KEEPING:
                self._readings[incident_id] = reading
            while sum(len(each.entries) for each in self._readings.values()) > _KEPT:
                self._readings.popitem(last=False)
            return incident, list(reading.entries)
