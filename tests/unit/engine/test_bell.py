import asyncio
import threading
from datetime import timedelta

from bot.adapters.bell import LocalBell
from tests.fakes import NOON, FakeClock

LATER = NOON + timedelta(hours=1)


async def heard(bell: LocalBell, topic: str) -> bool:
    """Tell whether a waiter is woken soon."""
    waiting = asyncio.ensure_future(bell.wait(topic, LATER))
    done, _ = await asyncio.wait([waiting], timeout=0.02)
    waiting.cancel()
    return bool(done)


async def test_wakes_everybody_who_waits_for_the_topic_and_nobody_else() -> None:
    bell = LocalBell(FakeClock())
    waiting = {topic: asyncio.ensure_future(bell.wait(topic, LATER)) for topic in ("a", "b", "c")}
    await asyncio.sleep(0)
    bell.ring(frozenset({"a", "c"}))
    done, _ = await asyncio.wait(waiting.values(), timeout=0.05)
    assert done == {waiting["a"], waiting["c"]}
    waiting["b"].cancel()


async def test_returns_when_its_time_has_come() -> None:
    bell = LocalBell(FakeClock())
    async with asyncio.timeout(5):
        await bell.wait("a", NOON - timedelta(seconds=1))
        await bell.wait("a", NOON + timedelta(milliseconds=1))


async def test_a_ring_between_looking_and_waiting_is_not_missed() -> None:
    bell = LocalBell(FakeClock())
    bell.ring(["a"])

    async def look_twice() -> bool:
        await bell.wait("a", LATER)
        bell.ring(["a"])
        await bell.wait("a", LATER)
        return True

    async with asyncio.timeout(5):
        assert await look_twice()


async def test_who_has_heard_a_ring_waits_for_the_next() -> None:
    bell = LocalBell(FakeClock())
    bell.ring(["a"])
    woken = 0

    async def listen() -> None:
        nonlocal woken
        while True:
            await bell.wait("a", LATER)
            woken += 1

    listener = asyncio.ensure_future(listen())
    await asyncio.sleep(0.01)
    assert woken == 1
    bell.ring(["a"])
    await asyncio.sleep(0.01)
    assert woken == 2
    listener.cancel()


async def test_rings_from_other_threads_are_heard() -> None:
    bell = LocalBell(FakeClock())
    waiting = asyncio.ensure_future(bell.wait("a", LATER))
    await asyncio.sleep(0)
    thread = threading.Thread(target=bell.ring, args=(["a"],))
    thread.start()
    async with asyncio.timeout(5):
        await waiting
    thread.join()


async def test_a_topic_forgotten_among_thousands_wakes_rather_than_sleeps() -> None:
    bell = LocalBell(FakeClock())
    bell.ring(["old"])
    for number in range(5_000):
        bell.ring([f"t{number}"])
    assert await heard(bell, "old")
    assert len(bell._rung) < 5_000


async def test_a_waiter_that_was_cancelled_is_forgotten() -> None:
    bell = LocalBell(FakeClock())
    waiting = asyncio.ensure_future(bell.wait("a", LATER))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert bell._waiting == {}
