from bot.domain.run import Reply
from bot.ports import Surface
from tests.integration.contracts.conftest import Ground


async def show(ground: Ground, surface: Surface) -> None:
    await ground.write(lambda tx: ground.surfaces.show(tx, surface))


async def test_remembers_what_is_shown_of_each_incident(ground: Ground) -> None:
    channel = Surface("INC-1", "channel", "C1")
    for surface in (channel, Surface("INC-1", "card", "1.1", "old"), Surface("INC-2", "card", "2.1", "x")):
        await show(ground, surface)
    newer = Surface("INC-1", "card", "1.2", "new")
    await show(ground, newer)
    assert await ground.read(lambda tx: ground.surfaces.shown(tx, "INC-1")) == {"channel": channel, "card": newer}
    assert await ground.read(lambda tx: ground.surfaces.shown(tx, "INC-3")) == {}


async def test_owes_an_answer_until_it_is_settled(ground: Ground) -> None:
    for key in ("a", "b", "c"):
        await ground.reply(key, Reply(key))

    async def owed(limit: int = 9) -> list[str]:
        return [answer.key for answer in await ground.read(lambda tx: ground.surfaces.owed(tx, limit))]

    assert await owed(2) == ["a", "b"]
    await ground.write(lambda tx: ground.surfaces.settle(tx, "a", "delivered"))
    await ground.write(lambda tx: ground.surfaces.settle(tx, "b", "channel_not_found"))
    await ground.write(lambda tx: ground.surfaces.settle(tx, "unknown", "delivered"))
    assert await owed() == ["c"]


async def test_a_settled_answer_is_not_queued_again(ground: Ground) -> None:
    await ground.reply("a", Reply("x"))
    await ground.write(lambda tx: ground.surfaces.settle(tx, "a", "delivered"))
    await ground.reply("a", Reply("x"))
    assert await ground.read(lambda tx: ground.surfaces.owed(tx, 9)) == []
