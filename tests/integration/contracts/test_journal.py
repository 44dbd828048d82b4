import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.domain.errors import FenceLost
from bot.domain.run import Choice, Plan, Reply, RunStatus, Source
from bot.domain.timeline import Person
from bot.ports import ASKED, Answer, Memo, Memory
from tests.integration.contracts.conftest import ANN, Ground

SECOND = timedelta(seconds=1)


async def test_gives_a_run_back_as_it_was_admitted(ground: Ground) -> None:
    run = ground.run(
        "r1",
        plan=Plan("start", {"title": "ж \0 💥", "n": 1.5, "who": None, "list": [1, "a"]}, ("a", "b"), protocol=3),
        incident_id="INC-4",
        parent_id="r0",
        wake_at=ground.now + SECOND,
    )
    await ground.write(lambda tx: ground.journal.admit(tx, run))
    assert await ground.get("r1") == run
    assert await ground.read(lambda tx: ground.journal.get(tx, "r2")) is None


async def test_one_slot_is_one_run(ground: Ground) -> None:
    ids = [await ground.admit(id_, slot="event 1") for id_ in ("r1", "r2", "r3")]
    assert ids == ["r1", "r1", "r1"]
    assert await ground.read(lambda tx: ground.journal.get(tx, "r2")) is None


async def test_admitting_a_run_again_changes_nothing(ground: Ground) -> None:
    running = await ground.running("r1")
    assert await ground.admit("r1", reason="later") == "r1"
    assert await ground.get("r1") == running


async def test_a_claim_marks_the_run_and_brings_its_memos(ground: Ground) -> None:
    run = await ground.running("r1")
    assert (run.status, run.fence, run.started_at) == (RunStatus.RUNNING, 1, ground.now)
    await ground.remember(run, "step:a", '{"x":1}')
    began = ground.now
    ground.clock.at += SECOND
    assert await ground.claim("r1") == Memory(replace(run, fence=2, started_at=began), {"step:a": '{"x":1}'})
    assert await ground.get("r1") == replace(run, fence=2)


async def test_there_is_nothing_to_claim_before_its_time(ground: Ground) -> None:
    await ground.admit("r1", wake_at=ground.now + SECOND)
    assert await ground.claim("r1") is None
    ground.clock.at += SECOND
    assert await ground.claim("r1") is not None


@pytest.mark.parametrize("status", [RunStatus.DONE, RunStatus.FAILED, RunStatus.REFUSED])
async def test_an_ended_run_cannot_be_claimed(ground: Ground, status: RunStatus) -> None:
    run = await ground.running("r1")
    ended = replace(run, status=status, result={"text": "x"}, reason="why", ended_at=ground.now)
    await ground.end(ended)
    assert await ground.get("r1") == ended
    assert await ground.claim("r1") is None
    assert await ground.claim("unknown") is None


async def test_a_parked_run_can_be_claimed_again(ground: Ground) -> None:
    run = await ground.running("r1")
    parked = replace(run, status=RunStatus.PARKED, reason="another release", ended_at=ground.now)
    await ground.end(parked)
    assert await ground.claim("r1") == Memory(replace(run, fence=2), {})


async def test_whoever_lost_the_fence_records_nothing(ground: Ground) -> None:
    zombie = await ground.running("r1")
    await ground.claim("r1")
    with pytest.raises(FenceLost):
        await ground.remember(zombie, "step:a", "1")
    with pytest.raises(FenceLost):
        await ground.end(replace(zombie, status=RunStatus.DONE))
    memory = await ground.claim("r1")
    assert memory is not None
    assert (memory.memos, memory.run.status) == ({}, RunStatus.RUNNING)


async def test_an_ended_run_records_nothing_more(ground: Ground) -> None:
    run = await ground.running("r1")
    done = replace(run, status=RunStatus.DONE, ended_at=ground.now)
    await ground.end(done)
    with pytest.raises(FenceLost):
        await ground.remember(run, "late", "1")
    with pytest.raises(FenceLost):
        await ground.end(done)


