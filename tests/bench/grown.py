"""A house after years of use: many incidents, timelines with whole chains, written in bulk."""

import hashlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bot.adapters.sql.engines import conninfo
from bot.adapters.sql.listing import LISTED, row_of
from bot.adapters.sql.tables import incident
from bot.domain.incident import Status, fold
from bot.domain.measures import Milestone
from bot.domain.timeline import GENESIS, HOUSE, Entry, Kind, Person, canonical, seal, to_us

OPEN = 10
LONG = (10, 100, 1_000, 10_000)
_PRIVATE = 20
"""One of so many that have ended is private: each list asks of all of them whether its reader takes part."""
_BEGAN = datetime(2024, 3, 1, tzinfo=UTC)
_EVERY = timedelta(hours=2.4)
_ADA = Person("U0ADA", "Ada")
_LISTED = tuple(column.name for column in incident.columns)
_COLUMNS = tuple(Entry.__dataclass_fields__)

_Fact = tuple[Kind, Mapping[str, Any]]


@dataclass(frozen=True)
class Grown:
    """How many incidents, `OPEN` of which are open; how many entries, of which the house has a tenth."""

    incidents: int
    entries: int

    @property
    def open_ones(self) -> Sequence[int]:
        """The numbers of the open incidents, far apart; the first ones have as many entries as `LONG` says."""
        return range(1, self.incidents + 1, max(1, self.incidents // OPEN))[:OPEN]

    def lengths(self) -> Iterator[tuple[str, int]]:
        """Give each chain and how many entries it has."""
        house = self.entries // 10
        left = self.entries - house
        long = dict(zip(self.open_ones, LONG, strict=False)) if left > 2 * sum(LONG) else {}
        each = (left - sum(long.values())) // (self.incidents - len(long))
        yield HOUSE, house
        for number in range(1, self.incidents + 1):
            yield f"INC-{number}", long.get(number, each)


def fill(url: str, grown: Grown) -> None:
    """Write it into a migrated database that is empty."""
    incidents: list[tuple[Any, ...]] = []
    entries = _entries(grown, incidents)
    if url.startswith("sqlite"):
        _fill_sqlite(url.removeprefix("sqlite:///"), entries, incidents)
    else:
        _fill_postgres(conninfo(url), entries, incidents)


def _fill_sqlite(file: str, entries: Iterator[tuple[Any, ...]], incidents: Sequence[tuple[Any, ...]]) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous = OFF")
    guard = "SELECT sql FROM sqlite_master WHERE name = 'entry_keeps_places'"
    with connection:
        (made_by,) = connection.execute(guard).fetchone()
        connection.execute("DROP TRIGGER entry_keeps_places")  # it would look every row up
        marks = ", ".join("?" * len(_COLUMNS))
        connection.executemany(f"INSERT INTO entry ({', '.join(_COLUMNS)}) VALUES ({marks})", entries)  # noqa: S608 - ours
        connection.execute(made_by)
        marks = ", ".join("?" * len(_LISTED))
        connection.executemany(f"INSERT INTO incident ({', '.join(_LISTED)}) VALUES ({marks})", incidents)  # noqa: S608 - ours
    connection.close()


def _fill_postgres(where: str, entries: Iterator[tuple[Any, ...]], incidents: Sequence[tuple[Any, ...]]) -> None:
    with psycopg.connect(where, autocommit=True) as connection, connection.cursor() as cursor:
        for table, columns, rows in (("entry", _COLUMNS, entries), ("incident", _LISTED, incidents)):
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute("ANALYZE")


def _entries(grown: Grown, incidents: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Give every entry, and leave the rows of the list behind, which are folds."""
    known = {id(facts): _body(facts) for _, facts in (*_PHASES, *_GO_ON, *_DIGESTS)}
    still_open = {f"INC-{number}" for number in grown.open_ones}
    for place, (chain, length) in enumerate(grown.lengths()):
        at_us, prev = to_us(_BEGAN + place * _EVERY), GENESIS
        listed = []
        for seq, (kind, facts) in enumerate(_life(chain, length, at_us, is_open=chain in still_open), 1):
            body, body_sha256 = known.get(id(facts)) or _body(facts)
            at_us += 1_000_000
            run = f"{place:012x}" if kind is not Kind.NOTE else ""
            told = (chain, seq, at_us, kind.value, _ADA.id, _ADA.name, run, "", body, body_sha256, prev)
            prev = seal(Entry(*told, hash=""))
            if kind in LISTED:
                listed.append(Entry(*told, prev))
            yield (*told, prev)
        if chain != HOUSE:
            row = row_of(fold(listed))
            incidents.append(tuple(row[name] for name in _LISTED))


def _body(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Give a body and its hash."""
    body = canonical(facts)
    return body, hashlib.sha256(body.encode()).hexdigest()


def _life(chain: str, length: int, at_us: int, *, is_open: bool) -> Iterator[_Fact]:
    """Give what an incident's timeline tells, or the house's."""
    if chain == HOUSE:
        return itertools.islice(itertools.cycle(_DIGESTS), length)
    end = [] if is_open else [(Kind.STATUS_SET, {"status": Status.RESOLVED.value, "was": "open", "text": ""})]
    body = itertools.chain(_begin(int(chain[4:]), at_us, is_open=is_open), itertools.cycle(_GO_ON))
    return itertools.chain(itertools.islice(body, length - len(end)), end)


def _begin(number: int, at_us: int, *, is_open: bool) -> Iterator[_Fact]:
    """Give how an incident begins: each has a service, a severity, people, a verdict and milestones of its own."""
    service, commander = _SERVICES[number % len(_SERVICES)], _PEOPLE[number % len(_PEOPLE)]
    title = f"{service} {_TITLES[number % len(_TITLES)]}"
    opened = {"title": title, "severity": f"SEV{1 + number % 4}", "service": service, "reporter": "U0ADA"}
    yield Kind.OPENED, {**opened, "private": not is_open and (number + 1) % _PRIVATE == 0, "warnings": []}
    yield Kind.CHANNEL_OPENED, {"channel": f"C{number}", "name": f"inc-{number}"}
    yield from _PHASES
    yield Kind.ROLE_SET, {"role": "commander", "person": f"U0{commander.upper()}", "name": commander}
    minutes = (-3, 0, 1 + number % 7, 2 + number % 11, 9 + number % 53, 30 + number % 97)
    recorded = (*list(Milestone)[: 4 if is_open else 6],)
    for milestone, after in zip(recorded, minutes, strict=False):
        told = {"milestone": milestone.value, "at": at_us + after * 60_000_000, "source": "person"}
        yield Kind.MILESTONE, told
    verdict = _VERDICTS[number % len(_VERDICTS)]
    yield Kind.VERDICT, {"verdict": verdict or None, "target": f"{service}-1", "statement": "So it is.", "proof": ""}


_SERVICES = ("checkout", "cart", "search", "payment", "login", "mail", "stock", "price", "image", "order", "tax")
_PEOPLE = ("Ada", "Ben", "Cleo", "Dee", "Eve", "Finn", "Gus")
_TITLES = ("5xx after deploy", "slow", "does not answer", "loses connections", "eats memory")
_VERDICTS = (
    "goroutine-leak",
    "gc-pressure",
    "",
    "tls-chain",
    "pool-exhaustion",
    "",
    "deadlock",
    "cpu-hotspot",
    "build-drift",
)
_PHASE = {"playbook": "sop", "step": "capture", "title": "Capture"}
_PHASES: tuple[_Fact, ...] = (
    (Kind.RUN_STARTED, {"playbook": "sop", "params": {}}),
    (Kind.STEP_STARTED, {**_PHASE, "budget_s": 60.0}),
    (Kind.ARTIFACT, {"name": "snapshot.tar.gz", "sha256": "0" * 64, "bytes": 81_234, "what": "Snapshot of checkout"}),
    (Kind.STEP_ENDED, {**_PHASE, "outcome": "done", "elapsed_s": 2.5, "summary": "3 of 3 targets, 27 artifacts."}),
)
_GO_ON: tuple[_Fact, ...] = (
    (Kind.NOTE, {"text": "The error ratio of checkout-2 is back at 0.2 %, that of checkout-1 is still at 4 %."}),
    (Kind.ALERT_FIRED, {"group": "g1", "count": 2, "firing": 2, "names": ["Errors", "Latency"], "link": ""}),
    (Kind.STEP_STARTED, {"playbook": "diagnose", "step": "judge", "title": "Judge", "budget_s": 30.0}),
    (Kind.STEP_ENDED, {"playbook": "diagnose", "step": "judge", "title": "Judge", "outcome": "done", "elapsed_s": 1.1,
                       "summary": "2 of 3 targets hold 4,000 goroutines at one line."}),
    (Kind.UPDATE, {"text": "We go back to the build of yesterday. Customers see errors at every twentieth payment."}),
)  # fmt: skip
_DIGESTS: tuple[_Fact, ...] = (
    (Kind.DIGEST, {"team": "payments", "slot": "2026-11-23T07:00", "channel": "C1", "posted": "C1/1", "lines": 3}),
)
