"""The record of deploys against a plain model of what it says of itself, whatever comes in whichever order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploys import (
    WAITS,
    Deploy,
    add,
    came,
    denied,
    last_denied,
    rolled_back,
    running,
    suspected,
    taken_back,
    went_out,
)
from bot.domain.expected import standing, unreplaced
from bot.domain.gate.evidence import Objection, Obstacle
from tests.fakes import NOON

NAMES = ("v1", "v2", "v3")
NO = (Objection(Obstacle.UNSIGNED, "no signature was sent"),)


@dataclass
class Stay:
    """A build that went out, until another one did: since when, and what became of it."""

    name: str
    at: datetime
    told: bool
    commit: str = ""
    back: datetime | None = None


@dataclass
class Denial:
    """A build that was denied, and whether it went out later."""

    name: str
    at: datetime
    over: bool = False


@dataclass
class Plain:
    """What went out, oldest first, and what was denied."""

    stays: list[Stay] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)

    def goes_out(self, name: str, at: datetime, commit: str, *, told: bool) -> None:
        for each in self.denials:
            each.over = each.over or (each.name == name and each.at <= at)
        stay = self.of(name, at)
        if stay is None:
            self.stays.append(Stay(name, at, told, commit))
        else:
            stay.commit = stay.commit or commit
            if told >= stay.told:  # whoever tells knows better when it was than the gate does
                stay.at = at if told > stay.told else min(at, stay.at)
            stay.told = stay.told or told
        self.stays.sort(key=lambda each: each.at)

    def of(self, name: str, at: datetime) -> Stay | None:
        """Give the stay that a build which goes out belongs to: that of the same moment, the one before, the next."""
        before = [each for each in self.stays if each.at <= at]
        here = [each for each in before if each.at == at]
        last = [each for each in before[-1:] if each.back is None or at < each.back]
        around = [*here, *last, *self.stays[len(before) :][:1]]
        return next((each for each in around if each.name == name), None)

    def rolls_back(self, name: str, at: datetime) -> None:
        for each in [each for each in self.stays if each.name == name][-1:]:
            each.back = at

    def has_run(self, place: int, now: datetime) -> bool:
        stay = self.stays[place]
        told_before = any(each.told for each in self.stays[:place])
        told_after = any(each.told for each in self.stays[place + 1 :])
        nobody_tells = not told_before or (now - stay.at >= WAITS and not told_after)
        return stay.told or stay.back is not None or nobody_tells

    def ran(self, now: datetime) -> list[Stay]:
        return [each for place, each in enumerate(self.stays) if self.has_run(place, now)]

    def coming(self, now: datetime) -> list[Stay]:
        last = max((place for place in range(len(self.stays)) if self.has_run(place, now)), default=-1)
        return self.stays[last + 1 :]

    def is_bad(self, name: str) -> bool:
        known = [each for each in self.stays if each.name == name and (each.told or each.back)]
        return bool(known) and known[-1].back is not None

    def suspected(self, now: datetime) -> Stay | None:
        ran, coming = self.ran(now), self.coming(now)
        if coming and (self.is_bad(coming[-1].name) or coming[-1].name not in {each.name for each in ran}):
            return coming[-1]
        return ran[-1] if ran else None

    def last_good(self, bad: Stay, now: datetime) -> str:
        before = [each for each in self.ran(now) if each.at <= bad.at and each.name != bad.name]
        return next((each.name for each in reversed(before) if not self.is_bad(each.name)), "")

    def may_run(self, now: datetime) -> list[str]:
        """Give what stands, and what may run in its place: all, down to the first that was told or waited long."""
        names = []
        for each in reversed([each for each in self.stays if each.back is None]):
            names.append(each.name)
            if each.told or now - each.at >= WAITS:
                break
        return names

    def refused(self) -> str:
        last = self.denials[-1] if self.denials else None
        is_last = last is not None and all(each.at <= last.at for each in self.stays)
        return last.name if last and is_last and not last.over else ""


NAME = st.sampled_from(NAMES)
MOVES = st.one_of(
    st.tuples(st.sampled_from(["allow", "deny", "take back"]), NAME),
    st.tuples(st.sampled_from(["tell", "tell all", "tell to the minute", "tell all to the minute"]), NAME),
    st.tuples(st.sampled_from(["roll back", "wait a day"]), st.just("")),
)


def play(known: tuple[Deploy, ...], plain: Plain, move: str, name: str, now: datetime) -> tuple[Deploy, ...]:
    at = now.replace(second=0) if move.endswith("to the minute") else now
    commit = f"{NAMES.index(name)}" * 40 if move.startswith("tell all") else ""
    deploy = Deploy("checkout", name, at, commit=commit, source="webhook" if move.startswith("tell") else "gate")
    if move in {"roll back", "take back"}:
        plain.rolls_back(name, now)
        return rolled_back(known, name, now)
    if move == "deny":
        plain.denials.append(Denial(name, at))
        return add(known, Deploy("checkout", name, at, source="gate", denied=NO))
    plain.goes_out(name, at, commit, told=deploy.source != "gate")
    assert add(add(known, deploy), deploy) == add(known, deploy)
    return add(known, deploy)


def names(deploys: Sequence[Deploy | None]) -> list[str]:
    return [each.release for each in deploys if each is not None]


@given(st.lists(MOVES, max_size=30))
def test_whatever_comes_the_record_says_what_a_plain_model_of_it_does(moves: list[tuple[str, str]]) -> None:
    known, now, plain = tuple[Deploy, ...](), NOON, Plain()
    for move, name in moves:
        now += timedelta(days=1) if move == "wait a day" else timedelta(seconds=15)
        if move != "wait a day":
            suspect = suspected(known, now).bad
            named = (suspect.release if suspect else NAMES[0]) if move == "roll back" else name
            known = play(known, plain, move, named, now)
        compare(known, plain, now)


def compare(known: tuple[Deploy, ...], plain: Plain, now: datetime) -> None:
    out, stays = went_out(known), plain.stays
    kept = [Stay(each.release, each.at, each.source != "gate", each.commit, each.rolled_back_at) for each in out]
    assert kept == stays
    assert list(map(names, came(known, now))) == [[s.name for s in of] for of in (plain.ran(now), plain.coming(now))]
    found, bad = suspected(known, now), plain.suspected(now)
    assert (found.bad is None) == (bad is None)
    assert bad is None or names([found.bad, found.good or found.bad]) == [
        bad.name,
        plain.last_good(bad, now) or bad.name,
    ]
    bads = [name for name in NAMES if taken_back(each for each in out if each.release == name)]
    assert bads == [name for name in NAMES if plain.is_bad(name)]
    assert names([standing(known), *unreplaced(known, now)]) == plain.may_run(now)
    assert names([last_denied(known)]) == [name for name in [plain.refused()] if name]
    assert [bool(each.passed_at) for each in denied(known)] == [each.over for each in plain.denials[-20:]]
    assert running(known, now + WAITS).coming is None
