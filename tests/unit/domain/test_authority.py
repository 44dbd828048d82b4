"""A right is held by whoever was given it by id, and by nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.authority import Frozen, Members, People, Right, groups_of, rule
from bot.domain.run import Missing
from bot.domain.timeline import Person

ADA, BEN, CY = Person("U1", "Ada"), Person("U2", "Ben"), Person("cli:cy", "cy")
PEOPLE = People(approve=("U1", "S1", "S2"), break_glass=("S1",))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AWAY = Missing("Slack answered timeout")


@pytest.mark.parametrize(
    ("people", "right", "person", "members", "refusal"),
    [
        (PEOPLE, Right.APPROVE, ADA, {}, ""),
        (PEOPLE, Right.APPROVE, ADA, {"S1": AWAY}, ""),
        (PEOPLE, Right.APPROVE, BEN, {"S1": frozenset(), "S2": frozenset({"U2"})}, ""),
        (PEOPLE, Right.APPROVE, BEN, {"S1": AWAY, "S2": frozenset({"U2"})}, ""),
        (
            PEOPLE,
            Right.APPROVE,
            BEN,
            {"S1": frozenset({"U1"}), "S2": frozenset()},
            "Ben is not among those who",
        ),
        (
            PEOPLE,
            Right.APPROVE,
            BEN,
            {"S1": frozenset(), "S2": AWAY},
            "be told now (S2: Slack answered timeout)",
        ),
        (PEOPLE, Right.BREAK_GLASS, ADA, {"S1": frozenset()}, "Ada is not among those who may break glass"),
        (People(), Right.APPROVE, ADA, {}, "Nobody may approve for checkout yet"),
        (People(), Right.BREAK_GLASS, ADA, {}, "Nobody may break glass for checkout yet"),
        (PEOPLE, Right.APPROVE, CY, {}, "holds no role"),
        (People(approve=("cli:cy",)), Right.APPROVE, CY, {}, "holds no role"),
        (People(), Right.BREAK_GLASS, CY, {}, ""),
        (PEOPLE, Right.APPROVE, Person("api:local", "API"), {}, "API is not among"),
        (PEOPLE, Right.APPROVE, Person("token:U1", "A"), {"S1": frozenset({"U1"})}, "A is not among"),
        (PEOPLE, Right.BREAK_GLASS, Person("token:U1", "A"), {"S1": frozenset({"U1"})}, "A is not among"),
        (PEOPLE, Right.BREAK_GLASS, Person("firstfive", "FirstFive"), {}, "FirstFive is not among"),
    ],
)
def test_who_may_do_what(
    people: People, right: Right, person: Person, members: dict[str, Members], refusal: str
) -> None:
    told = rule("checkout", people, right, person, members)
    assert told.granted is (refusal == "")
    assert refusal in told.reason
    assert not told.reason or told.reason.endswith(".")


def test_groups_are_looked_into_only_for_whoever_is_not_named_by_id() -> None:
    assert groups_of(PEOPLE, Right.APPROVE, ADA) == ()
    assert groups_of(PEOPLE, Right.APPROVE, BEN) == ("S1", "S2")
    assert groups_of(PEOPLE, Right.BREAK_GLASS, ADA) == ("S1",)
    assert groups_of(PEOPLE, Right.BREAK_GLASS, CY) == ()


def test_a_freeze_ends_by_itself_or_when_somebody_ends_it() -> None:
    frozen = Frozen("checkout", "data migration", ADA, NOON)
    assert frozen.holds(NOON + timedelta(days=900))
    assert frozen.words == "checkout is frozen: data migration (Ada, 2026-03-01 12:00 UTC)."
    timed = Frozen("checkout", "data migration", ADA, NOON, NOON + timedelta(hours=2))
    assert (timed.holds(NOON + timedelta(minutes=119)), timed.holds(NOON + timedelta(hours=2))) == (True, False)
    assert "is frozen until 2026-03-01 14:00 UTC: data migration" in timed.words
