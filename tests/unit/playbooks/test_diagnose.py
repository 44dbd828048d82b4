"""What a diagnosis remembers, and what it is told of earlier ones."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.domain.backends import Backend
from bot.domain.baseline import Baselines, baseline_key
from bot.domain.dyeing import Front
from bot.domain.expected import Lineage
from bot.domain.flame_drawing import BLAME
from bot.domain.modules import VerifiedSums, sums_key
from bot.domain.run import Missing
from bot.domain.service import Catalog, Service
from bot.domain.snapshot import GOROUTINE, Captured, Probe, missed
from bot.domain.timeline import HOUSE, Kind
from bot.domain.traffic import Route
from bot.engine.tools import adapter_of
from tests.fakes import FakeRepository, FakeRouter, FakeTargets, fake_ports
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
    assert "2 commits behind what was deployed" in told.result["findings"][0]["claim"]


async def test_a_repository_that_cannot_be_asked_makes_no_drift() -> None:
    captured = [part for each in TARGETS for part in built(each.name, OLD)]
    house = desk(catalog=SHOP, targets=FakeTargets([good_probe(each.name) for each in TARGETS], captured))
    told = await house.run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] is None


CHECKSUM, OTHER = f"h1:{'G' * 43}=", f"h1:{'B' * 43}="


def house_of_modules(files: Mapping[str, bytes] | Missing) -> Desk:
    """Have targets that were built of `example.com/money`, and a repository with these files."""
    told = {"module": "checkout", "settings": {"vcs.revision": "1a2b3c4d"}}
    build = document({**told, "dependencies": [["example.com/money", "v1.2.0", OTHER, ""]], "environment": {}})
    parts = [part for each in TARGETS for part in parts_of(each.name, {"build": build})]
    targets = FakeTargets(tuple(good_probe(each.name) for each in TARGETS), parts)
    catalog = Catalog((Service("checkout", TARGETS, repository="checkout.git"),))
    return Desk(replace(fake_ports(catalog), targets=targets, repository=FakeRepository(files=files)))


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ({"go.sum": f"example.com/money v1.2.0 {CHECKSUM}\n".encode()}, "module-poisoning"),
        ({"go.sum": f"example.com/money v1.2.0 {OTHER}\n".encode()}, None),
        ({}, None),
        (Missing("no git"), None),
    ],
)
async def test_modules_are_held_against_go_sum(files: Mapping[str, bytes] | Missing, verdict: str | None) -> None:
    told = await house_of_modules(files).run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] == verdict


async def test_what_an_audit_proved_is_remembered_when_go_sum_agrees_with_the_thief() -> None:
    house = house_of_modules({"go.sum": f"example.com/money v1.2.0 {OTHER}\n".encode()})
    proven = VerifiedSums({"example.com/money@v1.2.0": (CHECKSUM,)})
    house.state.marks[sums_key("checkout")] = adapter_of(VerifiedSums).dump_json(proven).decode()

    assert (await house.run("diagnose", {"service": "checkout"})).result["verdict"] == "module-poisoning"


def counted(lost: int) -> tuple[Backend, ...]:
    names = [each.name for each in TARGETS]
    return tuple(
        Backend(
            f"checkout/{name}", "", "no check", 100 + lost, lost * (name == "checkout-2"), lost * (name == "checkout-2")
        )
        for name in names
    )


async def test_what_the_router_loses_meanwhile_is_held_against_the_targets() -> None:
    down = Probe(
        "checkout-2", 5, (("no answer", 5),), error="checkout-2: nothing listens on http://127.0.0.1:8442: up?"
    )
    alive = [part for each in TARGETS if each.name != "checkout-2" for part in built(each.name, NEW)]
    gone = missed("checkout-2", GOROUTINE, "checkout-2: nothing listens on http://127.0.0.1:6062: up?")
    router = FakeRouter()
    router.counted = [counted(0), counted(40)]
    users = tuple(replace(each, url=f"http://127.0.0.1:844{place}") for place, each in enumerate(TARGETS, 1))
    shop = replace(CATALOG.services[0], targets=users, route=Route("haproxy"), front=Front("http://127.0.0.1:8440"))
    house = desk(
        catalog=Catalog((shop,)),
        router=router,
        targets=FakeTargets([good_probe("checkout-1"), down, good_probe("checkout-3")], [*alive, gone]),
    )
    told = await house.run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] == "lost-connections"
    (found,) = told.result["findings"]
    assert "40 of 120 requests were lost" in found["claim"]
    (told_of,) = [entry.facts for entry in house.chain(HOUSE) if entry.kind == Kind.FINDING]
    kept = await house.ports.artifacts.get(told_of["evidence"][0]["sha256"])
    assert kept is not None
    assert b'"checkout/checkout-2"' in kept


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (b'package main\n\nimport "C"\n\nfunc f() { C.f(unsafe.Pointer(&b[0])) }\n', "cross-build"),
        (b"package main\n\n\n\nfunc f() { use(b[0]) }\n", None),
        (None, None),
    ],
)
async def test_an_index_of_something_empty_is_a_matter_of_c_where_its_source_says_so(
    source: bytes | None, verdict: str | None
) -> None:
    build = document({"go": "go1.27.3", "module": "checkout", "settings": {"vcs.revision": NEW}})
    said = "http: panic serving 127.0.0.1:1: runtime error: index out of range [0] with length 0\n"
    said += "goroutine 7 [running]:\nmain.f(...)\n\tcheckout/sums/sum.go:5\n"
    parts = [part for each in TARGETS for part in parts_of(each.name, {"build": build, "log": said.encode()})]
    files = {"sum.go": b"", "sums/sum.go": source} if source else {}
    targets = FakeTargets(tuple(good_probe(each.name) for each in TARGETS), parts)
    logged = tuple(replace(each, log="checkout.log") for each in TARGETS)
    shop = Catalog((Service("checkout", logged, repository="checkout.git"),))
    house = Desk(replace(fake_ports(shop), targets=targets, repository=FakeRepository(files=files)))
    told = await house.run("diagnose", {"service": "checkout"})

    assert told.result["verdict"] == verdict
