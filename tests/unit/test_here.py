"""What this machine tells of a target on it; a disk that hangs under a log holds up nothing else."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.kernel import LocalKernel
from bot.domain.addresses import Endpoint
from bot.domain.service import Target
from bot.domain.snapshot import KERNEL_PARTS, LOG, Captured, PartStatus, captured, packets_part
from bot.here import Here
from tests.unit.adapters.test_kernel import ADMIN
from tests.unit.adapters.test_kernel import proc as proc  # noqa: PLC0414 - a fixture

ELSEWHERE = Endpoint("far", 6060, ("203.0.113.7",))


def target(log: Path | None) -> Target:
    return Target("checkout-1", "checkout", "http://127.0.0.1:6060", log=str(log) if log else None)


async def test_parts_come_in_the_order_they_were_asked_for(proc: Path, tmp_path: Path) -> None:
    log = tmp_path / "checkout.log"
    log.write_text("one\n")
    found = await Here(LocalKernel(proc=proc)).capture(target(log), [ADMIN], [LOG, *KERNEL_PARTS])

    assert [each.part for each in found] == ["log", "sockets", "process", "build", "binary"]
    assert {each.status for each in found} == {PartStatus.OK}


async def test_a_log_that_nobody_configured_is_skipped() -> None:
    (only,) = await Here().capture(target(None), [ADMIN], [LOG])

    assert (only.status, only.error) == (PartStatus.SKIPPED, "checkout-1: no `log` is configured")


async def test_of_another_machine_nothing_is_read(tmp_path: Path) -> None:
    found = await Here().capture(target(tmp_path / "x"), [ELSEWHERE], [LOG, packets_part(1)])

    assert {each.error for each in found} == {"checkout-1: not on this machine: `firstfive agent` beside it could tell"}


async def test_a_log_on_a_disk_that_hangs_is_a_loss(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr("bot.here.read_tail", lambda _name, _file: goes_on.wait(60))
    quick = replace(LOG, timeout_s=0.1)
    (only,) = await Here().capture(target(tmp_path / "x"), [ADMIN], [quick])
    goes_on.set()

    assert only.error == "checkout-1: its log did not come in 0.1 s: does a disk hang?"


async def test_captures_of_packets_hold_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, part = threading.Event(), packets_part(1)

    def listen(*_: object) -> Captured:
        goes_on.wait(60)
        return captured("checkout-1", part, b"heard", 1.0)

    monkeypatch.setattr("bot.here.watch", listen)
    many = [asyncio.ensure_future(Here().capture(target(None), [ADMIN], [part])) for _ in range(50)]
    try:
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lambda: "done") == "done"
    finally:
        goes_on.set()
        await asyncio.gather(*many)


async def test_packets_that_wait_for_other_captures_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr("bot.here.watch", lambda *_: goes_on.wait(60))
    quick = replace(packets_part(1), timeout_s=0.1)
    (only,) = await Here().capture(target(None), [ADMIN], [quick])
    goes_on.set()

    assert only.error == "checkout-1: its packets did not come in 0.1 s: are others captured just now?"
