import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import Choice, Missing, Outcome, Reply, Run, RunStatus, Source
from bot.domain.timeline import HOUSE, Entry, Kind, Person
from bot.engine.admission import Admission, Admitted, Command
from bot.engine.playbook import Danger, Params, Playbook
from bot.engine.runner import Runner
from bot.engine.tools import Tools
from bot.ports import Answer
from tests.fakes import NOON, FakeStore, FakeSurfaces, fake_ports

ANN = Person("U1", "Ann")
Act = Callable[..., Awaitable[Any]]


class Words(Params):
    text: str = ""


@dataclass
class House:
    """A runner on fakes, with playbooks made on the spot."""

    registry: dict[str, Playbook] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ports = fake_ports()
        self.runner = Runner(self.registry, self.ports)
        self.admission = Admission(self.registry, self.ports, iter(f"r{n}" for n in range(1, 99)).__next__)

    def book(self, *steps: Act, name: str = "demo", needs_incident: bool = False, **options: Any) -> Playbook:
        playbook = Playbook(name, "A demo.", Words, needs_incident=needs_incident)
        for step in steps:
            playbook.step(step.__name__.capitalize(), **options)(step)
        self.registry[name] = playbook
        return playbook

    async def admit(self, playbook: str = "demo", **asked: Any) -> str:
        command = Command(playbook, {"text": "hi"}, ANN, asked.pop("source", Source()), **asked)
        return (await self.admission.admit(command)).run_id

    async def execute(self, playbook: str = "demo", **asked: Any) -> Run:
        run_id = await self.admit(playbook, **asked)
        ended = await self.runner.execute(run_id)
        assert ended is not None
        return ended

    async def incident(self, channel: str = "") -> str:
        async def open_(tools: Tools, params: Words) -> Reply:
            await tools.open_incident(title=params.text, severity="SEV2", service="")
            if channel:
                tools.record(Kind.CHANNEL_OPENED, channel=channel, name="x")
            return Reply("open")

        self.book(open_, name="open")
        return (await self.execute("open")).incident_id

    @property
    def state(self) -> Any:
        assert isinstance(self.ports.store, FakeStore)
        return self.ports.store.now

    def chain(self, name: str = HOUSE) -> list[Entry]:
        return self.state.chains.get(name, [])  # type: ignore[no-any-return]

    def told(self, name: str = HOUSE) -> list[str]:
        return [entry.kind for entry in self.chain(name)]

    def answers(self) -> list[Answer]:
        return FakeSurfaces().owed(self.state, 99)


@pytest.fixture
def house() -> House:
    return House()


async def say(tools: Tools, params: Words) -> Reply:
    del tools
    return Reply(f"said {params.text}")


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
    assert house.chain()[1].facts["outcome"] == "missing"


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


async def test_a_mutating_step_is_refused_while_nobody_can_approve(house: House) -> None:
    house.book(say, danger=Danger.MUTATING)
    run = await house.execute()
    assert (run.status, run.reason) == (RunStatus.REFUSED, "Say: nobody has approved it.")


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


class Killed(BaseException):
    """Stands for the end of the process."""


async def test_a_run_that_was_killed_repeats_only_what_was_in_flight(house: House) -> None:
    killed = [True]

    async def first(tools: Tools, params: Words) -> int:
        del params
        house.done.append("first")
        tools.record(Kind.NOTE, text="first")
        return 1

    async def second(tools: Tools, params: Words, one: int) -> Reply:
        del params

        async def part(name: str) -> str:
            house.done.append(name)
            return name

        await tools.publish("said", Kind.UPDATE, text="once")
        parts = [await tools.once(name, str, lambda name=name: part(name)) for name in ("a", "b")]  # type: ignore[misc]
        if killed:
            killed.pop()
            raise Killed
        return Reply(f"{one} {parts}")

    house.book(first, second)
    run_id = await house.admit()
    with pytest.raises(Killed):
        await house.runner.execute(run_id)
    assert house.state.runs[run_id].status is RunStatus.RUNNING
    house.ports.clock.at += timedelta(minutes=1)  # type: ignore[attr-defined]
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert ended.result["text"] == "1 ['a', 'b']"
    assert ended.started_at == NOON
    assert house.done == ["first", "a", "b"]
    assert house.told() == [
        Kind.RUN_STARTED,
        Kind.NOTE,
        Kind.STEP_ENDED,
        Kind.UPDATE,
        Kind.STEP_ENDED,
        Kind.RUN_ENDED,
    ]


async def test_an_incident_is_opened_once_however_often_its_step_is_repeated(house: House) -> None:
    killed = [True]

    async def open_(tools: Tools, params: Words) -> Reply:
        incident_id = await tools.open_incident(title=params.text, severity="SEV2", service="")
        if killed:
            killed.pop()
            raise Killed
        return Reply(incident_id)

    house.book(open_)
    run_id = await house.admit()
    with pytest.raises(Killed):
        await house.runner.execute(run_id)
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert (ended.result["text"], ended.incident_id) == ("INC-1", "INC-1")
    assert list(house.state.chains) == ["INC-1"]


async def test_whoever_lost_a_run_leaves_no_trace(house: House) -> None:
    async def slow(tools: Tools, params: Words) -> Reply:
        if not house.done:
            house.done.append("taken over")
            ended = await house.runner.execute(tools.run_id)
            assert ended is not None
        tools.record(Kind.NOTE, text=params.text)
        return Reply("x")

    house.book(slow)
    assert await house.runner.execute(await house.admit()) is None
    assert house.told() == [Kind.NOTE]
    assert len(house.answers()) == 1


