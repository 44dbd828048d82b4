import asyncio

import pytest

from bot.domain.timeline import HOUSE, Draft, Kind
from bot.ports import Tx
from tests.integration.contracts.conftest import Ground


class Refused(Exception):
    pass


async def test_gives_what_the_act_gives(ground: Ground) -> None:
    assert await ground.write(lambda _: 42) == 42
    assert await ground.read(lambda _: "x") == "x"


async def test_an_act_that_fails_leaves_nothing_and_tells_only_its_awaiter(ground: Ground) -> None:
    async def fail() -> None:
        def act(tx: Tx) -> None:
            ground.journal.admit(tx, ground.run("lost"))
            raise Refused

        await ground.write(act)

    first, failed, last = await asyncio.gather(
        ground.admit("first"), fail(), ground.admit("last"), return_exceptions=True
    )
    assert (first, last) == ("first", "last")
    assert isinstance(failed, Refused)
    assert await ground.read(lambda tx: ground.journal.get(tx, "lost")) is None
    rung = await ground.heard()
    assert "run:lost" not in rung
    assert {"run:first", "run:last"} <= set(rung)


async def test_an_act_is_seen_whole_or_not_at_all(ground: Ground) -> None:
    def act(tx: Tx) -> None:
        ground.journal.admit(tx, ground.run("r1"))
        ground.journal.hold(tx, "key", "r1", ground.now, ground.now)

    await ground.write(act)
    assert (await ground.get("r1")).id == "r1"


async def test_rings_for_what_was_committed(ground: Ground) -> None:
    incident_id = await ground.open()
    assert set(await ground.heard()) == {"incident:INC-1", "listing"}
    run = await ground.running("r1")
    await ground.signal("r1", "press", "yes")
    await ground.end(run)
    await ground.append(Draft(Kind.NOTE, {"text": "x"}), to=incident_id)
    await ground.append(Draft(Kind.NOTE, {"text": "x"}))
    assert await ground.heard() == [
        *("incident:INC-1", "listing"),
        *("run:r1", "runs"),
        "run:r1",
        "run:r1",
        "incident:INC-1",
        f"incident:{HOUSE}",
    ]


async def test_rings_nothing_when_nothing_was_written(ground: Ground) -> None:
    await ground.admit("r1")
    before = list(await ground.heard())
    await ground.admit("r2", slot="slot of r1")
    assert await ground.heard() == before


async def test_many_writers_at_once_all_get_their_own_answer(ground: Ground) -> None:
    ids = [f"r{number}" for number in range(64)]
    assert await asyncio.gather(*(ground.admit(id_) for id_ in ids)) == ids


async def test_a_reader_sees_what_was_awaited(ground: Ground) -> None:
    for number in range(20):
        await ground.admit(f"r{number}")
        assert (await ground.get(f"r{number}")).id == f"r{number}"


async def test_an_error_in_a_read_reaches_the_reader(ground: Ground) -> None:
    def act(_: Tx) -> None:
        raise Refused

    with pytest.raises(Refused):
        await ground.read(act)