async def test_the_last_memo_of_a_key_counts(ground: Ground) -> None:
    run = await ground.running("r1")
    for value in ("1", "2"):
        await ground.remember(run, "k", value)
    memory = await ground.claim("r1")
    assert memory is not None
    assert memory.memos == {"k": "2"}


async def test_what_a_run_has_kept_so_far_can_be_read(ground: Ground) -> None:
    run = await ground.running("r1")
    await ground.remember(run, "k", "1")
    assert await ground.read(lambda tx: ground.journal.memo(tx, "r1", "k")) == "1"
    assert await ground.read(lambda tx: ground.journal.memo(tx, "r1", "other")) is None


async def test_binds_a_run_to_its_incident(ground: Ground) -> None:
    run = await ground.running("r1")
    await ground.write(lambda tx: ground.journal.bind(tx, run, "INC-1"))
    assert (await ground.get("r1")).incident_id == "INC-1"


async def test_what_a_run_comes_to_is_named_by_its_incident_also_after_it_was_forgotten(ground: Ground) -> None:
    incident_id = await ground.open()
    digests = [letter * 64 for letter in "abcd"]
    run = await ground.running("r1")

    async def remember(key: str, sha256: str) -> None:
        value = json.dumps({"parts": [{"sha256": sha256}], "params": {"artifact": digests[3]}})
        await ground.write(lambda tx: ground.journal.remember(tx, run, key, value, ground.now))

    await remember("before", digests[0])
    await ground.write(lambda tx: ground.journal.bind(tx, run, incident_id))
    await remember("after", digests[1])
    ended = replace(run, status=RunStatus.DONE, result={"artifact": digests[2]}, ended_at=ground.now)
    await ground.write(lambda tx: ground.journal.end(tx, ended))
    await ground.write(lambda tx: ground.journal.forget(tx, run.id))
    named = [await ground.read(partial(ground.timeline.naming, sha256=each)) for each in digests]
    assert named == [[incident_id], [incident_id], [incident_id], []]


async def test_signals_wait_in_order_for_the_run_they_are_for(ground: Ground) -> None:
    await ground.admit("r1")
    await ground.admit("r2")
    for to, topic, value in (("r1", "press", "1"), ("r2", "press", "2"), ("r1", "other", "3"), ("r1", "press", "4")):
        await ground.signal(to, topic, value)
    assert await ground.read(lambda tx: ground.journal.signals(tx, "r1", "press")) == ["1", "4"]
    assert await ground.read(lambda tx: ground.journal.signals(tx, "r1", "none")) == []


async def test_due_runs_come_oldest_first_and_not_before_their_time(ground: Ground) -> None:
    await ground.admit("b", created_at=ground.now - 2 * SECOND)
    await ground.admit("a", created_at=ground.now - SECOND)
    await ground.admit("later", wake_at=ground.now + SECOND)
    await ground.running("busy")

    async def due(*statuses: RunStatus) -> list[str]:
        return await ground.read(lambda tx: ground.journal.due(tx, ground.now, statuses))

    assert await due(RunStatus.QUEUED) == ["b", "a"]
    assert await due(RunStatus.RUNNING) == ["busy"]
    ground.clock.at += SECOND
    assert await due(RunStatus.QUEUED, RunStatus.RUNNING) == ["b", "a", "busy", "later"]


async def test_names_the_unended_runs_of_a_playbook_on_an_incident(ground: Ground) -> None:
    await ground.admit("queued", incident_id="INC-1")
    await ground.admit("elsewhere", incident_id="INC-2")
    await ground.admit("other", incident_id="INC-1", plan=Plan("ack", {}, ("a",)))
    await ground.running("busy", incident_id="INC-1")
    done = await ground.running("done", incident_id="INC-1")
    await ground.end(replace(done, status=RunStatus.DONE))
    assert await ground.read(lambda tx: ground.journal.running(tx, "note", "INC-1")) == ["busy", "queued"]


