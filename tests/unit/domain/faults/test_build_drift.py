"""What runs is held against what was deployed, and against the history of the repository."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.deploys import Deploy
from bot.domain.expected import Expected, Lineage
from bot.domain.facts import Build, Facts
from bot.domain.faults.build_drift import FAULT
from bot.domain.faults.finding import CERTAIN, LIKELY
from tests.unit.domain.faults.found import classes, findings

NEW, OLD, SIDE = "a" * 40, "b" * 40, "c" * 40
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORD = Deploy("checkout", "v1.5.0", AT, "Ada", NEW[:12], "webhook")
HERE, BEHIND = Lineage(NEW, ("main", "v1.5.0"), NEW), Lineage(OLD, ("main", "v1.4.0"), NEW, 0, 3)


def runs(revision: str, expected: Expected | None, target: str = "checkout-1", **build: str | bool) -> Facts:
    known = Build(revision=revision, id=f"link-{revision[:3]}", go="go1.27.3")
    return Facts(target, goroutines=9, build=replace(known, **build), expected=expected)  # type: ignore[arg-type]


WELL = runs(NEW, Expected(RECORD, HERE), "checkout-2")


def test_an_older_release_than_deployed_is_named_with_its_distance() -> None:
    (found,) = findings(runs(OLD, Expected(RECORD, BEHIND)), WELL, replace(WELL, target="checkout-3"))

    assert (found.fault, found.confidence) == (FAULT, CERTAIN)
    assert found.claim == (
        "It runs bbbbbbb, 3 commits behind what was deployed at 2026-03-01 12:00 UTC: v1.5.0 (aaaaaaa) by Ada. "
        "2 of 2 others run that."
    )
    assert found.evidence[0].value == "bbbbbbb; v1.5.0 (aaaaaaa) by Ada"
    assert found.fix.startswith("Deploy v1.5.0 (aaaaaaa) by Ada to this target")
    assert found.verify == "Its build info says aaaaaaa, like the record."


def test_what_all_targets_run_may_only_not_have_been_told() -> None:
    ahead = Lineage(SIDE, ("main",), NEW, 2, 0)
    (found,) = findings(runs(SIDE, Expected(RECORD, ahead)), runs(SIDE, Expected(RECORD, ahead), "checkout-2"))

    assert found.confidence == LIKELY
    assert "2 commits ahead of what was deployed at" in found.claim
    assert found.claim.endswith("So does the other target.")
    assert "record it (`/incident deploy`)" in found.fix


def test_a_commit_of_another_line_is_told_by_both_sides() -> None:
    (found,) = findings(runs(SIDE, Expected(RECORD, Lineage(SIDE, ("hotfix",), NEW, 1, 4))), WELL)

    assert "with 1 commit of its own and 4 commits short of what was deployed" in found.claim


@pytest.mark.parametrize(
    ("lineage", "words", "confidence"),
    [
        (Lineage("", (), NEW), "which the repository does not have", CERTAIN),
        (Lineage(SIDE, (), ""), "which no branch and no tag holds", LIKELY),
    ],
)
def test_what_nobody_can_build_again_is_told_during_a_rollout_too(
    lineage: Lineage, words: str, confidence: str
) -> None:
    (found,) = findings(runs(SIDE, Expected(RECORD, lineage, "v1.5.0 was deployed at 11:58 UTC")))

    assert (found.fault, found.confidence) == (FAULT, confidence)
    assert words in found.claim


def test_a_dirty_build_is_told_even_of_the_right_commit() -> None:
    (found,) = findings(runs(NEW, Expected(RECORD, HERE), modified=True), WELL)

    assert found.confidence == CERTAIN
    assert found.claim == "It was built from aaaaaaa and changes that no commit holds."
    assert found.verify == "Its build info says vcs.modified=false."


@pytest.mark.parametrize(
    ("record", "build", "words"),
    [
        ({"go": "go1.27.3"}, {"go": "go1.26.1"}, "toolchain go1.26.1, the deploy record: go1.27.3"),
        ({"build": "link-one"}, {}, "link id link-aaa, the deploy record: link-one"),
    ],
)
def test_the_right_commit_built_otherwise(record: dict[str, str], build: dict[str, str], words: str) -> None:
    told = Expected(replace(RECORD, **record), HERE)  # type: ignore[arg-type]
    (found,) = findings(runs(NEW, told, **build))

    assert found.confidence == CERTAIN
    assert words in found.claim


def test_another_toolchain_than_the_others_of_the_same_commit() -> None:
    mine = runs(NEW, Expected(RECORD, HERE), go="go1.26.1")

    assert classes(mine, WELL) == []
    (found,) = findings(mine, WELL, replace(WELL, target="checkout-3"))
    assert found.confidence == LIKELY


def test_another_environment_than_the_others_of_the_same_commit() -> None:
    usual = replace(WELL, build=replace(WELL.build, environment=(("GOGC", "100"),)))
    odd = replace(usual, target="checkout-1", build=replace(WELL.build, environment=(("GODEBUG", "netdns=go"),)))
    (found,) = findings(odd, usual, replace(usual, target="checkout-3"))

    assert (found.fault, found.confidence) == (FAULT, LIKELY)
    assert found.claim == (
        "It runs in another environment: GODEBUG=netdns=go, GOGC=(unset), the others of the same commit: "
        "GODEBUG=(unset), GOGC=100."
    )
    unknown = replace(usual, target="checkout-3", build=replace(WELL.build, environment=None))
    assert classes(usual, usual, replace(usual, target="checkout-3")) == classes(odd, usual) == []
    assert classes(odd, usual, unknown) == classes(replace(odd, build=WELL.build), usual, usual) == []


def test_releases_are_compared_by_name_where_no_commit_is_known() -> None:
    served = Facts("c", build=Build(release="v1.4.0"), expected=Expected(replace(RECORD, commit="")))

    assert classes(served) == [FAULT]
    assert classes(replace(served, build=Build(release="v1.5.0"))) == []


@pytest.mark.parametrize(
    "facts",
    [
        runs(OLD, None),
        runs(OLD, Expected()),
        runs(NEW, Expected(RECORD, HERE)),
        runs(NEW[:12], Expected(RECORD)),
        runs(OLD, Expected(RECORD, BEHIND, "v1.5.0 was deployed at 11:58 UTC")),
        runs(OLD, Expected(replace(RECORD, commit=""), Lineage(OLD, ("main",), ""))),
        runs("", Expected(RECORD)),
        runs("", Expected(replace(RECORD, commit="", go="go1.20", build=""))),
        runs(NEW, Expected(replace(RECORD, go="go1.27.3", build="link-aaa"), HERE)),
        runs(OLD, Expected(None, BEHIND)),
        runs(SIDE, Expected(None, Lineage("", (), NEW))),
        runs(NEW, Expected(None, HERE), modified=True),
        Facts("checkout-1", expected=Expected(RECORD)),
    ],
    ids=str,
)
def test_what_is_as_it_should_be_or_not_known_is_no_drift(facts: Facts) -> None:
    assert classes(facts, WELL) == []


def test_a_rollout_excuses_another_release_and_nothing_else() -> None:
    dirty = runs(OLD, Expected(RECORD, BEHIND, "the router says: canary gets 10 %"), modified=True)
    (found,) = findings(dirty, WELL)

    assert found.claim == "It was built from bbbbbbb and changes that no commit holds."
