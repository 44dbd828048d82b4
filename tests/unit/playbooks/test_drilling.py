"""A drill from the moment its fault is on to its score, however it ends."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.drills import Size, Switch
from bot.domain.incident import Status
from bot.domain.run import Missing, RunStatus
from bot.domain.scores import seal
from bot.domain.service import Catalog, Target
from bot.domain.timeline import Kind
from bot.engine.admission import Command
from tests.fakes import FakeChance, FakePager, FakePoster, FakeRota, FakeSwitches, FakeTargets
from tests.unit.playbooks.desk import ADA, BEN, TARGETS
from tests.unit.playbooks.labs import LAB, SOURCE, SickTargets, at_lab, over, told


async def test_a_drill_that_people_mitigate_is_taken_back_looked_at_again_and_scored() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill goroutine-leak")
    await house.reach("mitigate")
    house.later(12)
    await house.say("ack INC-1", BEN)
    house.later(60)
    await house.say("mitigate INC-1", BEN)
    ended = await over(house)

    score, incident = ended["score"], house.incident()
    assert switches.on == {}
    assert (ended["how"], ended["by"], ended["was_on"], ended["gone"]) == ("mitigated", "Ben", True, True)
    assert (score["acked_by"], score["mitigated_by"]) == ("Ben", "Ben")
    assert score["ack_s"] >= 12
    assert score["mitigated_s"] >= 72
    assert score["snapshot_s"] <= score["verdict_s"] <= score["ack_s"]
    assert score["verified_s"] >= score["mitigated_s"]
    assert incident.status is Status.RESOLVED
    assert incident.verdict == ""


async def test_the_lab_ends_a_fault_itself_should_firstfive_never_come_back() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill goroutine-leak")

    drill, undone_for = timedelta(minutes=Catalog(()).drill_min), timedelta(minutes=5)
    ((where, lasts),) = switches.lasts.items()
    assert where in switches.on
    assert lasts is not None
    assert drill + undone_for < lasts <= 2 * drill


async def test_firstfive_mends_it_where_that_is_asked_and_the_verdict_is_gone() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill goroutine-leak")
    await house.reach("mitigate")
    text = await house.text("drill mend", BEN)

    (ended,) = told(house, Kind.DRILL_ENDED)
    assert text.startswith("The drill is over, mended by Ben: goroutine-leak on checkout-3 (medium).\n")
    assert "Mitigated by Ben: " in text
    assert "seen to be gone after" in text
    assert (ended["was_on"], ended["gone"], switches.on) == (True, True, {})
    assert await house.text("drill mend") == (
        "No drill is on at checkout. `/incident drill checkout blind` begins one."
    )


async def test_the_machine_alone_goes_from_the_fault_to_a_verified_mitigation() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    text = await house.text("drill goroutine-leak mend")

    (ended,) = told(house, Kind.DRILL_ENDED)
    assert text.startswith("The drill is over, mended: goroutine-leak on checkout-3")
    assert ended["score"]["verdict_s"] is not None
    assert ended["score"]["verified_s"] is not None
    assert "the first of its class" in text
    assert "median of 1 earlier" in await house.text("drill goroutine-leak mend")


async def test_what_is_not_located_is_looked_at_again_until_the_time_is_up() -> None:
    switches = FakeSwitches()
    house = at_lab(switches, minutes=1, targets=SickTargets(FakeSwitches()))
    text = await house.text("drill goroutine-leak mend")

    assert text.startswith("The drill is over, its time was up: goroutine-leak on checkout-3")
    assert "FirstFive named no class" in text
    assert "Mitigated: never" in text
    assert switches.on == {}


async def test_a_drill_ends_by_itself_after_its_longest_time() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill goroutine-leak")
    house.later(31 * 60)
    ended = await over(house)

    assert (ended["how"], ended["was_on"], switches.on) == ("its time was up", True, {})
    assert house.incident().status is Status.RESOLVED


@pytest.mark.parametrize(("words", "how"), [("cancel INC-1 enough", "called off"), ("resolve INC-1", "resolved")])
async def test_however_its_incident_ends_the_fault_ends_too(words: str, how: str) -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill goroutine-leak")
    await house.say(words)
    ended = await over(house)

    assert (ended["how"], switches.on) == (how, {})


async def test_a_target_that_cannot_be_reached_for_long_is_named_with_what_is_on_there() -> None:
    switches = FakeSwitches()
    house = at_lab(switches)
    await house.say("drill goroutine-leak")
    switches.silent = {"checkout-3": "checkout-3 does not answer"}
    await house.say("resolve INC-1")
    ended = await over(house)

    assert ended["left"] == "checkout-3 does not answer"
    assert ended["was_on"] is None
    assert house.incident().status is Status.RESOLVED


async def test_a_drill_whose_fault_cannot_be_switched_on_is_called_off_and_counts_for_nothing() -> None:
    class Stuck(FakeSwitches):
        async def turn(
            self, target: Target, name: str, size: Size | None, lasts: timedelta | None = None
        ) -> Missing | None:
            return Missing(f"{target.name} is stuck") if size else await super().turn(target, name, size, lasts)

    house = at_lab(Stuck())
    ended = await house.say("drill goroutine-leak")

    assert ended.status is RunStatus.FAILED
    assert ended.reason == "The drill could not be made real: checkout-3 is stuck."
    assert house.incident().cancelled == "The drill could not be made real."
    assert house.ports.timeline.drills(house.state)[0].facts["real"] is False
    assert (await house.text("drill off")) == "Nothing was on at checkout."


async def test_people_say_what_they_think_it_is_and_their_last_word_counts() -> None:
    switches = FakeSwitches()
    house = at_lab(switches, targets=FakeTargets())
    await house.say("drill blind")
    house.later(20)
    await house.say("drill answer=goroutine-leak INC-1", BEN)
    house.later(20)
    assert await house.text("drill answer=deadlock", ADA) == (
        "You say that it is *deadlock*. Whether it is, the score of INC-1 tells."
    )
    text = await house.text("drill off")

    assert "Located by Ben: 20 s" in text
    assert told(house, Kind.DRILL_ENDED)[0]["score"]["people_s"] >= 20


class ManySwitches(FakeSwitches):
    """Switches of two classes, whose names are found in no other word."""

    async def read(self, target: Target) -> tuple[Switch, ...] | Missing:
        known = {"waiter": "goroutine-leak", "zzz-secret": "heap-growth"}
        return tuple(Switch(n, f"Is {n}", of, (target.name, n) in self.on) for n, of in known.items())


async def test_of_a_blind_drill_nobody_is_told_what_it_is_until_it_is_over() -> None:
    switches = ManySwitches()
    house = at_lab(switches, targets=FakeTargets(), chance=FakeChance(0, 2))
    before = len(house.state.answers)
    said = [await house.text(words) for words in ("drill blind", "status INC-1", "list", "digest", "drill deadlock")]
    await house.reach("mitigate")
    shown = [f"{entry.facts} {entry.run_id}" for entry in house.chain()]
    shown += [f"{run.plan} {run.result} {run.reason}" for run in house.state.runs.values()]
    shown += [str(each) for each in house.state.answers.values()]

    assert switches.on == {("checkout-1", "zzz-secret"): Size.MEDIUM}
    assert len(house.state.answers) >= before
    assert not [text for text in (*said, *shown) if "heap-growth" in text or "zzz" in text]
    assert house.incident().title == "DRILL: something is wrong with checkout"

    text = await house.text("drill off")
    (began,), (ended,) = told(house, Kind.DRILL_STARTED), told(house, Kind.DRILL_ENDED)
    assert text.startswith("The drill is over, ended early by Ada: heap-growth on checkout-1 (medium, blind).")
    assert began["sealed"] == seal(ended["nonce"], "heap-growth", "checkout-1")


async def test_a_digest_has_the_league_once_a_drill_has_ended() -> None:
    house = at_lab(FakeSwitches())
    assert "Drills" not in await house.text("digest")
    await house.text("drill goroutine-leak mend")
    text = await house.text("digest")
    assert re.search(
        r"^• goroutine-leak: \d\.\d s; once, last 2026-03-01, mitigated after \d\.\d s$", text, re.MULTILINE
    )
    assert "incident" not in text


async def test_a_drill_and_what_is_real_are_never_made_one() -> None:
    house = at_lab(FakeSwitches())
    await house.say("drill goroutine-leak")
    assert "is it the same" not in (await house.text("start checkout answers slowly")).lower()
    assert await house.text("merge INC-2 into INC-1") == ("INC-1 is a drill and INC-2 is not: they are counted apart.")


async def test_a_drill_pages_nobody_and_is_out_of_every_count() -> None:
    pager = FakePager(on_call=(BEN,))
    house = at_lab(FakeSwitches(), pager=pager)
    await house.say("drill goroutine-leak")
    await house.say("severity sev1 INC-1")
    await house.reach("mitigate")
    house.later(301)
    await house.work(lambda: bool(house.incident().escalation))

    assert house.incident().escalation == "Five minutes are over unmitigated. A drill pages nobody."
    assert pager.paged == {}
    assert "incident" not in await house.text("digest")


async def test_one_that_is_due_and_does_not_begin_is_told_of_where_people_are() -> None:
    poster, silent = FakePoster(), FakeSwitches({each.name: f"{each.name} does not answer" for each in TARGETS})
    house = at_lab(silent, poster=poster, catalog=Catalog((LAB,), announcements="incidents"))
    due = Command("drill", {"service": "checkout", "blind": True}, ADA, replace(SOURCE, via="schedule"), slot="s")
    run_id = (await house.admission.admit(due)).run_id
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))

    ((channel, text),) = poster.posts.values()
    assert channel == "incidents"
    assert text.startswith("*The drill that is due on checkout did not begin.* checkout-1 does not answer.")


async def test_one_that_is_due_brings_in_who_is_on_call() -> None:
    house = at_lab(FakeSwitches(), rota=FakeRota(BEN))
    command = Command("drill", {"service": "checkout", "blind": True}, ADA, replace(SOURCE, via="schedule"), slot="s")
    await house.admission.admit(command)
    await house.work(lambda: bool(told(house, Kind.ON_CALL)))

    assert house.incident().drill
