import asyncio
import time

import pytest

from bot.adapters.targets.room import SMALL_BYTES, Room


async def test_so_many_large_answers_are_in_memory_at_once_and_small_ones_never_wait() -> None:
    room, at_once, most = Room(large=2), 0, 0

    async def take(size: int) -> None:
        nonlocal at_once, most
        with room.claim(time.monotonic) as claim:
            async with asyncio.timeout(60) as limit:
                await claim.grow(size, limit)
                at_once, most = at_once + 1, max(most, at_once + 1)
                await asyncio.sleep(0.001)
                await claim.grow(size + 1, limit)
                at_once -= 1

    await asyncio.gather(*(take(SMALL_BYTES + 1) for _ in range(6)))
    assert most == 2
    most = 0
    await asyncio.gather(*(take(SMALL_BYTES) for _ in range(6)))
    assert most == 6


async def test_the_time_of_who_waits_for_room_stands_still() -> None:
    room = Room(large=1)

    async def take() -> str:
        with room.claim(time.monotonic) as claim:
            async with asyncio.timeout(0.01) as limit:
                await claim.grow(SMALL_BYTES + 1, limit)
        return "taken"

    with room.claim(time.monotonic) as first:
        async with asyncio.timeout(60) as limit:
            await first.grow(SMALL_BYTES + 1, limit)
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    assert await waiting == "taken"


async def test_room_that_never_comes_free_is_a_timeout() -> None:
    room = Room(large=1, patience_s=0.01)
    async with asyncio.timeout(60) as limit:
        with room.claim(time.monotonic) as first, room.claim(time.monotonic) as second:
            await first.grow(SMALL_BYTES + 1, limit)
            with pytest.raises(TimeoutError):
                await second.grow(SMALL_BYTES + 1, limit)
