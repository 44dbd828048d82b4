"""Targets found by files and by a real name server; the last list is what remains when a source falls silent."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot.adapters.prometheus import PrometheusMetrics
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.store import SqlStore
from bot.adapters.targets.discovery import KeptDiscovery, Sources
from bot.adapters.targets.files import read_files
from bot.adapters.targets.names import ask
from bot.domain.discovery import DiscoveryPlan
from bot.domain.service import Service
from bot.domain.sightings import Discovered, DiscoveryFailed
from tests.databases import fresh_sqlite
from tests.fakes import FakeClock
from tests.integration.name_server import name_server

LOOPBACK = ("127.0.0.0/8", "::1/128")
SRV = {
    ("_pprof._tcp.checkout.test", "SRV"): ("10 5 6060 127.0.0.11.", "20 5 6061 127.0.0.12."),
    ("empty.test", "TXT"): ("nothing",),
    ("gone.test", "SRV"): ("0 0 0 .",),
}
ADDRESSES = {("checkout.test", "A"): ("127.0.0.12", "127.0.0.11"), ("checkout.test", "AAAA"): ("::1", "2001:db8::1")}


def service(**plan: Any) -> Service:
    return Service("checkout", (), discovery=DiscoveryPlan(**{"allow": LOOPBACK, "timeout_s": 1.0, **plan}))


def changed(of: Service, **plan: Any) -> Service:
    assert of.discovery is not None
    return replace(of, discovery=replace(of.discovery, **plan))


class House:
    """A discovery over a real database; it can be started anew."""

    def __init__(self, url: str) -> None:
        self.clock = FakeClock()
        self.store = SqlStore(url)
        self.start()

    def start(self) -> None:
        sources = Sources(PrometheusMetrics().targets, ask)
        self.discovery = KeptDiscovery(sources, self.store, SqlMarks(), self.clock)

    async def find(self, of: Service, later_s: float = 60) -> Discovered:
        self.clock.at += timedelta(seconds=later_s)
        return await self.discovery.targets(of)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(fresh_sqlite(tmp_path, "firstfive.db"))
    await made.store.ping()
    yield made
    await made.store.close()


def write(path: Path, *groups: dict[str, Any]) -> str:
    path.write_text(json.dumps(groups))
    return str(path)


def group(*targets: str, **labels: str) -> dict[str, Any]:
    return {"targets": list(targets), "labels": labels}


async def test_several_files_are_one_list(house: House, tmp_path: Path) -> None:
    write(tmp_path / "a.json", group("127.0.0.1:1", env="prod", pod="a-1"), group("127.0.0.2:2", env="test"))
    other = tmp_path / "b" / "shop.json"
    other.parent.mkdir()
    write(other, group("127.0.0.3:3", "10.9.9.9:3", env="prod"))
    files = (f"{tmp_path}/*.json", f"{tmp_path}/b/sh?p.json")
    found = await house.find(service(kind="file_sd", files=files, labels=(("env", "prod"),), name_label="pod"))
    assert [(each.name, each.pprof) for each in found.targets] == [
        ("checkout-127.0.0.3-3", "http://127.0.0.3:3"),
        ("checkout-a-1", "http://127.0.0.1:1"),
    ]
    (loss,) = found.losses
    assert "left out: 10.9.9.9:3; 10.9.9.9 is 10.9.9.9, outside of its allow list (127.0.0.0/8, ::1/128)" in loss


async def test_a_changed_file_is_read_again_and_not_more_often_than_need_be(house: House, tmp_path: Path) -> None:
    files = (write(tmp_path / "a.json", group("127.0.0.1:1")),)
    of = service(kind="file_sd", files=files)
    first = await house.find(of)
    write(tmp_path / "a.json", group("127.0.0.2:2"))
    assert await house.find(of, later_s=5) == first
    assert [each.pprof for each in (await house.find(of, later_s=6)).targets] == ["http://127.0.0.2:2"]


async def test_what_is_gone_or_broken_leaves_the_last_list_even_after_a_restart(house: House, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    of = service(kind="file_sd", files=(write(file, group("127.0.0.1:1")),))
    unknown = await house.find(replace(changed(of, files=("/none/*.json",)), name="payment"))
    assert unknown == Discovered((), ("payment: its targets are not known: no file is at /none/*.json: see `files`",))
    first = await house.find(of)
    at = house.clock.at
    for broken in ("", "[{", "- targets: [127.0.0.1:1]"):
        file.write_text(broken)
        again = await house.find(of)
        assert again.targets == first.targets
        (loss,) = again.losses
        assert loss.startswith(f"checkout: its targets are those of {at:%H:%M:%S} UTC on {at:%Y-%m-%d}: {file} is not")
    file.unlink()
    house.start()
    assert (await house.find(of)).targets == first.targets
    narrowed = changed(of, allow=("10.0.0.0/8",))
    assert (await house.find(narrowed)).targets == ()


async def test_one_broken_file_is_a_loss_beside_the_others(house: House, tmp_path: Path) -> None:
    write(tmp_path / "a.json", group("127.0.0.1:1"))
    (tmp_path / "b.yml").write_text("- targets: [127.0.0.2:2]")
    (tmp_path / "c.json").write_bytes(b" " * 2_000_000)
    os.mkfifo(tmp_path / "d.json")
    found = await house.find(service(kind="file_sd", files=(f"{tmp_path}/?.*",)))
    assert [each.pprof for each in found.targets] == ["http://127.0.0.1:1"]
    for said in ("b.yml is YAML: write it as JSON", "c.json has more than 1 MB", "d.json is no file"):
        assert [loss for loss in found.losses if said in loss], (said, found.losses)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder whose files are seen and cannot be reached, by us."""
    with TemporaryDirectory() as made:
        folder, us = Path(made), os.geteuid()
        write(folder / "a.json", group("127.0.0.1:1"))
        folder.chmod(0o744 if us == 0 else 0o444)
        if us == 0:
            os.seteuid(65_534)
        try:
            yield folder
        finally:
            os.seteuid(us)
            folder.chmod(0o700)


