from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploys import (
    DENIED_KEPT,
    KEPT,
    WAITS,
    Deploy,
    Running,
    Suspected,
    add,
    came,
    denied,
    last_denied,
    last_good,
    rolled_back,
    running,
    suspected,
    taken_back,
    went_out,
    with_tags,
)
from bot.domain.expected import standing, unreplaced
from bot.domain.gate.evidence import Objection, Obstacle
from tests.fakes import NOON


def deploy(release: str, minutes: int, commit: str = "") -> Deploy:
    return Deploy("checkout", release, NOON + timedelta(minutes=minutes), "Ada", commit, "webhook")


V0 = deploy("v0", 0)
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
    assert what((), late) == (Running(), Suspected())
    assert what((V1, V2, V3, tag), late) == (Running(V3), Suspected(V3, V2))
    assert what((V1, V2, V3, tag), NOON) == (Running(V1), Suspected(V1))
    assert what((V1, V2, gated, tag), late) == (Running(V2, gated), Suspected(gated, V2))
    assert what((V1, V2, back, tag), late) == (Running(back), Suspected(back, V2))
    passed = replace(V2, source="gate")
    assert what((passed, gated, tag), late) == (Running(gated), Suspected(gated, passed))
    assert what((older, gated, tag), late) == (Running(gated), Suspected(gated, older))
    assert what((older, tag), late) == (Running(tag), Suspected(tag, older))


def what(known: tuple[Deploy, ...], at: datetime) -> tuple[Running, Suspected]:
    return running(known, at), suspected(known, at)


DAYS = [replace(deploy(f"v{day}", 1440 * day), source="gate") for day in range(1, 6)]


def test_where_one_was_told_once_each_that_the_gate_lets_through_runs_when_nobody_has_told_of_it_for_long() -> None:
    first, second, third, *_ = DAYS
    known = (V0, *DAYS[:3])
    assert what(known, third.at) == (Running(V0, third), Suspected(third, V0))
    assert what(known, first.at + WAITS) == (Running(first, third), Suspected(third, first))
    assert what(known, second.at + WAITS) == (Running(second, third), Suspected(third, second))
    assert what(known, third.at + WAITS) == (Running(third), Suspected(third, second))


def test_what_another_was_deployed_in_place_of_never_ran_however_long_nobody_told() -> None:
    late = DAYS[0].at + 9 * WAITS
    told = replace(deploy("v9", 0), at=late)
    assert what((V0, *DAYS, told), late) == (Running(told), Suspected(told, V0))
    assert what((*DAYS, told), late) == (Running(told), Suspected(told, DAYS[-1]))
    taken = replace(DAYS[3], rolled_back_at=DAYS[4].at)
    assert came((V0, *DAYS[:3], taken, DAYS[4], told), late) == ([V0, taken, told], [])


AGAIN = replace(V1, source="gate", at=V2.at + timedelta(minutes=5), commit="")


def test_what_ran_before_and_is_let_through_again_is_the_way_back_and_not_what_is_bad() -> None:
    at = AGAIN.at
    assert what((V1, V2, AGAIN), at) == (Running(V2, AGAIN), Suspected(V2, V1))
    known = rolled_back((V1, V2, AGAIN), "v2", at)
    assert (standing(known), unreplaced(known, at)) == (AGAIN, (V1,))
    bad = rolled_back((V1, V2), "v1", at)
    assert suspected((*bad, AGAIN), at) == Suspected(AGAIN, V2)
    other = replace(AGAIN, commit="dddddddd")
    assert suspected((V1, V2, other), at) == Suspected(other, V2)


def test_whoever_names_a_release_has_the_last_deploy_of_it_suspected() -> None:
    passed, at = replace(V3, source="gate"), NOON + timedelta(hours=1)
    assert suspected((V1, V2, passed), at, "v2") == Suspected(V2, V1)
    assert suspected((V1, V2, passed), at, "v1") == Suspected(V1)
    assert suspected((V1, V2, AGAIN), at, "v1") == Suspected(AGAIN, V2)
    assert suspected((V1, replace(V2, source="gate"), V3), at, "v2").good == V1
    assert suspected((V1, replace(V2, source="tag")), at, "v2") == suspected((), at, "v9") == Suspected()


def test_what_earlier_releases_have_kept_twice_is_one_deploy() -> None:
    told, at = V2, NOON + timedelta(hours=1)
    kept = (V1, told, replace(told, source="gate", commit="", at=at))
    assert what(kept, at) == (Running(told), Suspected(told, V1))
    assert standing(rolled_back(kept, "v2", at)) == V1


def test_what_is_told_again_of_the_same_moment_completes_it() -> None:
    bare = (V1, replace(V2, commit=""), replace(V3, at=V2.at))
    assert add(bare, replace(V2, build="4f5e6d7c")) == (V1, replace(V2, build="4f5e6d7c"), replace(V3, at=V2.at))


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


@pytest.mark.parametrize("source", ["gate", "webhook"])
def test_what_is_out_and_goes_out_again_is_denied_no_more(source: str) -> None:
    known = add(ALL, replace(DENIED, release="v3"))
    assert last_denied(add(known, replace(V3, at=NOON, source=source))) == known[-1]
    late = replace(V3, at=NOON + timedelta(hours=1), source=source, commit="")
    known = add(known, late)
    assert (went_out(known), last_denied(known)) == ([*ALL], None)
    assert add(known, late) == known
    other = replace(V3, at=late.at, source=source, commit="dddddddd")
    assert [
        each.passed_at for each in denied(add(add(ALL, replace(DENIED, release="v3", commit=V3.commit)), other))
    ] == [None]
    again = replace(DENIED, release="v3", at=NOON + timedelta(hours=2))
    assert last_denied(add(known, again)) == again


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
