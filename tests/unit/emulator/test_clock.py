import asyncio

from bot.emulator.clock import Clock


async def test_a_sleeper_wakes_when_the_clock_is_advanced() -> None:
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep_until(clock.now() + 3600))
    await asyncio.sleep(0)
    clock.advance(1800)
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    clock.advance(1801)
    await asyncio.wait_for(sleeper, 1)


def test_signatures_are_made_with_unskipped_time() -> None:
    clock = Clock()
    clock.advance(3600)
    assert 3590 < clock.now() - clock.real() < 3610
