from tests.integration.contracts.conftest import Ground


async def test_what_was_put_is_given_and_nothing_else(ground: Ground) -> None:
    assert await ground.read(lambda tx: ground.marks.get(tx, "a")) is None
    await ground.write(lambda tx: ground.marks.put(tx, "a", "1"))
    await ground.write(lambda tx: ground.marks.put(tx, "a", '{"x": "ü\\u0000"}'))
    assert await ground.read(lambda tx: ground.marks.get(tx, "a")) == '{"x": "ü\\u0000"}'
    assert await ground.read(lambda tx: ground.marks.get(tx, "b")) is None


async def test_a_swap_needs_what_was_there(ground: Ground) -> None:
    assert not await ground.write(lambda tx: ground.marks.swap(tx, "a", "1", "2"))
    assert await ground.write(lambda tx: ground.marks.swap(tx, "a", None, "1"))
    assert not await ground.write(lambda tx: ground.marks.swap(tx, "a", None, "2"))
    assert await ground.write(lambda tx: ground.marks.swap(tx, "a", "1", "2"))
    assert await ground.read(lambda tx: ground.marks.get(tx, "a")) == "2"