async def test_a_hold_is_kept_until_it_lapses_or_its_holder_renews_it(ground: Ground) -> None:
    async def hold(holder: str, seconds: float) -> str:
        until = ground.now + timedelta(seconds=seconds)
        return await ground.write(lambda tx: ground.journal.hold(tx, "cpu checkout", holder, ground.now, until))

    assert [await hold("r1", 2), await hold("r2", 2)] == ["r1", "r1"]
    ground.clock.at += SECOND
    assert [await hold("r1", 2), await hold("r2", 2)] == ["r1", "r1"]
    ground.clock.at += 2 * SECOND
    assert [await hold("r2", 2), await hold("r1", 2)] == ["r2", "r2"]


async def test_an_answer_is_queued_once_per_key(ground: Ground) -> None:
    source = Source("C1", "general", "https://x.test/r", "slack")
    reply = Reply(
        "**done** 💥", (Choice("Take it", "ack"), Choice("INC-2", again="r1", incident_id="INC-2")), "INC-1", "a"
    )
    for key, text in (("run:b", reply), ("run:a", Reply("second")), ("run:b", Reply("again"))):
        await ground.reply(key, text, source)
    owed = await ground.read(lambda tx: ground.surfaces.owed(tx, 10))
    assert owed == [
        Answer("run:b", source, ANN, reply, ground.now),
        Answer("run:a", source, ANN, Reply("second"), ground.now),
    ]
    assert "replies" in await ground.heard()


async def test_names_are_kept_whatever_they_hold(ground: Ground) -> None:
    await ground.admit("r1", actor=Person("U1", "אבי 💥"))
    assert (await ground.get("r1")).actor.name == "אבי 💥"


async def test_forgets_the_words_of_a_run_that_has_ended_and_of_no_other(ground: Ground) -> None:
    run = await ground.running()
    await ground.remember(run, "step:say", '"secret"')
    await ground.reply("run:r1", Reply("secret"))

    async def forget(run_id: str) -> None:
        await ground.write(lambda tx: ground.journal.forget(tx, run_id))

    await forget("r1")
    await forget("r99")
    assert (await ground.get()).plan == run.plan
    await ground.end(
        replace(run, status=RunStatus.DONE, result={"text": "secret"}, reason="secret", ended_at=ground.now)
    )
    await ground.write(lambda tx: ground.surfaces.settle(tx, "run:r1", "delivered"))
    await forget("r1")
    forgotten = await ground.get()
    assert (forgotten.plan, forgotten.status) == (replace(run.plan, params={}), RunStatus.DONE)
    assert (forgotten.result, forgotten.reason, forgotten.ended_at) == (None, "", ground.now)
    await ground.reply("run:r1", Reply("the key is free again"))
    assert [answer.reply.text for answer in await ground.read(lambda tx: ground.surfaces.owed(tx, 9))] == [
        "the key is free again"
    ]


async def _old(ground: Ground, id_: str, **changes: Any) -> None:
    """Leave a run that ended at noon, with something remembered, told and answered."""
    run = await ground.running(id_, **changes)
    await ground.remember(run, "step:say", "{}")
    await ground.signal(id_, "approval", "x")
    await ground.reply(f"run:{id_}", Reply("done"))
    await ground.write(lambda tx: ground.surfaces.settle(tx, f"run:{id_}", "delivered"))
    await ground.end(replace(run, status=RunStatus.DONE, ended_at=ground.now))


async def _left(ground: Ground, *ids: str) -> list[str]:
    found = [await ground.read(partial(ground.journal.get, run_id=id_)) for id_ in ids]
    return [run.id for run in found if run is not None]


