"""The append-only timeline: its entries, and the hash chain that shows tampering.

A chain belongs to one incident. What belongs to no incident (a run from the command line, say) is kept on the
chain named `HOUSE`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

HOUSE = "house"
GENESIS = "0" * 64
BLANK = "(blanked)"
_FORMAT = "firstfive-entry-1"
# Made once: json.dumps with any option makes an encoder at every call.
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class Kind(StrEnum):
    """What an entry tells. The comment gives the keys of its body."""

    OPENED = "opened"  # title severity service reporter warnings[] private? team? drill?
    CHANNEL_OPENED = "channel opened"  # channel name team?
    SERVICE_SET = "service set"  # service
    SEVERITY_SET = "severity set"  # severity was
    ROLE_SET = "role set"  # role person name ("": nobody)
    MILESTONE = "milestone"  # milestone at source
    STATUS_SET = "status set"  # status was text
    NOTE = "note"  # text
    UPDATE = "update"  # text next_at?
    IMPACT_SET = "impact set"  # text
    MESSAGE = "message"  # channel ts thread_ts text permalink how by files[]; at and actor are its own
    MESSAGE_EDITED = "message edited"  # channel ts text files[]
    MESSAGE_REMOVED = "message removed"  # channel ts why (unmarked, deleted)
    ON_CALL = "on call"  # people[{id name}] source note
    JOINED = "joined"  # person name how ("asked", "channel", "author", "from INC-7") why?
    LEFT = "left"  # person name how
    MERGED = "merged"  # into channel
    TOOK_IN = "took in"  # incident title
    CANCELLED = "cancelled"  # reason
    MADE_PRIVATE = "made private"  # nothing; repeats what a blanked opening said
    RUN_STARTED = "run started"  # playbook params deadline_at?
    STEP_STARTED = "step started"  # playbook step title budget_s
    STEP_ENDED = "step ended"  # playbook step title outcome elapsed_s summary
    RUN_ENDED = "run ended"  # playbook status elapsed_s reason
    ARTIFACT = "artifact"  # name sha256 bytes what
    FINDING = "finding"  # fault_class target claim evidence[] fix artifact
    VERDICT = "verdict"  # verdict target statement proof fix artifact name bytes archive snapshot picture service clean
    ASKED = "asked"  # text person? rollback?
    ESCALATED = "escalated"  # reached[] text pages[]
    POSTMORTEM = "postmortem"  # artifact name bytes
    POSTMORTEM_TEXT = "postmortem text"  # section text
    POSTMORTEM_REVIEWED = "postmortem reviewed"  # alone? (nobody can tell that it was a second person)
    POSTMORTEM_PUBLISHED = "postmortem published"  # artifact name bytes
    CHAT_FAILED = "chat failed"  # surface reason
    REMINDED = "reminded"  # about slot text person run
    ACTION = "action"  # item text? person? name? due? done? ("": open again)
    SNOOZED = "snoozed"  # until minutes
    DIGEST = "digest"  # team slot channel posted reason lines
    SLOTS_SKIPPED = "slots skipped"  # schedule slots[] count
    ALERT_FIRED = "alert fired"  # group count firing names[] link
    ALERT_RESOLVED = "alert resolved"  # group count firing names[] link
    PROPOSED = "proposed"  # proposal group state title severity service firing link incident
    PAGE_ANSWERED = "page answered"  # person how
    ACTED = "acted"  # service action command ok how artifact
    DEPLOYED = "deployed"  # service release commit by at source
    DEPLOY_ALLOWED = "deploy allowed"  # service release commit by digest reasons[] overridden proven[] evidence
    DEPLOY_DENIED = "deploy denied"  # service release commit by digest reasons[] evidence
    DEPLOY_OVERRIDDEN = "deploy overridden"  # service release digest reasons[] until name reason
    BISECTING = "bisecting"  # sought{} bar left total runs elapsed_s last[] likeliest[]
    BISECTED = "bisected"  # service sought{} found why confidence made[] suspects commits runs{} elapsed_s artifact
    DYED = "dyed"  # service url facts[] flaws[] closed
    APPROVAL_ASKED = "approval asked"  # run playbook params steps[] measured{} plan person name expires_at
    APPROVAL_DECIDED = "approval decided"  # run playbook plan decision person name reason again?
    APPROVAL_TRIED = "approval tried"  # run playbook plan service decision reason; a press that did not count
    BROKE_GLASS = "broke glass"  # run playbook plan service decision person name reason frozen again?
    STANDING_SET = "standing set"  # service on policy name
    FROZEN = "frozen"  # service reason until?
    THAWED = "thawed"  # service reason
    PAGED = "paged"  # service reached[] text
    BLANKED = "blanked"  # entries[] reason approved_by
    JUDGED = (
        "judged"  # service judgement words reasons[] when (looked, breach, verified) trend{} artifact picture safe?
    )
    TRAFFIC_SET = "traffic set"  # service verb before after commands[] approved_by by_itself run reason again?
    DRIFTED = "drifted"  # service wanted now
    PUSHED = "pushed"  # name artifact place commit
    PUSH_FAILED = "push failed"  # name artifact place reason again_at
    DRILL_STARTED = "drill started"  # service class ("" while blind) target size blind sealed ends_at
    DRILL_ANSWERED = "drill answered"  # class; what somebody says that it is
    SIGNED_IN = "signed in"  # by
    SIGNED_OUT = "signed out"  # nothing
    TOKEN_MADE = "token made"  # noqa: S105 - no secret: token name scope ends_at
    TOKEN_REVOKED = "token revoked"  # noqa: S105 - no secret: token name
    DRILL_ENDED = "drill ended"  # score{} before{} how by real was_on gone left nonce


AGAIN = frozenset({Kind.APPROVAL_DECIDED, Kind.BROKE_GLASS, Kind.TRAFFIC_SET})
"""What is recorded again, with the number of the entry it stands for as `again`, when its words are taken back."""


@dataclass(frozen=True)
class Person:
    """Somebody, or something, that acts: a chat user's id (or `cli:NAME`, `firstfive`) and the name people know."""

    id: str
    name: str


