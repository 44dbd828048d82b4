import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.worker import EmbeddedWorker
from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import Person
from bot.engine.playbook import Params, Playbook
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.engine.tools import Tools
from tests.fakes import NOON, FakeStore, FakeTx, fake_ports


class Nothing(Params):
    pass


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - the fakes have no event for it
            await asyncio.sleep(0.001)


@dataclass
class Bench:
    """A worker, and a playbook whose runs wait until they are let go."""

    ports: Ports
    folder: Path

    def __post_init__(self) -> None:
        self.executions: list[str] = []
        self.at_once: dict[str, int] = {}
        self.let_go = asyncio.Event()
        self.breaks = 0
        playbook = Playbook("demo", "x", Nothing)
        playbook.step("Work")(self.work)
        self.runner = Runner({"demo": playbook}, self.ports)
        self.worker = self.another()

    def another(self) -> EmbeddedWorker:
        return EmbeddedWorker(self.runner, self.ports, self.folder / "lock")

    async def work(self, tools: Tools, params: Nothing) -> str:
        del params
        self.executions.append(tools.run_id)
        self.at_once[tools.run_id] = self.at_once.get(tools.run_id, 0) + 1
        assert self.at_once[tools.run_id] == 1
        try:
            if self.breaks:
                self.breaks -= 1
                raise StoreUnusable("gone")
            await self.let_go.wait()
        finally:
            self.at_once[tools.run_id] -= 1
        return "done"

    @property
    def state(self) -> FakeTx:
        assert isinstance(self.ports.store, FakeStore)
        return self.ports.store.now

    def admit(self, id_: str, **changes: object) -> None:
        run = Run(id_, Plan("demo", {}, ("work",)), Person("U1", "Ann"), Source(), NOON, id_)
        self.state.runs[id_] = replace(run, **changes)  # type: ignore[arg-type]

    async def until(self, *ids: str, status: RunStatus = RunStatus.DONE) -> None:
        await eventually(lambda: all(self.state.runs[id_].status is status for id_ in ids))

    async def until_working(self, *ids: str) -> None:
        await eventually(lambda: all(self.at_once.get(id_) for id_ in ids))

    def pass_time(self, seconds: float) -> None:
        self.ports.clock.at += timedelta(seconds=seconds)  # type: ignore[attr-defined]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(fake_ports(), tmp_path)
    yield made
    await made.worker.stop(0)


async def test_executes_what_is_due_side_by_side(bench: Bench) -> None:
    bench.admit("r1")
    await bench.worker.start()
    await bench.until_working("r1")
    bench.admit("r2")
    await bench.until_working("r1", "r2")
    assert bench.worker.counts.executing == 2
    bench.let_go.set()
    await bench.until("r1", "r2")
    assert bench.executions == ["r1", "r2"]
    await eventually(lambda: bench.worker.counts.executed == 2)


async def test_waits_for_a_runs_time(bench: Bench) -> None:
    bench.let_go.set()
    bench.admit("later", wake_at=NOON + timedelta(seconds=10))
    bench.admit("now")
    await bench.worker.start()
    await bench.until("now")
    assert bench.state.runs["later"].status is RunStatus.QUEUED
    bench.pass_time(10)
    await bench.until("later")
    assert bench.executions == ["now", "later"]


async def test_takes_over_what_another_process_left_running_or_parked(bench: Bench) -> None:
    bench.let_go.set()
    bench.admit("left", status=RunStatus.RUNNING, fence=3)
    bench.admit("parked", status=RunStatus.PARKED, fence=1)
    bench.admit("done", status=RunStatus.DONE)
    await bench.worker.start()
    await bench.until("left", "parked")
    assert bench.state.runs["left"].fence == 4
    assert bench.worker.counts.taken_over == 2
    assert "done" not in bench.executions


async def test_one_run_is_executed_once_at_a_time(bench: Bench) -> None:
    bench.admit("r1", status=RunStatus.RUNNING)
    await bench.worker.start()
    await bench.until_working("r1")
    bench.state.runs["r1"] = replace(bench.state.runs["r1"], status=RunStatus.QUEUED)
    await asyncio.sleep(0.02)
    assert bench.executions == ["r1"]


