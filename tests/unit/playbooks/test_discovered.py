"""Verbs ask the targets that are found like those that are named, and say who was left out."""

from typing import Any

from bot.domain.discovery import DiscoveryPlan
from bot.domain.run import RunStatus
from bot.domain.service import Catalog, Service, Target
from bot.domain.sightings import Discovered
from bot.domain.snapshot import Captured, PartStatus, Probe
from tests.fakes import FakeDiscovery, FakeTargets
from tests.unit.playbooks.desk import PEOPLE, Desk, desk

PLAN = DiscoveryPlan("prometheus", ("127.0.0.0/8",))
SERVICE = Service("checkout", (), prometheus="http://127.0.0.1:9090", people=PEOPLE, discovery=PLAN)
FOUND = tuple(Target(f"checkout-{n}", "checkout", f"http://127.0.0.1:606{n}") for n in (1, 2))
LATER = (Target("checkout-9", "checkout", "http://127.0.0.1:6069"),)
LOSS = "checkout: left out: 10.9.0.1:6060; 10.9.0.1 is 10.9.0.1, outside of its allow list (127.0.0.0/8)"


def house(*found: Discovered) -> Desk:
    captures = [
        Captured(one.name, part, PartStatus.OK, f"{one.name}/{part}.pb.gz", 1, "a" * 64, content=b"?")
        for one in (*FOUND, *LATER)
        for part in ("heap", "cpu")
    ]
    probes = [Probe(target.name, 5, (("200", 5),), 2.0, 3.0) for target in FOUND]
    return desk(catalog=Catalog((SERVICE,)), discovery=FakeDiscovery(*found), targets=FakeTargets(probes, captures))


def asked(at: Desk) -> set[str]:
    targets: Any = at.ports.targets
    return {name for name, _ in targets.asked}


async def test_a_snapshot_asks_who_was_found_first_in_all_its_steps_and_keeps_who_was_left_out() -> None:
    at = house(Discovered(FOUND, (LOSS,)), Discovered(LATER))
    run = await at.run("snapshot", {"service": "checkout"})
    assert run.status is RunStatus.DONE, run.reason
    assert asked(at) == {"checkout-1", "checkout-2"}
    assert run.result["losses"] == [LOSS]
    assert run.result["summary"].startswith("2 targets captured, 4 parts, 1 lost")
    assert run.result["summary"].endswith(f"; {LOSS}")
    (kept,) = [entry.facts for entry in at.chain("house") if entry.kind == "artifact"]
    assert kept["losses"] == [LOSS]


async def test_when_nobody_is_found_it_is_said_what_to_change() -> None:
    said = 'checkout: no target is found: http://127.0.0.1:9090 scrapes nothing with job="checkout": set `job`'
    at = house(Discovered((), (said,)))
    run = await at.run("snapshot", {"service": "checkout"})
    assert run.reason == f"checkout has no targets. {said}"


async def test_what_changed_is_asked_of_who_was_found() -> None:
    at = house(Discovered(FOUND), Discovered(LATER))
    assert "All 2 targets answer" in await at.text("changes checkout")
    assert asked(at) == {"checkout-1", "checkout-2"}


async def test_a_digest_says_that_the_list_is_not_whole_and_when_it_is_again() -> None:
    at = house(Discovered(FOUND, (LOSS,)), Discovered(FOUND))
    assert f"New: {LOSS}" in await at.text("digest")
    assert asked(at) == {"checkout-1", "checkout-2"}


async def test_packets_are_refused_of_whom_nobody_has_found() -> None:
    said = "checkout: its targets are not known: no answer within 3 s"
    assert await house(Discovered((), (said,))).text("packets checkout") == f"checkout has no targets. {said}"