FIRSTFIVE = Person("firstfive", "FirstFive")
TOKEN = "token:"  # noqa: S105 - no secret
"""How the id of a script begins that shows a token; the id of whoever made the token follows."""


def behind(person: Person) -> str:
    """Give the id of the human who acts: of whoever made the token, if it is a script."""
    return person.id.removeprefix(TOKEN)


@dataclass(frozen=True)
class Draft:
    """An entry before it has its place in the chain. `at` is when it happened, if not now."""

    kind: Kind
    body: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    actor: Person | None = None


@dataclass(frozen=True)
class Entry:
    """One row of the timeline. `body` is canonical JSON text, or None once it was blanked."""

    incident_id: str
    seq: int
    at_us: int
    kind: str
    actor: str
    actor_name: str
    run_id: str
    step: str
    body: str | None
    body_sha256: str
    prev: str
    hash: str

    @property
    def at(self) -> datetime:
        """When it happened, UTC."""
        return from_us(self.at_us)

    @property
    def facts(self) -> dict[str, Any]:
        """The body's keys; empty when it was blanked."""
        return dict(json.loads(self.body)) if self.body else {}

    @property
    def tells_params(self) -> bool:
        """Whether it begins a run and says what that was given: words, perhaps; the SOP is given none."""
        return self.kind == Kind.RUN_STARTED and bool(self.facts.get("params"))


@dataclass(frozen=True)
class Author:
    """Who writes an entry, and in which step of which run (both empty when it was none)."""

    person: Person
    run_id: str = ""
    step: str = ""


