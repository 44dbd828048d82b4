"""What is seen of many things: asked anew, once at a time, and nobody waits for one that does not answer."""

import asyncio
from collections.abc import Awaitable, Callable

from handlers.lookout import FRESH, Lookout
from tests.fakes import FakeClock

FOREVER_S = 3_600.0


def saying(*words: str) -> tuple[Callable[[], Awaitable[str]], list[str]]:
    """Give what says one word after the other, and those that are left."""
    left = list(words)

    async def ask() -> str:
        return left.pop(0)

    return ask, left


async def test_what_was_seen_lately_is_not_asked_again() -> None:
    clock = FakeClock()
    out: Lookout[str] = Lookout(clock)
    ask, left = saying("well", "ill")
    first = await out.look({"a": ask})
    assert (first["a"].what, first["a"].at) == ("well", clock.now())
    assert (await out.look({"a": ask}))["a"].what == "well"
    assert left == ["ill"]
    clock.at += FRESH
    assert (await out.look({"a": ask}))["a"].what == "ill"


async def test_a_dead_thing_is_waited_for_once_and_asked_once() -> None:
    clock, answers, asked = FakeClock(), asyncio.Event(), []

    async def dead() -> str:
        asked.append(clock.now())
        await answers.wait()
        return "late"

    ask, _ = saying("well", "well")
    out: Lookout[str] = Lookout(clock, patience_s=0.01)
    assert set(await out.look({"dead": dead, "a": ask})) == {"a"}
    patient: Lookout[str] = Lookout(clock, patience_s=FOREVER_S)
    patient._asking = out._asking
    assert set(await patient.look({"dead": dead})) == set()
    assert len(asked) == 1
    answers.set()
    await asyncio.gather(*out._asking.values())
    assert (await out.look({"dead": dead}))["dead"].what == "late"


async def test_what_fails_in_a_way_nobody_foresaw_is_nothing_seen() -> None:
    async def broken() -> str:
        raise OSError

    ask, _ = saying("well")
    assert set(await Lookout[str](FakeClock()).look({"broken": broken, "a": ask})) == {"a"}


async def test_only_the_latest_are_remembered() -> None:
    clock = FakeClock()
    out: Lookout[int] = Lookout(clock)

    async def one() -> int:
        return 1

    await out.look({f"t{number}": one for number in range(2_100)})
    assert len(out._seen) == 2_000
