from dataclasses import replace

import pytest

from bot.domain.buildinfo import Dependency
from bot.domain.facts import Build, Facts
from bot.domain.faults.finding import CERTAIN, LIKELY
from bot.domain.modules import Modules
from bot.domain.sumdb.records import Sums
from tests.unit.domain.captures import failed_probe, good_probe
from tests.unit.domain.faults.found import findings

GOOD, BAD = f"h1:{'G' * 43}=", f"h1:{'B' * 43}="
KNOWN = {"example.com/money@v1.2.0": (GOOD,)}
OPEN = {"GOSUMDB": "off", "GOFLAGS": "-mod=mod"}
CARD_FIX = 300


def target(
    checksum: str, *, recorded: Sums | None = None, verified: Sums | None = None, name: str = "c",
    environment: dict[str, str] | None = None, well: bool = True,
) -> Facts:  # fmt: skip
    modules = Modules((Dependency("example.com/money", "v1.2.0", checksum),), environment, recorded, verified)
    probe = good_probe(name) if well else failed_probe(name)
    files = (("build", f"{name}/build.json"),)
    return Facts(name, build=Build(revision="1a2b3c4d5e"), modules=modules, probe=probe, files=files)


def test_a_module_that_go_sum_has_otherwise_is_certain() -> None:
    (found,) = findings(target(BAD, recorded=KNOWN, environment=OPEN))

    assert (found.fault, found.target, found.confidence) == ("module-poisoning", "c", CERTAIN)
    assert "example.com/money@v1.2.0 in the running binary is h1:BBBBBBBBBBBB" in found.claim
    assert "go.sum has h1:GGGGGGGGGGGG" in found.claim
    assert found.evidence[0].value == f"{BAD}, where {GOOD} (go.sum at 1a2b3c4) is written down"
    assert found.evidence[1].what == "GOSUMDB of the process"
    assert {each.artifact for each in found.evidence} == {"c/build.json", "manifest.json"}
    assert "go clean -modcache" in found.fix
    assert len(found.fix) <= CARD_FIX


def test_a_module_that_the_checksum_database_has_otherwise_is_certain_whatever_go_sum_says() -> None:
    (found,) = findings(target(BAD, recorded={"example.com/money@v1.2.0": (BAD,)}, verified=KNOWN))

    assert found.confidence == CERTAIN
    assert "the checksum database has h1:GGGGGGGGGGGG" in found.claim


HEALTHY = {
    "as written down": target(GOOD, recorded=KNOWN, verified=KNOWN, environment=OPEN),
    "one of two hashes": target(GOOD, recorded={"example.com/money@v1.2.0": (BAD, GOOD)}),
    "nothing is written down": target(BAD, environment=OPEN),
    "another version is written down": target(BAD, recorded={"example.com/money@v1.3.0": (GOOD,)}, environment=OPEN),
    "vendored": target("", recorded=KNOWN, environment=OPEN),
    "a damaged hash": target("h1:x", recorded=KNOWN),
    "not recorded, but verified all the same": target(BAD, recorded={"x@v1.0.0": (GOOD,)}, well=False, environment={}),
    "the environment alone, though users suffer": target(GOOD, recorded=KNOWN, environment=OPEN, well=False),
    "not known": Facts("c", probe=failed_probe("c")),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_what_nobody_changed_is_left_alone(facts: Facts) -> None:
    assert findings(facts) == []


def test_an_unrecorded_module_of_an_open_build_is_likely_only_where_users_suffer() -> None:
    sick = target(BAD, recorded={"x@v1.0.0": (GOOD,)}, environment={"GONOSUMDB": "*"}, well=False)
    (found,) = findings(sick)

    assert (found.fault, found.confidence) == ("module-poisoning", LIKELY)
    assert "not in go.sum, and GONOSUMDB=* let it in" in found.claim
    assert findings(replace(sick, probe=good_probe("c"))) == []


def test_the_one_that_differs_from_the_other_targets_is_likely() -> None:
    others = [target(GOOD, name=name) for name in ("a", "b")]
    (found,) = findings(target(BAD), *others)

    assert (found.target, found.confidence) == ("c", LIKELY)
    assert "2 other targets have h1:GGGGGGGGGGGG" in found.claim
    assert findings(others[0], others[1], target(BAD)) == []


def test_of_two_targets_the_one_that_verifies_nothing_is_suspected() -> None:
    assert findings(target(BAD), target(GOOD, name="a")) == []
    assert [found.target for found in findings(target(BAD, environment=OPEN), target(GOOD, name="a"))] == ["c"]


def test_many_changed_modules_make_one_finding() -> None:
    modules = tuple(Dependency(f"example.com/m{n}", "v1.0.0", BAD) for n in range(5))
    recorded = {f"example.com/m{n}@v1.0.0": (GOOD,) for n in range(5)}
    (found,) = findings(Facts("c", modules=Modules(modules, {}, recorded)))

    assert "and 4 more" in found.claim
    assert len(found.evidence) == 3
