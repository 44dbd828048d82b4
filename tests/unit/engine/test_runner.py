import asyncio
from dataclasses import dataclass

import pytest

from bot.domain.errors import CommandRejected
from bot.domain.run import Choice, Missing, Reply, RunStatus, Source
from bot.domain.timeline import Kind, Person
from bot.engine.admission import Admitted, Command
from bot.engine.playbook import Playbook
from bot.engine.tools import Tools
from tests.unit.engine.house import ANN, House, Words, say


async def test_a_run_ends_with_the_result_of_its_last_step_and_answers(house: House) -> None:
    house.book(say)
    run = await house.execute(source=Source("C1", "c", "https://x.test", "slack"))
    assert (run.status, run.result["text"]) == (RunStatus.DONE, "said hi")
    [answer] = house.answers()
    assert (answer.key, answer.person, answer.reply) == ("run:r1", ANN, Reply("said hi"))
    assert answer.source.response_url == "https://x.test"


async def test_a_single_step_is_not_narrated(house: House) -> None:
    house.book(say)
    await house.execute()
    assert house.chain() == []


async def test_later_steps_get_earlier_results_by_type(house: House) -> None:
    async def count(tools: Tools, params: Words) -> int:
        del tools
        return len(params.text)

    async def name(tools: Tools, params: Words) -> str:
        del tools, params
        return "n"

    async def join(tools: Tools, params: Words, who: str, many: int) -> Reply:
        del tools, params
        return Reply(f"{who}{many}")

    house.book(count, name, join)
    assert (await house.execute()).result["text"] == "n2"
    assert house.told() == [Kind.RUN_STARTED, *[Kind.STEP_ENDED] * 3, Kind.RUN_ENDED]


async def test_what_a_step_records_commits_with_its_result(house: House) -> None:
    async def write(tools: Tools, params: Words) -> str:
        tools.record(Kind.NOTE, text=params.text)
        assert house.told() == [Kind.RUN_STARTED]
        return "x"

    house.book(write, say)
    await house.execute()
    assert house.told() == [Kind.RUN_STARTED, Kind.NOTE, Kind.STEP_ENDED, Kind.STEP_ENDED, Kind.RUN_ENDED]
    note = house.chain()[1]
    assert (note.actor, note.run_id, note.step, note.facts) == ("U1", "r1", "write", {"text": "hi"})


async def test_a_failed_step_records_nothing_but_that_it_failed(house: House) -> None:
    async def fail(tools: Tools, params: Words) -> str:
        tools.record(Kind.NOTE, text=params.text)
        tools.begin("demo", {})
        raise CommandRejected("No such thing.")

    house.book(fail, say)
    run = await house.execute()
    assert (run.status, run.reason) == (RunStatus.FAILED, "No such thing.")
    assert house.told() == [Kind.RUN_STARTED, Kind.STEP_ENDED, Kind.RUN_ENDED]
    assert house.chain()[1].facts["outcome"] == "failed"
    assert [answer.reply.text for answer in house.answers()] == ["No such thing."]
    assert list(house.state.runs) == ["r1"]


async def test_an_error_of_our_own_is_a_failure_that_shows_no_inside(house: House) -> None:
    async def fail(tools: Tools, params: Words) -> Reply:
        del tools, params
        raise ZeroDivisionError("secret=1")

    house.book(fail)
    run = await house.execute()
    assert run.status is RunStatus.FAILED
    assert "ZeroDivisionError" in run.reason
    assert "secret" not in run.reason


async def test_what_cannot_be_kept_fails_the_step(house: House) -> None:
    async def surrogate(tools: Tools, params: Words) -> Reply:
        del tools, params
        return Reply("half \ud800")

    async def unwritable(tools: Tools, params: Words) -> Reply:
        del params
        tools.record(Kind.NOTE, text=object())
        return Reply("x")

    house.book(surrogate, name="one")
    house.book(unwritable, name="two")
    assert [(await house.execute(name)).status for name in ("one", "two")] == [RunStatus.FAILED] * 2


async def test_an_optional_step_that_fails_is_missing(house: House) -> None:
    async def fail(tools: Tools, params: Words) -> int:
        del tools, params
        raise CommandRejected("no luck")

    async def tell(tools: Tools, params: Words, found: int | Missing) -> Reply:
        del tools, params
        assert isinstance(found, Missing)
        return Reply(found.reason)

    demo = Playbook("demo", "x", Words)
    demo.step("Try", optional=True)(fail)
    demo.step("Tell")(tell)
    house.registry["demo"] = demo
    assert (await house.execute()).result["text"] == "no luck"
    assert house.chain()[1].facts["outcome"] == "failed"