async def test_a_failure_of_our_own_database_leaves_the_run_to_be_repeated(house: House) -> None:
    async def lose(tools: Tools, params: Words) -> Reply:
        del tools, params
        if not house.done:
            house.done.append("lost")
            raise StoreUnusable("gone")
        return Reply("back")

    house.book(lose, optional=True)
    run_id = await house.admit()
    with pytest.raises(StoreUnusable):
        await house.runner.execute(run_id)
    assert house.state.runs[run_id].status is RunStatus.RUNNING
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert ended.result["text"] == "back"


async def execute_all(house: House, *run_ids: str) -> list[Run | None]:
    """Execute runs side by side, and their children as they come."""
    tasks = {run_id: asyncio.ensure_future(house.runner.execute(run_id)) for run_id in run_ids}
    while not all(task.done() for task in tasks.values()):
        for run_id in set(house.state.runs) - set(tasks):
            tasks[run_id] = asyncio.ensure_future(house.runner.execute(run_id))
        await asyncio.sleep(0.001)
    return [await tasks[run_id] for run_id in run_ids]


async def test_a_child_run_gives_its_outcome_to_its_parent_and_answers_nobody_else(house: House) -> None:
    outcomes: list[Outcome] = []

    async def ask(tools: Tools, params: Words) -> Reply:
        outcomes.append(await tools.run("child", {"text": params.text}))
        return Reply(outcomes[0].result["text"])

    house.book(ask)
    house.book(say, name="child")
    [ended] = await execute_all(house, await house.admit())
    assert ended is not None
    assert ended.result["text"] == "said hi"
    assert [(outcome.run_id, outcome.status) for outcome in outcomes] == [("r1.child", RunStatus.DONE)]
    assert [answer.key for answer in house.answers()] == ["run:r1"]
    assert house.state.runs["r1.child"].parent_id == "r1"


async def test_a_failed_child_is_an_outcome_not_an_error(house: House) -> None:
    async def fail(tools: Tools, params: Words) -> Reply:
        del tools, params
        raise CommandRejected("no luck")

    async def ask(tools: Tools, params: Words) -> Reply:
        outcome = await tools.run("child", {"text": params.text}, "again")
        return Reply(f"{outcome.status} {outcome.reason}")

    house.book(ask)
    house.book(fail, name="child")
    [ended] = await execute_all(house, await house.admit())
    assert ended is not None
    assert ended.result["text"] == "failed no luck"


async def test_a_child_begun_with_a_result_is_admitted_with_it(house: House) -> None:
    async def start(tools: Tools, params: Words) -> Reply:
        child = tools.begin("child", {"text": params.text})
        assert child not in house.state.runs
        return Reply(child)

    house.book(start)
    house.book(say, name="child")
    assert (await house.execute()).result["text"] == "r1.child"
    assert house.state.runs["r1.child"].status is RunStatus.QUEUED


async def test_a_waiting_run_hears_what_it_is_told(house: House) -> None:
    incident_id = await house.incident()

    async def wait(tools: Tools, params: Words) -> Reply:
        del params
        return Reply(await tools.wait("press"))

    async def tell(tools: Tools, params: Words) -> Reply:
        tools.tell("waiting", "press", params.text)
        return Reply("told")

    house.book(wait, name="waiting")
    house.book(tell)
    waiting = asyncio.ensure_future(house.runner.execute(await house.admit("waiting", incident_id=incident_id)))
    await asyncio.sleep(0.005)
    await house.execute(incident_id=incident_id)
    ended = await waiting
    assert ended is not None
    assert ended.result["text"] == "hi"


async def test_a_plan_of_another_release_is_parked_and_taken_up_when_its_steps_are_known_again(house: House) -> None:
    house.book(say)
    run_id = await house.admit()
    house.book(say, say_more)
    parked = await house.runner.execute(run_id)
    assert parked is not None
    assert parked.status is RunStatus.PARKED
    house.book(say)
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert ended.status is RunStatus.DONE
    assert [answer.reply.text for answer in house.answers()] == [parked.reason, "said hi"]


async def say_more(tools: Tools, params: Words, said: Reply) -> Reply:
    del tools, params
    return said


@pytest.mark.parametrize("change", ["protocol", "params", "playbook"])
async def test_what_this_release_cannot_read_is_parked(house: House, change: str) -> None:
    house.book(say)
    run_id = await house.admit()
    run: Run = house.state.runs[run_id]
    other = {
        "protocol": replace(run.plan, protocol=99),
        "params": replace(run.plan, params={"text": "x", "unknown": 1}),
        "playbook": replace(run.plan, playbook="gone"),
    }[change]
    house.state.runs[run_id] = replace(run, plan=other)
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert ended.status is RunStatus.PARKED
    assert "another release" in ended.reason


async def test_a_hold_belongs_to_one_run_at_a_time(house: House) -> None:
    async def take(tools: Tools, params: Words) -> Reply:
        del params
        return Reply(await tools.hold("cpu", 60))

    house.book(take)
    assert [(await house.execute()).result["text"] for _ in range(2)] == ["r1", "r1"]
    house.ports.clock.at += timedelta(seconds=61)  # type: ignore[attr-defined]
    assert (await house.execute()).result["text"] == "r3"