async def test_prunes_old_runs_that_belong_to_no_incident(ground: Ground) -> None:
    await _old(ground, "old")
    await _old(ground, "of-incident", incident_id=await ground.open())
    await ground.running("parent")
    await _old(ground, "child", parent_id="parent")
    parked = await ground.running("parked")
    await ground.end(replace(parked, status=RunStatus.PARKED, ended_at=ground.now))
    await ground.admit("queued")
    await ground.reply("owed", Reply("later"))
    ground.clock.at += timedelta(days=1)
    await _old(ground, "young")
    went = await ground.write(lambda tx: ground.journal.prune(tx, ground.now, 100))
    # The run `old`, and the answers of `old`, `of-incident` and `child`.
    assert went == 4
    everything = ("old", "of-incident", "parent", "child", "parked", "queued", "young")
    assert await _left(ground, *everything) == list(everything[1:])
    assert await ground.read(lambda tx: ground.journal.signals(tx, "old", "approval")) == []
    assert await ground.read(lambda tx: ground.journal.signals(tx, "child", "approval")) == ["x"]
    assert [each.key for each in await ground.read(lambda tx: ground.surfaces.owed(tx, 9))] == ["owed"]
    assert await ground.write(lambda tx: ground.journal.prune(tx, ground.now, 100)) == 0
    assert await ground.admit("again", slot="slot of old") == "again"


async def test_prunes_holds_that_lapsed_long_ago(ground: Ground) -> None:
    async def hold(key: str, holder: str, until: datetime) -> str:
        return await ground.write(lambda tx: ground.journal.hold(tx, key, holder, ground.now, until))

    begun = ground.now
    for key, lasts in (("lapsed", 0), ("at the limit", 1), ("lasting", 9)):
        await hold(key, "r1", begun + lasts * SECOND)
    ground.clock.at += timedelta(seconds=5)
    assert await ground.write(lambda tx: ground.journal.prune(tx, begun + SECOND, 100)) == 1
    assert await ground.write(lambda tx: ground.journal.prune(tx, ground.now, 100)) == 1
    later = ground.now + SECOND
    assert [await hold(key, "r2", later) for key in ("lapsed", "at the limit", "lasting")] == ["r2", "r2", "r1"]


async def test_prunes_a_bounded_number_at_a_time(ground: Ground) -> None:
    for number in range(5):
        await _old(ground, f"r{number}")
        ground.clock.at += timedelta(minutes=1)
    went = [await ground.write(lambda tx: ground.journal.prune(tx, ground.now, 2)) for _ in range(4)]
    assert went == [4, 4, 2, 0]


async def test_what_a_run_has_kept_can_be_read_with_its_time(ground: Ground) -> None:
    run = await ground.running("r1")
    await ground.remember(run, "step:one", "1")
    await ground.remember(run, "step:two", "2")
    kept = await ground.read(lambda tx: ground.journal.memos(tx, "r1", ["step:one", "step:three"]))
    assert kept == {"step:one": Memo("1", ground.now)}


async def test_names_the_runs_that_a_run_has_begun(ground: Ground) -> None:
    run = await ground.running("r1", incident_id="INC-1")
    await ground.admit("r1.b", parent_id="r1", incident_id="INC-1", created_at=ground.now)
    await ground.admit("r1.a", parent_id="r1", incident_id="INC-1", created_at=ground.now - SECOND)
    await ground.admit("r1.a.x", parent_id="r1.a", incident_id="INC-1")
    begun = await ground.read(lambda tx: ground.journal.children(tx, run))
    assert [each.id for each in begun] == ["r1.a", "r1.b"]


async def test_names_the_runs_that_have_asked_for_an_approval_and_go_on(ground: Ground) -> None:
    await ground.running("r1")
    for name in ("r2", "r3"):
        await ground.remember(await ground.running(name), ASKED, "7")
    await ground.end(replace(await ground.get("r3"), status=RunStatus.REFUSED))
    asking = await ground.read(ground.journal.asking)
    assert [each.id for each in asking] == ["r2"]