async def test_a_step_over_its_budget_is_missing_and_the_run_goes_on(house: House) -> None:
    async def hang(tools: Tools, params: Words) -> int:
        del tools, params
        await asyncio.sleep(60)
        return 1

    async def tell(tools: Tools, params: Words, found: int | Missing) -> Reply:
        del tools, params
        return Reply(str(found))

    demo = Playbook("demo", "x", Words)
    demo.step("Wait", budget_s=0.01)(hang)
    demo.step("Tell")(tell)
    house.registry["demo"] = demo
    run = await house.execute()
    assert run.status is RunStatus.DONE
    assert "not done within" in run.result["text"]
    assert house.told()[:3] == [Kind.RUN_STARTED, Kind.STEP_STARTED, Kind.STEP_ENDED]


async def test_asks_which_incident_when_none_is_meant(house: House) -> None:
    house.book(say, needs_incident=True)
    await house.execute()
    assert house.answers()[0].reply.choices == (Choice("Start an incident", "start"),)
    for _ in range(6):
        await house.incident()
    asked = await house.execute()
    assert asked.status is RunStatus.DONE
    choices = house.answers()[-1].reply.choices
    assert [choice.incident_id for choice in choices] == ["INC-6", "INC-5", "INC-4", "INC-3", "INC-2"]
    assert {choice.again for choice in choices} == {asked.id}


async def test_a_channel_means_its_incident(house: House) -> None:
    incident_id = await house.incident(channel="C7")

    async def write(tools: Tools, params: Words) -> Reply:
        tools.record(Kind.NOTE, text=params.text)
        return Reply((await tools.incident()).title)

    house.book(write, needs_incident=True)
    run = await house.execute(source=Source("C7"))
    assert (run.result["text"], house.told(incident_id)[-1]) == ("hi", Kind.NOTE)
    assert house.state.runs[run.id].incident_id == incident_id


async def test_an_incident_that_does_not_exist_fails_the_run_in_words(house: House) -> None:
    async def write(tools: Tools, params: Words) -> Reply:
        tools.record(Kind.NOTE, text=params.text)
        return Reply("x")

    house.book(write, needs_incident=True)
    run = await house.execute(incident_id="INC-404")
    assert run.status is RunStatus.FAILED
    assert "INC-404" in run.reason
    assert [answer.reply.text for answer in house.answers()] == [run.reason]


async def test_one_slot_is_one_run(house: House) -> None:
    house.book(say)
    admitted = [await house.admission.admit(Command("demo", {}, ANN, Source(), slot="e1")) for _ in range(4)]
    assert admitted == [Admitted("r1", fresh=True), *[Admitted("r1", fresh=False)] * 3]


async def test_a_command_that_is_wrong_is_not_admitted(house: House) -> None:
    with pytest.raises(CommandRejected):
        await house.admission.admit(Command("nope", {}, ANN, Source()))
    assert house.state.runs == {}


async def test_an_ended_run_is_not_executed_again(house: House) -> None:
    house.book(say)
    run = await house.execute()
    assert await house.runner.execute(run.id) is None
    assert await house.runner.execute("unknown") is None


@dataclass(frozen=True)
class Found:
    """A result that is no reply."""

    summary: str
    artifact: str = ""


async def test_whoever_asked_hears_what_came_of_a_run_without_a_reply_of_its_own(house: House) -> None:
    async def look(tools: Tools, params: Words) -> Found:
        del tools, params
        return Found("3 targets", "a" * 64)

    house.book(look)
    await house.execute()
    answer = house.answers()[0].reply
    assert (answer.text, answer.artifact) == ("`demo` is done: 3 targets", "a" * 64)


async def test_whoever_asked_is_called_by_the_name_that_people_know(house: House) -> None:
    async def note(tools: Tools, params: Words) -> Reply:
        tools.record(Kind.NOTE, text=params.text)
        return Reply(f"{tools.actor.name} noted it")

    house.book(note)
    house.directory.people[ANN.id] = Person(ANN.id, "Ann Lee")
    assert (await house.execute()).result["text"] == "Ann Lee noted it"
    assert [entry.actor_name for entry in house.chain()] == ["Ann Lee"]
