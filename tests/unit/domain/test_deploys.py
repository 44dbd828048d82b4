from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploys import (
    DENIED_KEPT,
    KEPT,
    WAITS,
    Deploy,
    Running,
    add,
    denied,
    last_denied,
    last_good,
    rolled_back,
    running,
    taken_back,
    went_out,
    with_tags,
)
from bot.domain.expected import standing
from bot.domain.gate.evidence import Objection, Obstacle
from tests.fakes import NOON


def deploy(release: str, minutes: int, commit: str = "") -> Deploy:
    return Deploy("checkout", release, NOON + timedelta(minutes=minutes), "Ada", commit, "webhook")


V1, V2, V3 = deploy("v1", 0, "aaaaaaa1"), deploy("v2", 10, "bbbbbbb2"), deploy("v3", 20, "ccccccc3")
ALL = (V1, V2, V3)


def test_deploys_are_kept_in_their_order_however_they_are_told() -> None:
    assert add(add((V1,), V3), V2) == ALL


def test_the_same_deploy_again_changes_nothing() -> None:
    assert add(ALL, V2) == ALL
    assert add(ALL, deploy("v3", 25, "ccccccc3")) == ALL


def test_a_release_that_comes_again_after_another_is_a_deploy_of_its_own() -> None:
    again = deploy("v1", 30, "aaaaaaa1")
    assert add(ALL, again) == (*ALL, again)


def test_a_release_that_comes_again_after_it_was_taken_back_is_one_too() -> None:
    known = rolled_back(ALL, "v3", NOON + timedelta(minutes=21))
    assert len(add(known, deploy("v3", 30, "ccccccc3"))) == 4


def test_the_oldest_go_first() -> None:
    known: tuple[Deploy, ...] = ()
    for number in range(KEPT + 5):
        known = add(known, deploy(f"v{number}", number))
    assert len(known) == KEPT
    assert known[0].release == "v5"


def test_tags_stand_in_for_what_nobody_told() -> None:
    assert with_tags((V1, V3), (deploy("v3", 5), V2)) == ALL


@pytest.mark.parametrize(("minutes", "release"), [(-1, None), (0, "v1"), (15, "v2"), (99, "v3")])
def test_what_runs_at_a_moment_was_deployed_before_it(minutes: int, release: str | None) -> None:
    found = running(ALL, NOON + timedelta(minutes=minutes)).last
    assert (found.release if found else None) == release


@pytest.mark.parametrize(
    ("running", "release"),
    [("", "v2"), ("v3", "v2"), ("v2", "v1"), ("v1", None), ("bbbbbbb", "v1"), ("v9", None), ("bbb", None)],
)
def test_the_last_good_release_is_the_one_before(running: str, release: str | None) -> None:
    found = last_good(ALL, running)
    assert (found.release if found else None) == release


def test_a_release_that_was_rolled_back_is_no_good_one() -> None:
    found = last_good(rolled_back(ALL, "v2", NOON), "v3")
    assert found == V1


def test_what_runs_again_is_not_its_own_good_release() -> None:
    again = deploy("v3", 30)
    assert last_good((V2, V3, again)) == V2


def test_what_is_not_known_cannot_be_taken_back() -> None:
    assert rolled_back(ALL, "v9", NOON) == ALL


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (26, "v3 (ccccccc) by Ada was deployed 6 min before the first error"),
        (17, "v3 (ccccccc) by Ada was deployed 3 min after the first error"),
    ],
)
def test_a_deploy_is_told_beside_a_moment(minutes: int, said: str) -> None:
    assert V3.beside(NOON + timedelta(minutes=minutes), "the first error") == said


@pytest.mark.parametrize(
    ("source", "said"),
    [("gate", "let through by the gate"), ("tag", "tagged"), ("webhook", "deployed"), ("typed", "deployed")],
)
def test_what_became_of_a_deploy_is_told_as_far_as_it_is_known(source: str, said: str) -> None:
    assert replace(V3, source=source).ago(V3.at + timedelta(minutes=6)) == f"v3 (ccccccc) by Ada was {said} 6 min ago"


