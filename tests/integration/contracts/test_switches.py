"""The Switches port: the fake, and the real adapter on a target of the lab that runs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.targets.switches import HttpSwitches
from bot.domain.drills import Drilled, Size, Switch, pick, read_switches
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.ports import Switches
from tests.fakes import FakeSwitches
from tests.integration.emulator_process import eventually
from tests.lab import Lab, running_lab

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
LEAK = "goroutine-leak"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(targets=1, sick="none") as lab:
        yield lab


@pytest.fixture
def target(lab: Lab) -> Target:
    (one,) = lab["targets"]
    return Target(one["name"], "checkout", one["pprof"], one["url"])


@pytest.fixture(params=["fake", "http"])
def switches(request: pytest.FixtureRequest) -> Switches:
    return FakeSwitches() if request.param == "fake" else HttpSwitches()


async def listed(switches: Switches, target: Target) -> tuple[Switch, ...]:
    read = await switches.read(target)
    assert not isinstance(read, Missing), read
    return read


async def test_a_fault_is_on_until_it_is_off(switches: Switches, target: Target) -> None:
    assert not any(each.on for each in await listed(switches, target))
    assert await switches.turn(target, LEAK, Size.SMALL, None) is None
    assert [each.name for each in await listed(switches, target) if each.on] == [LEAK]
    assert await switches.turn(target, LEAK, Size.SMALL, None) is None
    assert await switches.turn(target, LEAK, None, None) is None
    assert not any(each.on for each in await listed(switches, target))


async def test_what_nobody_switches_off_ends_in_the_lab(target: Target) -> None:
    switches = HttpSwitches()
    assert await switches.turn(target, "busy", Size.SMALL, timedelta(seconds=5)) is None
    assert await switches.turn(target, "busy", Size.SMALL) is None  # for longer
    assert await switches.turn(target, LEAK, Size.SMALL, timedelta(seconds=5)) is None
    assert {each.name for each in await listed(switches, target) if each.on} == {LEAK, "busy"}

    await eventually(lambda: is_off(switches, target, LEAK), 30)

    assert [each.name for each in await listed(switches, target) if each.on] == ["busy"]
    assert await switches.turn(target, "busy", None) is None


async def is_off(switches: Switches, target: Target, name: str) -> bool:
    return not any(each.on for each in await listed(switches, target) if each.name == name)


async def test_faults_have_a_class_and_healthy_windows_have_none(switches: Switches, target: Target) -> None:
    found = await listed(switches, target)

    leak = pick(found, LEAK)
    assert leak is not None
    assert (leak.name, leak.fault) == (LEAK, LEAK)
    assert any(each.fault == "" for each in found)


async def test_the_lab_has_a_switch_of_every_class_that_can_be_drilled(lab: Lab, target: Target) -> None:
    switches = HttpSwitches()
    found = [*await listed(switches, target), *await listed(switches, Target("lab", "checkout", lab["lab"]))]

    assert [fault for fault in Drilled if pick(found, fault) is None] == []


@pytest.mark.parametrize(
    ("elsewhere", "told"),
    [
        (Target("lab-1", "lab", "http://127.0.0.1:9"), "lab-1 does not answer at http://127.0.0.1:9/debug/faults"),
        (Target("lab-1", "lab", "http://127.0.0.1:9", allow=("10.0.0.0/8",)), "lab-1: 127.0.0.1"),
    ],
)
async def test_what_cannot_be_reached_is_said(elsewhere: Target, told: str) -> None:
    read, turned = await HttpSwitches().read(elsewhere), await HttpSwitches().turn(elsewhere, LEAK, Size.SMALL)

    assert isinstance(read, Missing)
    assert isinstance(turned, Missing)
    assert told in read.reason


async def test_a_target_of_no_lab_is_not_switched(target: Target) -> None:
    users = replace(target, pprof=target.url or "")
    read = await HttpSwitches().read(users)

    assert isinstance(read, Missing)
    assert "answered 404: is checkout-1 a target of the lab?" in read.reason


DEEP = b"[" * 60_000


@pytest.mark.parametrize("content", [b"", b"{}{", b'{"a": 1}', b"[1]", b'[{"name": "x"}]', b"7", b"\xff", DEEP])
def test_what_is_no_list_of_switches_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_switches(content)
