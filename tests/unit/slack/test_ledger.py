"""What was used of the limits is known to whoever speaks next; a database that is away holds nobody up."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from bot.adapters.slack.ledger import Ledger
from bot.domain.errors import ChatFailed, StoreUnusable
from bot.ports import Tx
from tests.fakes import FakeMarks, FakeStore
from tests.unit.slack.fake_slack import HandClock, limits_of

T = TypeVar("T")


class Counting(FakeStore):
    writes = 0
    away = False

    async def write(self, act: Callable[[Tx], T]) -> T:
        if self.away:
            raise StoreUnusable("gone")
        self.writes += 1
        return await super().write(act)

    async def read(self, act: Callable[[Tx], T]) -> T:
        if self.away:
            raise StoreUnusable("gone")
        return await super().read(act)


async def test_many_at_once_are_few_writes_and_all_are_kept() -> None:
    store, marks, clock = Counting(), FakeMarks(), HandClock()
    before, after = limits_of(clock), limits_of(clock)
    ledger = Ledger(store, marks, clock, before)

    async def call() -> None:
        await before.turn("pins.add")
        await ledger.note()

    await asyncio.gather(*(call() for _ in range(19)))
    assert store.writes <= 2
    clock.advance(30)
    await Ledger(store, marks, clock, after).recall()
    with pytest.raises(ChatFailed) as failed:
        await after.turn("pins.add")
    assert failed.value.retry_after_s == 31


async def test_without_its_database_it_goes_on() -> None:
    store, marks, clock = Counting(), FakeMarks(), HandClock()
    limits = limits_of(clock)
    ledger = Ledger(store, marks, clock, limits)
    store.away = True
    await limits.turn("pins.add")
    await ledger.note()
    await ledger.recall()
    store.away = False
    await ledger.note()
    assert store.writes == 1