def test_what_may_not_be_reached_is_said(closed: Path) -> None:
    with pytest.raises(DiscoveryFailed, match=r"a\.json cannot be read: Permission denied"):
        read_files(DiscoveryPlan("file_sd", LOOPBACK, files=(f"{closed}/*.json",)))


async def test_what_can_be_no_name_of_a_file_is_said(house: House) -> None:
    found = await house.find(service(kind="file_sd", files=(f"/{'a' * 300}.json",)))
    assert "cannot be looked for: File name too long" in found.losses[0]


async def test_files_without_a_target_that_is_meant_say_so(house: House, tmp_path: Path) -> None:
    files = (write(tmp_path / "a.json", group("127.0.0.1:1", env="test")),)
    found = await house.find(service(kind="file_sd", files=files, labels=(("env", "prod"),)))
    said = f"checkout: no target is found: {files[0]}: no target there is meant: see `labels`"
    assert found == Discovered((), (said,))


async def test_srv_records_say_host_and_port(house: House) -> None:
    async with name_server(SRV) as server:
        names = ("_pprof._tcp.checkout.test", "unknown.test", "empty.test", "gone.test")
        found = await house.find(service(kind="dns", names=names, record="SRV", server=server))
    assert [(each.name, each.pprof) for each in found.targets] == [
        ("checkout-127.0.0.11-6060", "http://127.0.0.11:6060"),
        ("checkout-127.0.0.12-6061", "http://127.0.0.12:6061"),
    ]
    assert found.losses == (
        "checkout: unknown.test is not known to the name server: is the name right?",
        "checkout: empty.test has no SRV record: see `names` and `record`",
        "checkout: gone.test has no SRV record: see `names` and `record`",
    )


async def test_addresses_of_both_families_are_targets(house: House) -> None:
    async with name_server(ADDRESSES) as server:
        found = await house.find(service(kind="dns", names=("checkout.test",), pprof_port=6060, server=server))
    assert [each.pprof for each in found.targets] == [
        "http://[::1]:6060",
        "http://127.0.0.11:6060",
        "http://127.0.0.12:6060",
    ]
    assert "left out: [2001:db8::1]; 2001:db8::1 is 2001:db8::1, outside of" in found.losses[0]


async def test_without_a_server_of_its_own_the_machine_says_where_a_name_is(house: House) -> None:
    found = await house.find(service(kind="dns", names=("localhost",), pprof_port=6060))
    assert "http://127.0.0.1:6060" in [each.pprof for each in found.targets]
    unknown = await house.find(replace(service(kind="dns", names=("no.such.invalid",), pprof_port=1), name="payment"))
    assert unknown.targets == ()
    assert "payment: its targets are not known: no" in unknown.losses[0]


async def test_a_name_server_that_falls_silent_leaves_the_last_list(house: House) -> None:
    async with name_server(ADDRESSES) as server:
        of = service(kind="dns", names=("checkout.test",), pprof_port=6060, server=server)
        first = await house.find(of)
    async with name_server(None) as silent:
        again = await house.find(changed(of, server=silent))
    assert again.targets == first.targets
    assert "its targets are those of" in again.losses[0]
    assert "no answer" in again.losses[0]


@asynccontextmanager
async def hanging() -> AsyncIterator[tuple[str, list[str]]]:
    """A Prometheus that accepts and says nothing."""
    asked: list[str] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await server.wait_closed()


async def test_a_source_that_hangs_is_asked_once_by_all_who_ask_at_once_and_they_end(house: House) -> None:
    async with hanging() as (base, asked):
        of = replace(service(kind="prometheus", timeout_s=2.0), prometheus=base)
        found = await asyncio.gather(*(house.discovery.targets(of) for _ in range(3)))
    assert len(asked) == 1
    assert {each.losses for each in found} == {("checkout: its targets are not known: no answer within 2 s",)}