def test_what_runs_is_what_was_told_then_what_the_gate_let_through_and_a_tag_only_where_there_is_neither() -> None:
    late, tag = NOON + timedelta(hours=1), replace(deploy("v9", 30), source="tag")
    gated, older = replace(V3, source="gate"), replace(V1, source="tag")
    back = replace(gated, rolled_back_at=late)
    assert running((), late) == Running()
    assert running((V1, V2, V3, tag), late) == Running(V3, V2)
    assert running((V1, V2, V3, tag), NOON) == Running(V1)
    assert running((V1, V2, gated, tag), late) == Running(V2, V1, gated)
    assert running((V1, V2, back, tag), late) == Running(back, V2)
    assert running((replace(V2, source="gate"), gated, tag), late) == Running(gated, replace(V2, source="gate"))
    assert running((older, gated, tag), late) == Running(gated, older)
    assert running((older, tag), late) == Running(tag, older)


def test_where_one_was_told_once_what_the_gate_let_through_runs_when_nobody_has_told_of_it_for_long() -> None:
    days = [replace(deploy(f"v{day}", 1440 * day), source="gate") for day in range(1, 6)]
    assert running((V1, *days[:3]), days[2].at) == Running(V1, None, days[2])
    assert running((V1, *days[:3]), days[0].at + WAITS) == Running(days[2], days[1])
    assert running((V1, *days), days[4].at) == Running(days[4], days[3])


def test_what_another_was_deployed_in_place_of_never_ran() -> None:
    passed, told = replace(V2, source="gate"), V3
    assert running((V1, passed, told), NOON + timedelta(hours=1)) == Running(told, V1)


def test_what_was_told_again_after_it_was_taken_back_is_good_again() -> None:
    known = add(add(rolled_back((V1, V2), "v2", NOON + timedelta(minutes=11)), deploy("v2", 15)), V3)
    found = last_good(known)
    assert found is not None
    assert (found.release, taken_back(each for each in known if each.release == "v2")) == ("v2", None)


NO = (Objection(Obstacle.UNSIGNED, "no signature was sent"),)
DENIED = replace(deploy("v4", 30), denied=NO, digest=f"sha256:{'a' * 64}")


def test_what_was_denied_never_ran() -> None:
    known = add(ALL, DENIED)
    assert (running(known, NOON + timedelta(hours=1)).last, standing(known), last_good(known)) == (V3, V3, V2)
    assert (last_denied(known), last_denied(ALL), last_denied(())) == (DENIED, None, None)
    assert rolled_back(known, "v4", NOON) == known
    assert DENIED.ago(NOON + timedelta(minutes=36)) == "v4 by Ada was denied 6 min ago"
    assert with_tags(known, (deploy("v4", 29),)) == known


def test_what_goes_out_after_all_is_as_good_as_any() -> None:
    known = add(add(add(ALL, DENIED), deploy("v4", 40)), deploy("v5", 50))
    found = last_good(known)
    assert found is not None
    assert (found.release, last_denied(known)) == ("v4", None)


def test_denials_push_out_no_deploy_and_deploys_no_denial() -> None:
    known: tuple[Deploy, ...] = ALL
    for number in range(KEPT + 5):
        known = add(known, replace(DENIED, at=DENIED.at + timedelta(minutes=number)))
    assert (len(went_out(known)), len(denied(known))) == (3, DENIED_KEPT)
    for number in range(KEPT + 5):
        known = add(known, deploy(f"w{number}", number))
    assert (len(went_out(known)), len(denied(known))) == (KEPT, DENIED_KEPT)


def test_whoever_tells_of_what_the_gate_let_through_completes_it() -> None:
    passed = replace(V3, source="gate", commit="", digest=DENIED.digest)
    told = deploy("v3", 25, "ccccccc3")
    assert add((V1, V2, passed), told) == (V1, V2, replace(told, digest=DENIED.digest))
    assert len(add((V1, V2, replace(passed, commit="ddddddd")), told)) == 4
    assert add((V1, V2, passed), passed) == (V1, V2, passed)
    assert len(add((V1, V2, passed), replace(passed, digest=f"sha256:{'b' * 64}", at=told.at))) == 4


