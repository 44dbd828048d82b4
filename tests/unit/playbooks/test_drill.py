"""The verb: what begins a drill, what ends it, what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.drills import Size
from bot.domain.errors import CommandRejected
from bot.domain.run import Missing, RunStatus
from bot.domain.service import Catalog, Service, Target
from bot.domain.timeline import HOUSE
from bot.engine.grammar import parse
from tests.fakes import FakeSwitches, fake_ports
from tests.unit.playbooks.desk import REGISTRY, TARGETS, Desk, desk
from tests.unit.playbooks.labs import LAB, LEAK, at_lab


async def test_a_fault_is_started_on_the_last_target_and_opens_an_incident_that_is_a_drill() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    text = await house.text("drill goroutine-leak large")

    assert switches.on == {LEAK: Size.LARGE}
    assert text.startswith(
        "*goroutine-leak* (large) is on, on checkout-3: Is goroutine-leak. *INC-1* is its incident. "
    )
    assert text.endswith("`/incident drill checkout off` ends it.")
    incident = house.incident()
    assert (incident.drill, incident.title) == (True, "DRILL: goroutine-leak on checkout")
    assert incident.milestones["started"] == incident.milestones["detected"]
    assert house.chain(HOUSE) == []


async def test_the_target_that_is_named_is_the_one() -> None:
    switches = FakeSwitches()
    await at_lab(switches).say("drill class=goroutine-leak target=checkout-1")

    assert switches.on == {("checkout-1", "goroutine-leak"): Size.MEDIUM}


async def test_a_class_that_is_on_without_a_drill_is_not_started_again() -> None:
    switches = FakeSwitches()
    switches.on["checkout-2", "watch-leak"] = Size.SMALL
    house = at_lab(switches)

    assert "*goroutine-leak* is on already, on checkout-2" in await house.text("drill goroutine-leak")
    assert (await house.text("drill blind")).startswith("Something is on already, on checkout-2")
    assert len(switches.on) == 1
    assert house.chain() == []


async def test_a_second_drill_at_a_service_is_refused_and_says_nothing_of_the_first() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill blind")
    first = dict(switches.on)

    for words in ("drill goroutine-leak", "drill blind"):
        assert await house.text(words) == (
            "A drill is on at checkout already: INC-1. `/incident drill checkout off` ends it."
        )
    assert switches.on == first


async def test_what_is_on_is_ended_by_class_or_all_of_it() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    switches.on |= {("checkout-1", "goroutine-leak"): Size.SMALL, ("checkout-2", "busy"): Size.SMALL}

    assert await house.text("drill goroutine-leak off") == "Ended: goroutine-leak on checkout-1."
    assert await house.text("drill off=yes") == "Ended: busy on checkout-2."
    assert await house.text("drill off") == "Nothing was on at checkout."


async def test_what_no_target_can_be_switched_to_the_lab_does_to_it_and_takes_back() -> None:
    switches = FakeSwitches()
    lab = replace(LAB, lab_switches="http://127.0.0.1:6060")
    house = Desk(replace(fake_ports(Catalog((lab,))), switches=switches))

    assert "*deadlock* (small) is on, on the lab: Locks twice." in await house.text("drill deadlock small")
    assert switches.on == {("the lab", "two-locks"): Size.SMALL}
    assert (await house.text("drill off")).startswith("The drill is over, ended early by Ada: deadlock on the lab")
    assert switches.on == {}
    assert "on checkout-3" in await house.text("drill goroutine-leak")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("drill", "Which fault? One of tls-chain, "),
        ("drill blind goroutine-leak", "A blind drill is of a class that nobody chooses"),
        ("drill answer=goroutine-leek", "`goroutine-leek` is no class. Did you mean `goroutine-leak`?"),
        ("drill answer=deadlock", "No drill is on at checkout."),
        ("drill goroutine-leak payment", "payment is no lab, and a drill would make it sick."),
        ("drill blind payment", "payment is no lab, and a drill would make it sick."),
        ("drill goroutine-leak target=checkout-9", "It has: checkout-1, checkout-2, checkout-3."),
        ("drill deadlock", "There is no switch for deadlock on checkout-1, checkout-2, checkout-3."),
        ("drill deadlock target=checkout-2", "on checkout-2. Without `target=` the lab looks for one that has."),
        ("drilling checkout", "`/incident drill checkout` begins a drill."),
    ],
)
async def test_what_cannot_be_drilled_is_refused_in_a_sentence(words: str, said: str) -> None:
    switches = FakeSwitches()
    house = at_lab(switches, Service("payment", ()))
    await house.say("start something else")
    ended = await house.say(f"{words} INC-1" if words.startswith("drilling") else words)

    assert ended.status is RunStatus.FAILED
    assert said in ended.reason
    assert switches.on == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("drill goroutine-leek", "`goroutine-leek` is not a class. Did you mean `goroutine-leak`?"),
        ("drill smal", "`smal` is not a size. Did you mean `small`?"),
        ("drill nonsense", "I don't know what to do with `nonsense`. Usage: `/incident drill [small|medium|large] "),
        ("snapshot nowhere", "`nowhere` is not a service. It is one of checkout."),
    ],
)
def test_a_word_that_is_none_is_told_by_what_it_is_nearly(words: str, said: str) -> None:
    with pytest.raises(CommandRejected) as rejected:
        parse(REGISTRY, words, Catalog((LAB,)))
    assert str(rejected.value).startswith(said)


async def test_where_nothing_is_a_lab_nothing_is_made_sick() -> None:
    ended = await desk().say("drill goroutine-leak")

    assert ended.status is RunStatus.FAILED
    assert ended.reason.startswith("No service is a lab")


async def test_what_answers_is_ended_and_who_does_not_is_named_with_what_to_do() -> None:
    switches = FakeSwitches({"checkout-2": "checkout-2 did not answer within 20 s"})
    house = at_lab(switches)
    for name in ("checkout-1", "checkout-2", "checkout-3"):
        switches.on[name, "goroutine-leak"] = Size.SMALL
    after = (
        " checkout-2 did not answer within 20 s. What is on there goes on. Once it answers, "
        "`/incident drill checkout off` ends it. So does a restart of the target."
    )

    ended, again = await house.say("drill off"), await house.say("drill off")

    assert ended.status is RunStatus.FAILED
    assert ended.reason == f"Ended: goroutine-leak on checkout-1, goroutine-leak on checkout-3.{after}"
    assert switches.on == {("checkout-2", "goroutine-leak"): Size.SMALL}
    assert again.reason == f"Nothing was on at checkout-1, checkout-3.{after}"


async def test_a_fault_is_started_beside_a_target_that_does_not_answer() -> None:
    text = await at_lab(FakeSwitches({"checkout-3": "checkout-3 does not answer"})).text("drill goroutine-leak")

    assert "is on, on checkout-2" in text
    assert text.endswith("ends it. checkout-3 does not answer. What is on there is not known.")


async def test_a_lab_of_which_nobody_answers_is_told_of() -> None:
    switches = FakeSwitches({each.name: f"{each.name} does not answer" for each in TARGETS})
    ended = await at_lab(switches).say("drill goroutine-leak")

    assert ended.reason == (
        "checkout-1 does not answer. checkout-2 does not answer. checkout-3 does not answer. "
        "Nothing was switched. Once the lab runs, say it again."
    )


async def test_a_target_that_stops_answering_before_it_is_switched_is_named() -> None:
    class Dying(FakeSwitches):
        async def turn(
            self, target: Target, name: str, size: Size | None, lasts: timedelta | None = None
        ) -> Missing | None:
            died = target.name == "checkout-1"
            return Missing("checkout-1 died") if died else await super().turn(target, name, size, lasts)

    switches = Dying()
    switches.on |= {("checkout-1", "busy"): Size.SMALL, ("checkout-2", "busy"): Size.SMALL}
    ended = await at_lab(switches).say("drill off")

    assert ended.reason.startswith("Ended: busy on checkout-2. checkout-1 died. What is on there goes on.")
