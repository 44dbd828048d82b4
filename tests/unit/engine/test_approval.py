"""Two people, one plan, once, in time; and what a run does while it waits for them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from bot.domain.approval import Decision, Granted, Refused, Request
from bot.domain.incident import fold
from bot.domain.narrative import tell
from bot.domain.run import Reply, RunStatus, Source
from bot.domain.timeline import Kind, Person
from bot.engine.admission import Command
from bot.engine.approval import Policy, Press, decide, recheck
from bot.engine.playbook import Danger, Playbook
from bot.engine.tools import Tools
from bot.ports import Tx
from playbooks import approve, refuse
from tests.fakes import NOON
from tests.unit.engine.house import ANN, House, Words, say
from tests.unit.engine.waiting import BEN, Waiting

T = TypeVar("T")

PLAN = "ab" * 32
ASKED = Request(
    "r1", "break", {"text": "hi", "by": ""}, ("Break it",), {}, PLAN, ANN, NOON, NOON + timedelta(minutes=10)
)
YES, NO = Decision.APPROVED, Decision.REFUSED
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("press", "later", "asked", "refusal"),
    [
        (Press(BEN, YES, PLAN), timedelta(0), ASKED, ""),
        (Press(BEN, YES, PLAN[:12]), timedelta(minutes=10) - SECOND, ASKED, ""),
        (Press(BEN, YES), timedelta(0), ASKED, ""),
        (Press(BEN, NO, PLAN), timedelta(0), ASKED, ""),
        (Press(ANN, NO, PLAN), timedelta(0), ASKED, ""),
        (Press(ANN, YES, PLAN), timedelta(0), ASKED, "You asked for break text=hi yourself"),
        (Press(Person("U1", "Ann under another name"), YES, PLAN), timedelta(0), ASKED, "yourself"),
        (Press(Person("api:local", "API"), YES, PLAN), timedelta(0), ASKED, "Who approves must be known"),
        (Press(Person("firstfive", "FirstFive"), YES, PLAN), timedelta(0), ASKED, "Who approves must be known"),
        (Press(Person("token:U2", "Ben's token"), YES, PLAN), timedelta(0), ASKED, "Who approves must be known"),
        (Press(Person("token:U2", "x"), Decision.ALONE, PLAN, "no"), timedelta(0), ASKED, "Who approves must be known"),
        (Press(ANN, YES, PLAN), timedelta(0), replace(ASKED, requester=Person("token:U1", "x")), "yourself"),
        (Press(BEN, YES, PLAN), timedelta(0), replace(ASKED, requester=Person("token:U1", "x")), ""),
        (Press(BEN, YES, "cd" * 6), timedelta(0), ASKED, "is not the one you saw"),
        (Press(BEN, NO, "cd" * 6), timedelta(0), ASKED, "is not the one you saw"),
        (Press(BEN, YES, PLAN), timedelta(minutes=10), ASKED, "is over"),
        (Press(BEN, YES, PLAN), timedelta(minutes=10), replace(ASKED, expires_at=NOON + timedelta(days=9)), "is over"),
        (Press(BEN, YES, PLAN), timedelta(0), replace(ASKED, decided=YES, decided_by=BEN), "approved by Ben already"),
        (Press(BEN, NO, PLAN), timedelta(0), replace(ASKED, decided=NO, decided_by=ANN), "refused by Ann already"),
        (Press(BEN, YES, PLAN), timedelta(0), replace(ASKED, decided=Decision.EXPIRED), "was expired already"),
    ],
)
def test_who_may_decide_what_and_when(press: Press, later: timedelta, asked: Request, refusal: str) -> None:
    told = decide(Policy(), asked, press, NOON + later)
    if refusal:
        assert isinstance(told, Refused)
        assert refusal in told.reason
        assert told.reason.endswith((".", "`."))
    else:
        assert told == Granted(press.person, NOON + later)


DECIDED = replace(ASKED, decided=YES, decided_by=BEN, decided_at=NOON + timedelta(minutes=9))


@pytest.mark.parametrize(
    ("asked", "plan", "minutes", "refusal"),
    [
        (DECIDED, PLAN, 9, ""),
        (DECIDED, PLAN, 19, ""),
        (DECIDED, PLAN, 20, "too old"),
        (DECIDED, "cd" * 32, 9, "is not the one you saw"),
        (replace(DECIDED, decided_by=ANN), PLAN, 9, "yourself"),
        (replace(DECIDED, decided=NO, reason="not now"), PLAN, 9, "Ben refused break text=hi: not now"),
        (replace(DECIDED, decided=Decision.EXPIRED), PLAN, 9, "within 10 minutes"),
        (ASKED, PLAN, 9, "Nobody has approved"),
    ],
)
def test_an_approval_is_checked_again_when_it_is_used(asked: Request, plan: str, minutes: int, refusal: str) -> None:
    told = recheck(Policy(), asked, plan, NOON + timedelta(minutes=minutes))
    assert isinstance(told, Granted) is (refusal == "")
    assert refusal in getattr(told, "reason", "")


def breaking(house: House, measured: Any = "m1") -> list[Any]:
    """Declare a playbook that measures, then breaks something."""

    async def look(tools: Tools, params: Words) -> str:
        del tools, params
        house.done.append("look")
        return measured() if callable(measured) else str(measured)

    async def act(tools: Tools, params: Words, seen: str) -> Reply:
        assert tools.approved_by is not None
        house.done.append("act")
        return Reply(f"broke {params.text}, {seen}, approved by {tools.approved_by.name}")

    demo = Playbook("break", "Break it.", Words, approvals=1)
    demo.step("Look")(look)
    demo.step("Break it", danger=Danger.MUTATING)(act)
    house.registry |= {"break": demo, "approve": approve.playbook, "refuse": refuse.playbook}
    return house.done


async def test_what_was_measured_is_asked_about_and_a_second_person_lets_it_go_on(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        assert done == ["look"]
        assert (waiting.asked.words, waiting.asked.will) == ("break text=hi", ("Break it",))
        assert waiting.asked.requester == ANN
        pressed = await waiting.press(BEN, plan=waiting.asked.plan[:12])
        assert (pressed.status, pressed.result["text"]) == (RunStatus.DONE, "You approved `break text=hi`; it goes on.")
        run = await waiting.ended()
    assert (run.status, run.result["text"]) == (RunStatus.DONE, "broke hi, m1, approved by Ben")
    assert house.told() == [
        Kind.RUN_STARTED, Kind.STEP_ENDED, Kind.APPROVAL_ASKED, Kind.APPROVAL_DECIDED, Kind.STEP_ENDED, Kind.RUN_ENDED,
    ]  # fmt: skip
    asked, decided = house.chain()[2:4]
    assert tell(asked) == "Asked for a second person's approval of break (text=hi), until 12:10:00 UTC: run r1."
    assert (decided.actor, tell(decided)) == ("U2", "Approved break.")


async def test_the_requester_may_not_approve_but_refuse(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        pressed = await waiting.press(ANN)
        assert (pressed.status, pressed.reason[:33]) == (RunStatus.REFUSED, "You asked for break text=hi yours")
        assert waiting.asked.decided is None
        await waiting.press(ANN, "refuse", reason="better not")
        run = await waiting.ended()
    assert (run.status, run.reason) == (RunStatus.REFUSED, "Ann refused break text=hi: better not")
    assert done == ["look"]
    # Whose answer is written first, the run's or the press's, is open.
    assert [answer.reply.text for answer in house.answers()].count(run.reason) == 1


async def test_a_decision_counts_once(house: House) -> None:
    breaking(house)
    async with Waiting(house) as waiting:
        await waiting.kill()
        assert (await waiting.press(BEN)).status is RunStatus.DONE
        again = await waiting.press(Person("U3", "Cy"), "refuse")
        assert (again.status, again.reason) == (
            RunStatus.REFUSED,
            "break text=hi was approved by Ben already. Nothing was changed.",
        )
        waiting.start()
        assert (await waiting.ended()).status is RunStatus.DONE
    assert house.told().count(Kind.APPROVAL_DECIDED) == 1


async def test_two_who_press_at_once_decide_once(house: House) -> None:
    breaking(house)
    async with Waiting(house) as waiting:
        pressed = await asyncio.gather(waiting.press(BEN), waiting.press(Person("U3", "Cy"), "refuse"))
        assert sorted(run.status for run in pressed) == [RunStatus.DONE, RunStatus.REFUSED]
        await waiting.ended()
    assert house.told().count(Kind.APPROVAL_DECIDED) == 1


async def test_a_press_that_is_repeated_after_a_kill_gives_the_same_answer(house: House) -> None:
    breaking(house)
    async with Waiting(house) as waiting:
        await waiting.kill()
        command = Command("approve", {"run": waiting.run_id}, BEN, Source())
        run_id = (await house.admission.admit(command)).run_id
        first = await house.runner.execute(run_id)
        state = house.state
        state.runs[run_id] = replace(state.runs[run_id], status=RunStatus.RUNNING)
        del state.memos[run_id]["step:approve"]
        second = await house.runner.execute(run_id)
    assert first is not None
    assert second is not None
    assert (first.result, first.status) == (second.result, second.status)
    assert house.told().count(Kind.APPROVAL_DECIDED) == 1


async def test_nobody_in_time_is_a_refusal(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        house.ports.clock.at += timedelta(minutes=10)  # type: ignore[attr-defined]
        run = await waiting.ended()
        late = await waiting.press(BEN)
    assert (run.status, done) == (RunStatus.REFUSED, ["look"])
    assert run.reason == "Nobody approved break text=hi within 10 minutes. Nothing was changed."
    assert late.status is RunStatus.REFUSED
    assert tell(house.chain()[3]) == "Nobody approved break in time."


async def test_whoever_has_lost_the_run_does_not_say_that_its_time_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(house)
    write = house.ports.store.write

    async def late(act: Callable[[Tx], T]) -> T:
        for _ in range(9):  # so that both have looked before either writes
            await asyncio.sleep(0)
        return await write(act)

    monkeypatch.setattr(house.ports.store, "write", late)
    async with Waiting(house) as waiting:
        zombie = waiting.task
        waiting.start()
        await waiting.until(lambda: house.state.runs[waiting.run_id].fence == 2)
        house.ports.clock.at += timedelta(minutes=10)  # type: ignore[attr-defined]
        assert (await waiting.ended()).status is RunStatus.REFUSED
        await asyncio.gather(zombie, return_exceptions=True)
    assert house.told().count(Kind.APPROVAL_DECIDED) == 1


async def test_a_run_that_was_killed_while_it_waited_asks_only_once(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        await waiting.kill()
        house.ports.clock.at += timedelta(minutes=5)  # type: ignore[attr-defined]
        waiting.start()
        await waiting.press(BEN)
        assert (await waiting.ended()).status is RunStatus.DONE
    assert (house.told().count(Kind.APPROVAL_ASKED), done) == (1, ["look", "act"])


async def test_an_approval_that_was_not_used_in_time_is_void(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        await waiting.kill()
        await waiting.press(BEN)
        house.ports.clock.at += timedelta(minutes=11)  # type: ignore[attr-defined]
        waiting.start()
        run = await waiting.ended()
    assert (run.status, done) == (RunStatus.REFUSED, ["look"])
    assert "too old" in run.reason


async def test_a_change_that_has_begun_is_finished_however_old_its_approval_is(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        await waiting.kill()
        await waiting.press(BEN)
        house.state.memos[waiting.run_id]["began:act"] = NOON.isoformat()
        house.ports.clock.at += timedelta(hours=1)  # type: ignore[attr-defined]
        waiting.start()
        assert (await waiting.ended()).status is RunStatus.DONE
    assert done == ["look", "act"]


async def test_another_measurement_or_another_param_voids_an_approval(house: House) -> None:
    done = breaking(house)
    async with Waiting(house) as waiting:
        await waiting.kill()
        await waiting.press(BEN)
        memos = house.state.memos[waiting.run_id]
        memos["step:look"] = memos["step:look"].replace("m1", "m2")
        waiting.start()
        run = await waiting.ended()
    assert (run.status, done) == (RunStatus.REFUSED, ["look"])
    assert "is not the one you saw" in run.reason


async def test_a_press_on_another_plan_is_refused(house: House) -> None:
    breaking(house)
    async with Waiting(house) as waiting:
        pressed = await waiting.press(BEN, plan="0" * 12)
        assert (pressed.status, waiting.asked.decided) == (RunStatus.REFUSED, None)


async def test_the_incident_shows_what_waits_until_it_does_not(house: House) -> None:
    breaking(house)
    incident_id = await house.incident()
    async with Waiting(house, incident_id) as waiting:
        assert [asked.words for asked in fold(house.chain(incident_id)).waiting] == ["break text=hi"]
        await waiting.press(BEN, run="")  # without a run or an incident, nothing is meant
        assert waiting.asked.decided is None
        await waiting.press(BEN)
        await waiting.ended()
    assert fold(house.chain(incident_id)).waiting == ()


async def test_the_only_one_that_waits_in_an_incident_needs_no_name(house: House) -> None:
    breaking(house)
    incident_id = await house.incident()
    async with Waiting(house, incident_id) as waiting:
        run_id = (await house.admission.admit(Command("approve", {}, BEN, Source(), "", incident_id))).run_id
        ended = await house.runner.execute(run_id)
        assert ended is not None
        assert ended.status is RunStatus.DONE
        await waiting.ended()


@pytest.mark.parametrize(
    ("params", "reason"),
    [({"run": "r99"}, "There is no run 'r99'."), ({}, "Which one?"), ({"run": "r1"}, "Nothing waits")],
)
async def test_a_press_on_nothing_says_so(house: House, params: dict[str, str], reason: str) -> None:
    breaking(house)
    house.book(say)
    await house.execute()
    run_id = (await house.admission.admit(Command("approve", params, BEN, Source()))).run_id
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert (ended.status, ended.reason[: len(reason)]) == (RunStatus.FAILED, reason)


async def test_the_time_that_an_approval_takes_is_not_counted_against_the_change(house: House) -> None:
    done = breaking(house)
    demo = house.registry["break"]
    demo.steps = [replace(step, budget_s=30.0) for step in demo.steps]
    demo.steps[1] = replace(demo.steps[1], act=_act_on_missing(done))
    async with Waiting(house) as waiting:
        house.ports.clock.at += timedelta(minutes=9)  # type: ignore[attr-defined]
        await waiting.press(BEN)
        assert (await waiting.ended()).result["text"] == "late, but not too late"
    assert done == ["look", "act"]


def _act_on_missing(done: list[Any]) -> Any:
    async def act(tools: Tools, params: Words) -> Reply:
        del tools, params
        done.append("act")
        return Reply("late, but not too late")

    return act
