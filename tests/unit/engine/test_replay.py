"""What becomes of runs that are killed, taken over, told something, or read by another release."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.discovery import DiscoveryPlan
from bot.domain.errors import CommandRejected, StoreUnusable
from bot.domain.run import Outcome, Reply, Run, RunStatus
from bot.domain.service import Service, Target
from bot.domain.sightings import Discovered
from bot.domain.timeline import Kind
from bot.engine.tools import Tools
from tests.fakes import NOON, FakeDiscovery
from tests.unit.engine.house import House, Words, say


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
    told = [Kind.RUN_STARTED, Kind.NOTE, Kind.STEP_ENDED, Kind.UPDATE, Kind.STEP_ENDED, Kind.RUN_ENDED]
    assert house.told() == told


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


async def test_a_run_that_was_killed_sees_the_targets_that_it_saw_before(house: House) -> None:
    killed = [True]
    plan = DiscoveryPlan("dns", ("127.0.0.0/8",), names=("checkout.test",), pprof_port=6060)
    service = Service("checkout", (Target("checkout-0", "checkout", "http://127.0.0.1:1"),), discovery=plan)
    found = [Target(f"checkout-{n}", "checkout", f"http://127.0.0.{n}:6060") for n in (1, 2)]
    house.use(discovery=FakeDiscovery(Discovered((found[0],), ("one is left out",)), Discovered((found[1],))))

    async def first(tools: Tools, params: Words) -> int:
        del params
        return len((await tools.targets(service)).targets)

    async def second(tools: Tools, params: Words, count: int) -> Reply:
        del params
        discovered = await tools.targets(service)
        if killed:
            killed.pop()
            raise Killed
        return Reply(f"{count} {[target.name for target in discovered.targets]} {discovered.losses}")

    house.book(first, second)
    run_id = await house.admit()
    with pytest.raises(Killed):
        await house.runner.execute(run_id)
    ended = await house.runner.execute(run_id)
    assert ended is not None
    assert ended.result["text"] == "2 ['checkout-0', 'checkout-1'] ('one is left out',)"
    another = await house.execute()
    assert another.result["text"] == "2 ['checkout-0', 'checkout-2'] ()"
