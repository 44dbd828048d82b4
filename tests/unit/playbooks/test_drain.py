"""A drill of the bot itself: what is refused, and what whoever takes over says."""

import pytest

from bot.domain.run import RunStatus
from bot.domain.timeline import HOUSE
from tests.fakes import FakeReplica, FakeSwitches
from tests.unit.playbooks.desk import Desk, desk
from tests.unit.playbooks.labs import at_lab


async def lost(house: Desk) -> str:
    """Begin to drain, and work until the replica is gone; give the run that was on its way."""
    run_id = await house.begin("drill", {"drain": True})
    was = house.ports.replica.name
    await house.work(lambda: house.ports.replica.name != was)
    return run_id


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ("bot-2:8:b", "bot-2:8 took over from bot-1:7 after 301.0 s"),
        ("bot-1:7:b", "bot-1:7 came back and took over by itself after 301.0 s"),
    ],
)
async def test_who_took_over_says_after_how_long_and_that_all_is_there(after: str, words: str) -> None:
    house = at_lab(FakeSwitches(), replica=FakeReplica(after=after))
    await house.say("deploy checkout release=v1")
    run = await house.resume_later(await lost(house))

    assert run is not None
    assert run.status is RunStatus.DONE
    assert run.result["text"] == (
        f"*drain*: {words}. This run went on where it was; of 1 timeline not an entry is missing or changed. "
        "Nothing is lost."
    )


async def test_what_is_lost_is_named() -> None:
    house = at_lab(FakeSwitches(), replica=FakeReplica())
    await house.say("deploy checkout release=v1")
    await house.say("drill goroutine-leak")
    run_id = await lost(house)
    (other,) = [name for name, run in house.state.runs.items() if run.plan.playbook == "drilling"]
    del house.state.runs[other]
    del house.state.chains[HOUSE][-1]
    run = await house.resume_later(run_id)

    assert run is not None
    assert run.status is RunStatus.FAILED
    assert run.reason == f"bot-2:8:b took over from bot-1:7:a, and this is lost: {other}, {HOUSE}."


async def test_who_cannot_be_lost_says_why() -> None:
    house = at_lab(FakeSwitches(), replica=FakeReplica("nothing would start it again"))

    assert await house.text("drill drain") == "Nothing was drilled: nothing would start it again."


async def test_without_a_lab_or_while_an_incident_is_open_nothing_is_lost() -> None:
    assert (await desk().text("drill drain")).startswith("No service is a lab")
    house = at_lab(FakeSwitches())
    await house.say("drill goroutine-leak")
    await house.say("start sev3 checkout slow")

    assert await house.text("drill drain") == "INC-2 is open and needs the bot. Drain it when nothing is."
