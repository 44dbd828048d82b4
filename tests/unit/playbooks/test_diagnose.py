"""What a diagnosis remembers, and what it is told of earlier ones."""

from dataclasses import replace

from bot.domain.baseline import Baselines, baseline_key
from bot.domain.expected import Lineage
from bot.domain.flame_drawing import BLAME
from bot.domain.service import Catalog
from bot.domain.snapshot import GOROUTINE, Captured, Probe, missed
from bot.engine.tools import adapter_of
from tests.fakes import FakeRepository, FakeTargets
from tests.unit.domain.captures import cpu, document, failed_probe, good_probe, parts_of
from tests.unit.domain.go_profiles import main_frame
from tests.unit.domain.pixels import coloured, pixels
from tests.unit.playbooks.desk import CATALOG, TARGETS, Desk, desk

NEW, OLD = "a" * 40, "b" * 40
SHOP = Catalog(tuple(replace(each, repository="here") for each in CATALOG.services))


def captures() -> list[Captured]:
    return [part for each in TARGETS for part in parts_of(each.name, {"cpu": cpu(((main_frame("serve"),), 8))})]


def house_with(*probes: Probe) -> Desk:
    return desk(targets=FakeTargets(probes, captures()))


def remembered(house: Desk) -> Baselines | None:
    text = house.state.marks.get(baseline_key("checkout"))
    return adapter_of(Baselines).validate_json(text) if text else None


async def test_what_healthy_targets_are_like_is_remembered() -> None:
    house = house_with(*(good_probe(each.name) for each in TARGETS))
    told = await house.run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] is None
    known = remembered(house)
    assert known is not None
    assert set(known.targets) == {each.name for each in TARGETS}
    assert set(known.targets["checkout-1"].profiles) == {"cpu", "allocs", "heap"}


async def test_nothing_is_remembered_while_somebody_suffers() -> None:
    house = house_with(*(failed_probe(each.name) for each in TARGETS))
    await house.run("diagnose", {"service": "checkout"})

    assert remembered(house) is None


async def test_nothing_is_remembered_during_an_incident() -> None:
    house = house_with(*(good_probe(each.name) for each in TARGETS))
    await house.say("start sev3 checkout slow")
    await house.say("diagnose")

    assert remembered(house) is None


async def test_a_verdict_has_the_picture_that_proves_it_and_names_its_snapshot() -> None:
    hot = cpu(((main_frame("encode", 56), main_frame("handle")), 190))
    sick = [part for each in TARGETS for part in parts_of(each.name, {"cpu": hot})]
    house = desk(targets=FakeTargets(tuple(good_probe(each.name, 900.0) for each in TARGETS), sick))
    told = await house.run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] == "cpu-hotspot"
    picture = await house.ports.artifacts.get(told.result["picture"])
    assert picture is not None
    assert coloured(pixels(picture), BLAME) > 1_000
    assert told.result["snapshot"].startswith(f"{told.id}.")


async def test_the_card_has_the_target_the_numbers_and_the_line_to_blame() -> None:
    hot = cpu(((main_frame("encode", 56), main_frame("handle")), 190))
    sick = [part for each in TARGETS[:1] for part in parts_of(each.name, {"cpu": hot})]
    down = missed("checkout-2", GOROUTINE, "checkout-2: nothing listens")
    house = desk(targets=FakeTargets((good_probe("checkout-1", 900.0),), [*sick, down]))
    await house.say("start sev3 checkout slow")
    told = await house.say("diagnose incident=INC-1")

    incident = house.incident()
    assert incident.verdict == "cpu-hotspot"
    assert incident.proof.startswith("checkout-1, ")
    assert "main.encode (checkout/main.go:56)" in incident.proof
    assert "could not be examined" not in incident.proof
    assert told.result["summary"].startswith("cpu-hotspot on checkout-1: ")
    assert "checkout-2 could not be examined" in told.result["summary"]


def built(target: str, revision: str) -> list[Captured]:
    build = {"go": "go1.27.3", "settings": {"vcs.revision": revision, "vcs.modified": "false"}}
    return parts_of(target, {"cpu": cpu(((main_frame("serve"),), 8)), "build": document(build)})


async def test_what_runs_is_held_against_the_deploy_record_and_the_history() -> None:
    runs = dict(zip((each.name for each in TARGETS), (NEW, OLD, NEW), strict=True))
    captured = [part for name, revision in runs.items() for part in built(name, revision)]
    repository = FakeRepository()
    repository.lineages = {
        (NEW, NEW[:12]): Lineage(NEW, ("main",), NEW),
        (OLD, NEW[:12]): Lineage(OLD, ("main",), NEW, 0, 2),
    }
    house = desk(
        catalog=SHOP, targets=FakeTargets([good_probe(name) for name in runs], captured), repository=repository
    )
    await house.say(f"deploy checkout release=v1.5.0 commit={NEW[:12]}")
    young = await house.run("diagnose", {"service": "checkout"})
    house.later(11 * 60)
    told = await house.run("diagnose", {"service": "checkout"})

    assert young.result["verdict"] is None
    assert told.result["verdict"] == "build-drift"
    assert told.result["findings"][0]["target"] == "checkout-2"
    assert "2 commits behind: v1.5.0" in told.result["findings"][0]["claim"]


async def test_a_repository_that_cannot_be_asked_makes_no_drift() -> None:
    captured = [part for each in TARGETS for part in built(each.name, OLD)]
    house = desk(catalog=SHOP, targets=FakeTargets([good_probe(each.name) for each in TARGETS], captured))
    told = await house.run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] is None