GATED = replace(V3, source="gate", commit="", digest=DENIED.digest)


@pytest.mark.parametrize("told", [deploy("v3", 15, "ccccccc3"), deploy("v3", 20, "ccccccc3"), deploy("v3", 25)])
def test_neighbours_of_one_build_are_one_deploy_in_whatever_order_they_come(told: Deploy) -> None:
    whole = (V1, V2, replace(told, digest=GATED.digest))
    again = replace(GATED, at=GATED.at + timedelta(days=1))
    assert add(add((V1, V2, GATED), told), again) == whole
    assert add(add((V1, V2), told), GATED) == whole
    assert add(whole, replace(again, commit="c" * 40)) != add(whole, replace(again, commit="d" * 40))


def test_whoever_tells_of_it_afterwards_does_not_undo_that_it_was_taken_back() -> None:
    at = GATED.at + timedelta(minutes=10)
    back = rolled_back((V1, V2, GATED), "v3", at)
    *_, told = add(back, deploy("v3", 25, "ccccccc3"))
    assert (told.source, told.rolled_back_at) == ("webhook", at)
    known = add(back, replace(GATED, at=at + timedelta(hours=1)))
    assert (len(known), taken_back(known[2:])) == (4, at)
    assert taken_back(add(known, deploy("v3", 120, "ccccccc3"))[2:]) is None


MOVES = st.one_of(
    st.tuples(st.sampled_from(["gate", "tell", "deny"]), st.sampled_from(["v1", "v2", "v3"])),
    st.tuples(st.just("roll back"), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(["minutes", "days"])),
)


@given(st.lists(MOVES, max_size=30))
def test_whatever_comes_the_last_that_came_is_what_a_rollback_takes_back_until_somebody_tells_of_it(
    moves: list[tuple[str, str]],
) -> None:
    known, now, newest, bad = tuple[Deploy, ...](), NOON, "", set[str]()
    for move, name in moves:
        now += WAITS if name == "days" else timedelta(minutes=1)
        each = replace(deploy(name, 0), at=now, commit="")
        if move == "deny":
            known = add(known, replace(each, source="gate", denied=NO))
        elif move == "tell" or (move == "gate" and name not in bad):
            known, newest = add(known, replace(each, source="gate" if move == "gate" else "webhook")), name
            bad -= {name} if move == "tell" else set()
        elif move == "roll back" and newest:
            known, bad = rolled_back(known, newest, now), bad | {newest}
        found = running(known, now)
        last = found.coming or found.last
        assert (last.release if last else "") == newest
        marked = {name for name in ("v1", "v2", "v3") if taken_back(of(name, went_out(known)))}
        assert (marked, found.good is not None and found.good.release in bad) == (bad, False)
    assert running(known, now + WAITS).coming is None


def of(name: str, deploys: Iterable[Deploy]) -> list[Deploy]:
    return [each for each in deploys if each.release == name]


@given(st.lists(st.sampled_from(["v1", "v2", "v3"]), max_size=20), st.sampled_from(["told", "gate", "both"]))
def test_what_runs_is_what_came_last_where_all_is_told_and_where_nothing_is(names: list[str], habit: str) -> None:
    known, now = tuple[Deploy, ...](), NOON
    for name in names:
        for source in {"told": ["webhook"], "gate": ["gate"], "both": ["gate", "webhook"]}[habit]:
            now += timedelta(hours=1)
            before = running(known, now)
            known = add(
                known, replace(deploy(name, 0, "aaaaaaa" if source == "webhook" else ""), at=now, source=source)
            )
            found = running(known, now)
            waits = habit == "both" and source == "gate" and before.last and before.last.release != name
            assert (found.last.release if found.last else "") == (
                before.last.release if waits and before.last else name
            )
            assert (found.coming.release if found.coming else "") == (name if waits else "")
