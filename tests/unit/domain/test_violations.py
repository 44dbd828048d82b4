"""Builds are held against record, repository, branches, stamp and environment; what follows depends on the policy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.deploys import Deploy
from bot.domain.expected import Expected, Lineage
from bot.domain.facts import Build, Facts, Loss
from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.incident import Severity
from bot.domain.stamp import Stamp
from bot.domain.violations import Guarded, alerts, carried, counts, judge, of_guard, sentence

NEW, OLD = "a" * 40, "b" * 40
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=10)
RECORD = Deploy("checkout", "v1.5.0", AT - timedelta(days=1), "Ada", NEW, "webhook", go="go1.27.3", build="7001")
STAMP = Stamp("7001", NEW, "go1.27.3", "prod")
WELL = Build("link", "go1.27.3", revision=NEW, stamp=STAMP, runs_in="prod", told=NEW[:12])
HERE = Lineage(NEW, ("main",), NEW)
PLAN = GuardPlan("prod", ("main",), frozenset({Reason.DIRTY_TREE, Reason.COMMIT_MISMATCH}), Severity.SEV2, stamped=True)


def runs(
    target: str = "checkout-1", lineage: Lineage | None = HERE, record: Deploy | None = RECORD, **parts: Any
) -> Facts:
    return Facts(target, build=replace(WELL, **parts), expected=Expected(record, lineage))


def look(*facts: Facts, before: Guarded | None = None, at: datetime = AT, held: bool = True) -> Guarded:
    revisions = {each.build.revision for each in facts}
    return carried(judge({each.target: each for each in facts}, PLAN, dict.fromkeys(revisions, held), at), before)


def reasons(guarded: Guarded) -> list[str]:
    return [each.reason.value for each in guarded.violations]


def test_a_build_that_is_what_all_say_is_in_order() -> None:
    guarded = look(runs(), runs("checkout-2"))
    assert reasons(guarded) == []
    assert sentence("checkout", guarded) == "*checkout*: the builds of 2 targets are what they should be."
    assert set(counts(guarded).values()) == {0}
    assert list(counts(guarded)) == list(Reason)


@pytest.mark.parametrize(
    ("facts", "reason", "claim"),
    [
        (runs(modified=True), "dirty_tree", "changes that no commit holds"),
        (runs(lineage=Lineage(), record=None), "commit_unknown", "which the repository does not have"),
        (runs(lineage=Lineage(OLD, ("main",), NEW, 0, 2), revision=OLD, told="", stamp=replace(STAMP, commit=OLD)),
         "commit_mismatch", "2 commits behind what was deployed"),
        (runs(go="go1.26.1", stamp=replace(STAMP, go="go1.26.1")), "go_version_mismatch", "toolchain go1.26.1"),
        (runs(record=None, go="go1.26.1"), "go_version_mismatch", "stamped go1.27.3 and was built by go1.26.1"),
        (runs(stamp=replace(STAMP, build_id="6999")), "build_id_mismatch", "link id link"),
        (runs(runs_in="staging"), "environment_mismatch", "It was built for prod, it runs in staging"),
        (runs(stamp=replace(STAMP, env="staging"), runs_in=""), "environment_mismatch", "it is configured for prod"),
        (runs(told=OLD), "stamp_mismatch", "It tells bbbbbbb, and its program is of aaaaaaa"),
        (runs(stamp=replace(STAMP, commit=OLD)), "stamp_mismatch", "It is stamped bbbbbbb"),
        (runs(stamp=replace(STAMP, env="")), "stamp_missing", "It carries no env."),
        (Facts("checkout-1", losses=(Loss("build", "failed", "nobody listens"),)), "unseen", "nobody listens"),
    ],
)  # fmt: skip
def test_each_way_to_differ_has_its_reason(facts: Facts, reason: str, claim: str) -> None:
    guarded = look(facts)
    assert reasons(guarded) == [reason]
    assert claim in guarded.violations[0].claim
    assert guarded.violations[0].fix
    assert f"`{reason}` checkout-1: " in sentence("checkout", guarded)


@pytest.mark.parametrize("go", ["go1.27.3-X:arenas,nojsonv2", "go1.27.3 X:boringcrypto"])
def test_a_stamp_and_a_record_name_no_experiments_and_what_they_name_is_the_go(go: str) -> None:
    assert reasons(look(runs(go=go))) == []
    assert reasons(look(runs(go=go, record=replace(RECORD, go=go)))) == []
    assert reasons(look(runs(go=go.replace("1.27.3", "1.27.2")))) == ["go_version_mismatch"]
    assert reasons(look(runs(record=replace(RECORD, go=go)))) == ["go_version_mismatch"]
    others = [runs(f"checkout-{number}", record=None) for number in (2, 3)]
    assert reasons(look(runs(go=go, record=None), *others)) == ["go_version_mismatch"]


def test_ancestry_counts_and_not_how_old_a_commit_is() -> None:
    assert reasons(look(runs(), held=False)) == ["commit_not_in_branch"]
    assert reasons(judge({"checkout-1": runs()}, PLAN, {}, AT)) == [], "what is not known is no violation"


def test_within_a_rollout_another_release_may_run_but_no_dirty_one() -> None:
    rolling = Expected(RECORD, Lineage(OLD, ("main",), NEW, 0, 1), "v1.5.0 was deployed at 11:58 UTC")
    build = replace(WELL, revision=OLD, told="", stamp=replace(STAMP, commit=OLD), modified=True)
    assert reasons(look(Facts("checkout-1", build=build, expected=rolling))) == ["dirty_tree"]


def test_since_when_stays_and_what_nobody_can_see_is_not_well() -> None:
    first = look(runs(modified=True))
    again = look(runs(modified=True), before=first, at=LATER)
    gone = look(Facts("checkout-1"), before=again, at=LATER)
    assert again.violations[0].since == AT
    assert reasons(gone) == ["dirty_tree", "unseen"]
    assert reasons(look(runs(), before=gone, at=LATER)) == []


SLOW = Loss("version", "failed", "checkout-1: http://127.0.0.1:8080/version gave no answer in 2 s")
BARE: dict[str, Any] = {"revision": "", "stamp": Stamp(), "told": "", "release": "", "runs_in": ""}
"""What an agent reads of a build with -trimpath and -buildvcs=false: its Go."""


def partly(*losses: Loss, **parts: Any) -> Facts:
    return replace(runs(**parts), losses=losses)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"modified": True}, "dirty_tree"),
        ({"lineage": Lineage(), "record": None}, "commit_unknown"),
        ({"lineage": Lineage(OLD, ("main",), NEW), "revision": OLD, "told": "", "stamp": replace(STAMP, commit=OLD)},
         "commit_mismatch"),
        ({"record": None, "go": "go1.26.1"}, "go_version_mismatch"),
        ({"stamp": replace(STAMP, build_id="6999")}, "build_id_mismatch"),
        ({"stamp": replace(STAMP, env="staging"), "runs_in": ""}, "environment_mismatch"),
        ({"told": OLD}, "stamp_mismatch"),
        ({"stamp": replace(STAMP, env="")}, "stamp_missing"),
    ],
)  # fmt: skip
def test_what_was_wrong_is_not_over_because_a_target_did_not_tell_it(wrong: dict[str, Any], reason: str) -> None:
    before = look(runs(**wrong))
    record = {name: wrong[name] for name in ("record",) if name in wrong}
    silent = look(partly(SLOW, **record, lineage=None, **BARE), before=before, at=LATER)
    again = look(runs(**record), before=silent, at=LATER)

    assert (reasons(silent), silent.violations) == ([reason], before.violations)
    heard = alerts("checkout", before, silent, replace(PLAN, opens=frozenset(Reason)))
    assert [each.firing for each in heard] == [True]
    assert sentence("checkout", silent).endswith(f"Not all is known: {SLOW.reason}.")
    assert (reasons(again), again.untold) == ([], ())


def test_a_commit_that_no_branch_holds_is_not_over_because_nobody_tells_it() -> None:
    before = look(runs(), held=False)
    assert reasons(look(partly(SLOW, lineage=None, **BARE), before=before, at=LATER)) == ["commit_not_in_branch"]


def test_nothing_is_missing_from_a_build_that_was_not_told_whole() -> None:
    bare = partly(SLOW, lineage=None, **BARE)
    skipped = partly(replace(SLOW, status="skipped"), lineage=None, **BARE)
    assert reasons(look(bare)) == []
    assert reasons(look(skipped)) == ["build_id_mismatch", "stamp_missing"]
    assert reasons(look(partly(SLOW, modified=True, go="go1.26.1"))) == ["dirty_tree", "go_version_mismatch"]


def test_what_is_told_again_in_another_way_is_over() -> None:
    before = look(runs(stamp=replace(STAMP, env="", build_id="6999")), held=False)
    assert reasons(before) == ["build_id_mismatch", "commit_not_in_branch", "stamp_missing"]
    assert reasons(look(partly(SLOW, told=""), before=before, at=LATER)) == []


AWAY = Loss("build", "failed", "checkout-1: http://127.0.0.1:6060 answered 401")
NO_PROFILE = Loss("goroutine", "failed", "checkout-1: http://127.0.0.1:6060/debug/pprof/goroutine answered 404")


@pytest.mark.parametrize(
    ("wrong", "served", "reason"),
    [
        ({"modified": True}, {"modified": None, "stamp": Stamp(), "told": NEW}, "dirty_tree"),
        ({"lineage": Lineage(OLD, ("main",), NEW), "revision": OLD, "told": "", "stamp": replace(STAMP, commit=OLD)},
         {**BARE, "lineage": None, "release": "v1.5.0"}, "commit_mismatch"),
        ({"go": "go1.26.1", "stamp": replace(STAMP, go="go1.26.1")},
         {**BARE, "lineage": None, "go": "go1.26.1", "stamp": Stamp(go="go1.26.1")}, "go_version_mismatch"),
        ({"told": OLD, "record": None},
         {"told": OLD, "record": None, "revision": OLD, "stamp": replace(STAMP, commit=OLD), "lineage": None},
         "stamp_mismatch"),
    ],
)  # fmt: skip
def test_what_an_agent_found_is_not_over_by_what_the_service_says_while_the_agent_is_away(
    wrong: dict[str, Any], served: dict[str, Any], reason: str
) -> None:
    before = look(runs(**wrong))
    assert reasons(before) == [reason]
    assert look(partly(AWAY, **{"runs_in": "", **served}), before=before, at=LATER).violations == before.violations


def test_a_release_is_what_should_run_where_no_commit_was_told_of_it() -> None:
    record = Deploy("checkout", "v1.5.0", AT - timedelta(days=1), "Ada")
    before = look(runs(record=record, lineage=None, **{**BARE, "release": "v1.4.0", "stamp": STAMP}))
    served = partly(AWAY, record=record, lineage=None, **{**BARE, "release": "v1.5.0", "stamp": STAMP})
    assert reasons(before) == ["commit_mismatch"]
    assert reasons(look(served, before=before, at=LATER)) == []


def test_a_tree_that_is_told_to_be_clean_is_no_dirty_one_any_more() -> None:
    served = partly(AWAY, modified=False, runs_in="")
    assert reasons(look(served, before=look(runs(modified=True)), at=LATER)) == []


def test_a_part_that_is_lost_leaves_unknown_only_what_it_tells() -> None:
    fine = partly(NO_PROFILE, id="", runs_in="")
    other = partly(NO_PROFILE, id="", stamp=replace(STAMP, build_id="6999"))
    both = partly(NO_PROFILE, SLOW, id="", told="")
    alike = partly(*(replace(each, reason="no answer") for each in (AWAY, NO_PROFILE)), id="", stamp=Stamp("6999"))
    assert look(fine).untold == ()
    assert sentence("checkout", look(fine)) == "*checkout*: the builds of 1 target are what they should be."
    assert [each.reasons for each in look(other).untold] == [(Reason.BUILD_ID_MISMATCH,)]
    assert [each.why for each in look(both).untold] == [SLOW.reason]
    assert [each.why for each in look(alike).untold] == ["no answer"]
    assert {Reason.STAMP_MISSING, Reason.BUILD_ID_MISMATCH} <= {*look(alike).untold[0].reasons}


def test_who_does_not_tell_all_for_two_looks_is_unseen_and_why() -> None:
    bare = partly(SLOW, lineage=None, **BARE)
    first = look(bare)
    second = look(bare, before=first, at=LATER)
    third = look(bare, before=second, at=LATER + timedelta(minutes=10))
    after = look(runs(), before=third, at=LATER + timedelta(minutes=20))

    assert [reasons(each) for each in (first, second, third, after)] == [[], ["unseen"], ["unseen"], []]
    assert (second.violations, counts(second)[Reason.UNSEEN]) == (third.violations, 1)
    words = "http://127.0.0.1:8080/version gave no answer in 2 s"
    assert [each.text for each in of_guard("checkout", second)] == [
        f"checkout-1: Not all of its build can be seen, for two looks or more: {words}."
    ]
    assert sentence("checkout", first).splitlines() == [
        "*checkout*: nothing wrong is seen in the builds of 1 target; not all is known.",
        f"Not all is known: {SLOW.reason}.",
    ]
    assert sentence("checkout", second).count(words) == 1


def test_a_look_that_is_heard_twice_is_one_look() -> None:
    bare = partly(SLOW, lineage=None, **BARE)
    first = look(bare)
    second = look(bare, before=first, at=LATER)
    assert look(bare, before=first) == first
    assert look(bare, before=second, at=LATER) == second


def test_who_told_nothing_and_then_not_all_is_unseen_still() -> None:
    before = look(Facts("checkout-1", losses=(SLOW,)))
    after = look(partly(SLOW, lineage=None, **BARE), before=before, at=LATER)
    assert [(each.reason, each.since) for each in after.violations] == [(Reason.UNSEEN, AT)]
    assert "Not all of its build can be seen" in after.violations[0].claim


def test_only_the_reasons_of_the_policy_fire_and_what_is_over_is_told() -> None:
    before = look(runs(modified=True, runs_in="staging"))
    fired = alerts("checkout", None, before, PLAN)
    over = alerts("checkout", before, look(runs(), before=before, at=LATER), PLAN)

    assert [(each.name, each.firing, each.starts_at) for each in fired] == [("dirty_tree on checkout-1", True, AT)]
    assert fired[0].labels == {"service": "checkout", "target": "checkout-1", "reason": "dirty_tree"}
    assert {(each.name, each.firing) for each in over} == {
        ("dirty_tree on checkout-1", False),
        ("environment_mismatch on checkout-1", False),
    }


def test_the_digest_has_a_line_for_each_reason() -> None:
    guarded = look(runs(modified=True), runs("checkout-2", modified=True), Facts("checkout-3"))
    lines = list(of_guard("checkout", guarded))
    assert [each.key for each in lines] == ["guard:checkout:unseen", "guard:checkout:dirty_tree"]
    assert lines[1].text.startswith("checkout-1 (and 1 more): It was built from aaaaaaa")
    assert list(of_guard("checkout", None)) == []