def to_us(at: datetime) -> int:
    """Give whole microseconds since 1970 UTC; integers, since floats have no canonical form."""
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(at_us: int) -> datetime:
    """Give the aware datetime of whole microseconds since 1970 UTC."""
    seconds, microseconds = divmod(at_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


def canonical(body: Mapping[str, Any]) -> str:
    """Give the one JSON text of a body: sorted keys, no spaces, ASCII (so that no database can re-encode it)."""
    return _CANONICAL(body)


def storable(text: str) -> str:
    """Replace what no database keeps as text: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def link(incident_id: str, last: Entry | None, draft: Draft, author: Author, now: datetime) -> Entry:
    """Make the next entry of a chain from its last one (None: the first)."""
    body = canonical(draft.body)
    actor = draft.actor or author.person
    entry = Entry(
        incident_id=incident_id,
        seq=last.seq + 1 if last else 1,
        at_us=to_us(draft.at or now),
        kind=draft.kind.value,
        actor=storable(actor.id),
        actor_name=storable(actor.name),
        run_id=author.run_id,
        step=author.step,
        body=body,
        body_sha256=_sha256(body),
        prev=last.hash if last else GENESIS,
        hash="",
    )
    return Entry(**{**entry.__dict__, "hash": seal(entry)})


_TIME = attrgetter("at_us", "seq")


def in_time(entries: Iterable[Entry]) -> list[Entry]:
    """Give entries by when what they tell happened: a message may be recorded long after it was said."""
    return sorted(entries, key=_TIME)


def recorded_again(entries: Iterable[Entry]) -> dict[int, Entry]:
    """Give what was recorded again without its words, each by the number of the blank entry that it stands for."""
    told = (entry for entry in entries if entry.kind in AGAIN and entry.body is not None)
    return {int(entry.facts["again"]): entry for entry in told if "again" in entry.facts}


def in_place(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Give a timeline with what was recorded again where it was said first, and nowhere else."""
    again = recorded_again(entries)
    moved = {entry.seq for entry in again.values()}
    stay = (entry for entry in entries if entry.seq not in moved)
    return [replace(each, body=again[each.seq].body) if each.seq in again else each for each in stay]


def seal(entry: Entry) -> str:
    """Give the hash of an entry: over everything but the body, for which its own sha256 stands.

    That is why a body can be blanked (a redaction, retention) without breaking the chain.
    """
    fields = [
        entry.prev,
        entry.incident_id,
        entry.seq,
        entry.at_us,
        entry.kind,
        entry.actor,
        entry.actor_name,
        entry.run_id,
        entry.step,
        entry.body_sha256,
    ]
    return _sha256(_FORMAT + _COMPACT(fields))


@dataclass(frozen=True)
class Head:
    """The last entry of a chain: its number and its hash, which stands for all before it."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Audit:
    """What verifying a chain found. `breaks` is empty when every entry is as it was written."""

    incident_id: str
    entries: int
    blanked: int
    head: str
    breaks: tuple[str, ...]


def verify(incident_id: str, entries: Iterable[Entry]) -> Audit:
    """Check a chain, entries in order of `seq`: numbering, links, hashes, bodies. None is kept: a chain may be long."""
    breaks: list[str] = []
    count = blanked = 0
    last: Entry | None = None
    for entry in entries:
        breaks.extend(f"entry {entry.seq}: {what}" for what in (*_flaws(incident_id, entry), *_gaps(last, entry)))
        count, blanked, last = count + 1, blanked + (entry.body is None), entry
    return Audit(incident_id, count, blanked, last.hash if last else GENESIS, tuple(breaks))


def _flaws(incident_id: str, entry: Entry) -> list[str]:
    flaws = []
    if entry.incident_id != incident_id:
        flaws.append(f"it belongs to {entry.incident_id}")
    if entry.body is not None and _sha256(entry.body) != entry.body_sha256:
        flaws.append("its body was changed")
    if seal(entry) != entry.hash:
        flaws.append("its hash does not match what it says")
    return flaws


def _gaps(before: Entry | None, entry: Entry) -> list[str]:
    """Say what is wrong with an entry's place."""
    if before is None:
        return [] if entry.seq == 1 and entry.prev == GENESIS else ["is not the first of its chain"]
    if entry.seq != before.seq + 1:
        return [f"follows {before.seq}, entries are missing between them"]
    return [] if entry.prev == before.hash else [f"does not link to entry {before.seq}"]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii", "backslashreplace")).hexdigest()