async def test_stopping_lets_a_running_step_end(bench: Bench) -> None:
    bench.admit("r1")
    await bench.worker.start()
    await bench.until_working("r1")
    stopping = asyncio.ensure_future(bench.worker.stop(10))
    await asyncio.sleep(0.005)
    bench.admit("r2")
    bench.let_go.set()
    await stopping
    assert bench.state.runs["r1"].status is RunStatus.DONE
    assert bench.state.runs["r2"].status is RunStatus.QUEUED
    assert not bench.worker.healthy()


async def test_what_does_not_end_in_time_is_resumed_by_the_next_worker(bench: Bench) -> None:
    bench.admit("r1")
    await bench.worker.start()
    await bench.until_working("r1")
    await bench.worker.stop(0.01)
    assert bench.state.runs["r1"].status is RunStatus.RUNNING
    bench.let_go.set()
    bench.worker = bench.another()
    await bench.worker.start()
    await bench.until("r1")
    assert bench.executions == ["r1", "r1"]


async def test_a_run_that_breaks_off_is_tried_again_after_a_growing_pause(bench: Bench) -> None:
    bench.let_go.set()
    bench.breaks = 2
    bench.admit("r1")
    await bench.worker.start()
    for times, pause_s in ((1, 1), (2, 2)):
        await eventually(lambda times=times: bench.worker.counts.interrupted == times)  # type: ignore[misc]
        bench.pass_time(pause_s - 0.001)
        await asyncio.sleep(0.01)
        assert len(bench.executions) == times
        bench.pass_time(0.001)
    await bench.until("r1")
    await eventually(lambda: bench.worker.counts.executed == 1)
    assert bench.worker.counts.interrupted == 2


async def test_goes_on_when_the_database_comes_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.worker.start()
    bench.let_go.set()

    async def fail(_: object) -> None:
        raise StoreUnusable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(bench.ports.store, "read", fail)
        bench.admit("r1")
        await asyncio.sleep(0.02)
        assert bench.executions == []
        assert bench.worker.healthy()
    await bench.until("r1")


async def test_is_healthy_while_it_turns(bench: Bench) -> None:
    assert not bench.worker.healthy()
    await bench.worker.start()
    assert bench.worker.healthy()
    await bench.worker.stop(0)
    assert not bench.worker.healthy()


async def test_a_second_worker_is_refused_in_words(bench: Bench) -> None:
    await bench.worker.start()
    with pytest.raises(StoreUnusable) as refused:
        await bench.another().start()
    assert str(refused.value) == (
        f"another FirstFive serves this database (pid {os.getpid()}); stop it or give this one another DATABASE_URL"
    )
    await bench.worker.stop(0)
    bench.worker = bench.another()
    await bench.worker.start()


async def test_a_lock_dies_with_its_process(bench: Bench) -> None:
    code = (
        "import sys, time; from pathlib import Path; from bot.adapters.worker import take_lock;"
        "held = take_lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    lock = bench.folder / "lock"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE) as other:  # noqa: ASYNC220 - ours to kill
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreUnusable, match=f"pid {other.pid}"):
            await bench.worker.start()
        other.kill()
    await bench.worker.start()
    assert bench.worker.healthy()


async def test_a_lock_that_cannot_be_made_is_named(bench: Bench) -> None:
    worker = EmbeddedWorker(bench.runner, bench.ports, Path("/proc/nowhere/lock"))
    with pytest.raises(StoreUnusable, match="/proc/nowhere/lock"):
        await worker.start()


async def test_stopping_waits_for_nothing_that_only_waits(bench: Bench) -> None:
    async def work(tools: Tools, params: Nothing) -> str:
        del params
        bench.at_once[tools.run_id] = 1
        return await tools.wait("somebody")

    playbook = Playbook("demo", "x", Nothing)
    playbook.step("Work")(work)
    bench.runner = Runner({"demo": playbook}, bench.ports)
    bench.worker = bench.another()
    bench.admit("r1")
    await bench.worker.start()
    await eventually(lambda: "r1" in bench.at_once)
    async with asyncio.timeout(5):
        await bench.worker.stop(60)
    assert bench.state.runs["r1"].status is RunStatus.RUNNING
