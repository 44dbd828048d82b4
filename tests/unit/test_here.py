"""What this machine tells of a target on it; a disk that hangs under a log holds up nothing else."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.kernel import LocalKernel
from bot.domain.addresses import Endpoint
from bot.domain.service import Target
from bot.domain.snapshot import KERNEL_PARTS, LOG, PartStatus, packets_part
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

    assert [each.part for each in found] == ["log", "sockets", "process", "build"]
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
