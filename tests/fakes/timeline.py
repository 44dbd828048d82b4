"""The timelines, and the list of incidents: folded anew where something has changed since somebody looked."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.audit_log import AUDITED, Question, place
from bot.domain.errors import IncidentNotFound
from bot.domain.incident import Incident, Seen, Status, fold
from bot.domain.outcomes import Outcome
from bot.domain.timeline import HOUSE, Author, Draft, Entry, Head, Kind, link
from bot.ports import LISTING, Listed, Selection, Tx
from tests.fakes.keeping import _in, name


class FakeTimeline:
    def __init__(self) -> None:
        self._known: dict[str, tuple[list[Entry], Incident]] = {}

    def open(self, tx: Tx, draft: Draft, author: Author, now: datetime) -> str:
        chains = _in(tx).chains
        incident_id = f"INC-{sum(name != HOUSE for name in chains) + 1}"
        chains[incident_id] = []
        self.append(tx, incident_id, [draft], author, now)
        _in(tx).topics.add(LISTING)
        return incident_id

    def append(self, tx: Tx, incident_id: str, drafts: Sequence[Draft], author: Author, now: datetime) -> None:
        if not drafts:
            return
        state = _in(tx)
        if incident_id != HOUSE and incident_id not in state.chains:
            raise IncidentNotFound(f"There is no {incident_id}. /incident list shows the open ones.")
        chain = state.chains.setdefault(incident_id, [])
        for draft in drafts:
            chain.append(link(incident_id, chain[-1] if chain else None, draft, author, now))
        name(tx, incident_id, [entry.body for entry in chain[-len(drafts) :]])
        state.topics.add(f"incident:{incident_id}")

    def entries(self, tx: Tx, incident_id: str, after: int = 0) -> list[Entry]:
        return [entry for entry in _in(tx).chains.get(incident_id, []) if entry.seq > after]

    def of_house(self, tx: Tx, run_ids: Collection[str]) -> list[Entry]:
        return [entry for entry in self.entries(tx, HOUSE) if entry.run_id in run_ids]

    def actions(self, tx: Tx) -> list[Entry]:
        chains = _in(tx).chains
        public = {one.id for one in self._folded(tx) if not one.private}
        return [entry for name in sorted(public) for entry in chains[name] if entry.kind == Kind.ACTION]

    def drills(self, tx: Tx) -> list[Entry]:
        chains = _in(tx).chains
        public = [one.id for one in reversed(self._folded(tx)) if not one.private]
        ended = [each for name in public for each in chains[name] if each.kind == Kind.DRILL_ENDED]
        return sorted(ended, key=lambda entry: entry.at_us)

    def incidents(self, tx: Tx, *, ended: bool = False, limit: int = 50, private: bool = False) -> list[Listed]:
        folded = [one for one in self._folded(tx) if private or not one.private]
        wanted = [one for one in folded if ended or one.status not in {Status.RESOLVED, Status.CLOSED}]
        return [Listed.of(one) for one in wanted[:limit]]

    def private(self, tx: Tx) -> Sequence[Seen]:
        return [one for one in self._folded(tx) if one.private]

    def find(self, tx: Tx, selection: Selection) -> list[Listed]:
        fitting = [one for one in self._folded(tx) if _fits(one, selection)]
        if selection.after:
            page = [one for one in fitting if one.number > selection.after][-selection.limit :]
        else:
            page = [one for one in fitting if not selection.before or one.number < selection.before][: selection.limit]
        return [Listed.of(one) for one in page]

    def count(self, tx: Tx, selection: Selection) -> int:
        return sum(_fits(one, selection) for one in self._folded(tx))

    def outcomes(self, tx: Tx, selection: Selection) -> list[Outcome]:
        wanted = [one for one in self._folded(tx) if one.counts and _fits(one, selection)]
        return [Outcome.of(one) for one in wanted[::-1]]

    def audited(self, tx: Tx, question: Question) -> list[Entry]:
        open_ = {HOUSE, *question.private, *(one.id for one in self._folded(tx) if not one.private)}
        every = [entry for name, chain in _in(tx).chains.items() if name in open_ for entry in chain]
        wanted = [entry for entry in every if entry.kind in AUDITED and _is_asked_for(entry, question)]
        return sorted(wanted, key=place, reverse=True)[: question.limit]

    def listed(self, tx: Tx, incident_id: str) -> Listed:
        found = next((one for one in self._folded(tx) if one.id == incident_id), None)
        if found is None:
            raise IncidentNotFound(f"There is no {incident_id}. /incident list shows the open ones.")
        return Listed.of(found)

    def incident_of(self, tx: Tx, channel: str, team: str = "") -> str:
        found = [one for one in self._folded(tx) if channel and one.channel == channel]
        found = [one for one in found if not (team and one.team) or one.team == team]
        return next((one.id for one in sorted(found, key=lambda one: one.team != team)), "")

    def naming(self, tx: Tx, sha256: str) -> list[str]:
        named = [one for one in self._folded(tx) if one.id in _in(tx).naming.get(sha256, ())]
        return [one.id for one in sorted(named, key=lambda one: (one.private, one.number))]

    def chains(self, tx: Tx) -> list[str]:
        return sorted(_in(tx).chains, key=lambda name: (len(name) if name != HOUSE else 0, name))

    def heads(self, tx: Tx, only: str = "") -> dict[str, Head]:
        chains = _in(tx).chains
        return {name: Head(chains[name][-1].seq, chains[name][-1].hash) for name in chains if only in {"", name}}

    def blank(self, tx: Tx, incident_id: str, seq: int) -> None:
        state = _in(tx)
        state.chains[incident_id] = [
            replace(entry, body=None) if entry.seq == seq else entry for entry in state.chains.get(incident_id, [])
        ]
        state.topics.add(f"incident:{incident_id}")

    def outlived(self, tx: Tx, kinds: Sequence[str], ended_before: datetime) -> list[tuple[str, int]]:
        ended = {Status.RESOLVED, Status.CLOSED}
        return [
            (one.id, entry.seq)
            for one in reversed(self._folded(tx))
            for entry in _in(tx).chains[one.id]
            if one.status in ended and entry.kind in kinds and entry.body is not None
            if max(e.at for e in _in(tx).chains[one.id] if e.kind == Kind.STATUS_SET) < ended_before
        ]

    def _folded(self, tx: Tx) -> list[Incident]:
        """Give the incidents, latest first."""
        return [self._fold(name, chain) for name, chain in reversed(_in(tx).chains.items()) if name != HOUSE]

    def _fold(self, incident_id: str, chain: list[Entry]) -> Incident:
        known = self._known.get(incident_id)
        if known is None or known[0] != chain:
            known = self._known[incident_id] = (list(chain), fold(chain))
        return known[1]


def _fits(one: Incident, selection: Selection) -> bool:
    words = " ".join((one.id, one.title, one.service, one.verdict, *(person.name for person in one.people))).casefold()
    return (
        (not one.private or one.id in selection.private)
        and all(word.casefold() in words for word in selection.words)
        and (not selection.statuses or one.status in selection.statuses)
        and (not selection.severities or one.severity in selection.severities)
        and selection.service in {"", one.service}
        and selection.drill in {None, one.drill}
        and (selection.since is None or one.opened_at >= selection.since)
    )


def _is_asked_for(entry: Entry, question: Question) -> bool:
    return (
        (not question.kinds or entry.kind in question.kinds)
        and (not question.who or question.who == entry.actor or question.who.lower() == entry.actor_name.lower())
        and question.incident_id in {"", entry.incident_id}
        and (question.before is None or place(entry) < question.before)
    )
