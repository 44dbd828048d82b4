import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.kernel import LocalKernel, is_ours
from bot.domain.addresses import Endpoint
from bot.domain.service import Target
from bot.domain.snapshot import Captured, PartStatus
from tests.unit.domain.test_buildinfo import binary

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
TARGET = Target("checkout-1", "checkout", "http://127.0.0.1:6060")
ADMIN, USERS = Endpoint("127.0.0.1", 6060, ("127.0.0.1",)), Endpoint("127.0.0.1", 8080, ("127.0.0.1",))
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
STAT = "4242 (a (b) c) S " + " ".join(str(number) for number in range(4, 22)) + " 9000 0 0\n"


def line(port: int, state: str, inode: int, unsent: int = 0, address: str = "0100007F") -> str:
    where, queues = f"{address}:{port:04X} 0100007F:C350", f"{unsent:08X}:00000000 00:00000000 00000000"
    return f"   0: {where} {state} {queues}     0        0 {inode} 1\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Pretend a machine on which process 4242 listens on 6060 and 8080."""
    texts = {
        "net/tcp": HEAD
        + line(6060, "0A", 111, unsent=2)
        + line(8080, "0A", 112, address="00000000")
        + line(8080, "01", 113, unsent=50)
        + line(8080, "08", 114)
        + line(8080, "06", 0)
        + line(8080, "06", 0)
        + line(40001, "01", 116)
        + line(40002, "01", 117)
        + line(9999, "01", 99),
        "net/tcp6": HEAD + line(8080, "01", 115, address="0000000000000000FFFF00000100007F"),
        "sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
        "stat": "cpu 1 2\nbtime 1772366400\n",
        "uptime": "500.00 900.00\n",
        "4242/status": "Name:\tcheckout\nVmHWM:\t  200 kB\nVmRSS:\t  100 kB\n",
        "4242/limits": "Limit  Soft  Hard\nMax open files            1024                 4096                 files\n",
        "4242/stat": STAT,
        "4242/cgroup": "0::/shop/checkout\n",
        "../cgroup/shop/checkout/memory.max": "max\n",
        "../cgroup/shop/memory.max": "536870912\n",
        "../cgroup/shop/cpu.max": "50000 100000\n",
        "../cgroup/shop/cpu.stat": "usage_usec 900\nnr_periods 200\nnr_throttled 150\nthrottled_usec 7\n",
        "../cgroup/shop/checkout/cpu.max": "max 100000\n",
    }
    folder = tmp_path / "proc"
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for pid, inodes in (("17", [99]), ("4242", [111, 112, 113, 116, 117])):
        (folder / pid / "fd").mkdir(parents=True)
        for number, inode in enumerate(inodes):
            (folder / pid / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
    (folder / "4242/exe").write_bytes(binary(before=4096))
    return folder


async def documents(kernel: LocalKernel, *endpoints: Endpoint) -> tuple[dict[str, Captured], dict[str, Any]]:
    done = {each.part: each for each in await kernel.capture(TARGET, endpoints)}
    return done, {name: json.loads(each.content) for name, each in done.items() if each.usable}


async def test_sockets_process_and_build_are_read(proc: Path) -> None:
    kernel = LocalKernel(proc=proc, cgroup=proc.parent / "cgroup")
    done, read = await documents(kernel, ADMIN, USERS)

    assert {name: each.status for name, each in done.items()} == dict.fromkeys(
        ["sockets", "process", "build", "binary"], PartStatus.OK
    )
    assert read["sockets"] == {
        "ports": [6060, 8080],
        "states": {"LISTEN": 2, "ESTABLISHED": 2, "CLOSE_WAIT": 1, "TIME_WAIT": 2},
        "unsent": 1,
        "stuck": {"113": 50},
        "closed_to": {},
        "ephemeral_ports": 28232,
        "machine": {"LISTEN": 2, "ESTABLISHED": 5, "CLOSE_WAIT": 1, "TIME_WAIT": 2},
    }
    ticks = os.sysconf("SC_CLK_TCK")
    read["process"].pop("cpus")  # of whichever process has this id here, if any
    assert read["process"] == {
        "pid": 4242,
        "fds": 5,
        "sockets": 5,
        "fd_limit": 1024,
        "state": "S",
        "rss_bytes": 102400,
        "rss_peak_bytes": 204800,
        "memory_limit_bytes": 536870912,
        "cpu_limit_cores": 0.5,
        "cpu_periods": 200,
        "cpu_throttled": 150,
        "uptime_s": round(500 - 9000 / ticks, 1),
        "peer": "127.0.0.1:50000",
        "peer_sockets": 2,
        "peer_waiting": 0,
        "started_at": f"2026-03-01T12:01:{9000 // ticks - 60:02d}+00:00",
    }
    assert read["build"]["settings"]["vcs.revision"] == "1a2b3c4d"
    assert read["build"]["dependencies"] == [["example.com/dep", "v1.0.0", "h1:x=", ""]]
    assert read["build"]["environment"] is None  # no such file, or another user's


async def test_of_the_environment_only_what_go_reads_is_told(proc: Path) -> None:
    given = (
        b"HOME=/root\0GOFLAGS=-mod=mod\0DATABASE_PASSWORD=hunter2\0GOPROXY=https://ada:hunter2@proxy.example\0GOSUMDB\0"
    )
    (proc / "4242/environ").write_bytes(given)
    done, read = await documents(LocalKernel(proc=proc), ADMIN)

    assert read["build"]["environment"] == {
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "https://ada:[redacted:password]@proxy.example",
        "GOSUMDB": "",
    }
    assert b"hunter2" not in done["build"].content


async def test_no_hash_of_a_module_is_taken_for_a_secret(proc: Path) -> None:
    names = ["example.com/token", "example.com/session-key", "example.com/basic", "example.com/x/password"]
    checksum = "h1:" + "aB3" * 14 + "z="
    text = "".join(f"dep\t{name}\tv1.0.0-20200101000000-abcdef123456\t{checksum}\n" for name in names)
    (proc / "4242/exe").write_bytes(binary(text, before=4096))
    _, read = await documents(LocalKernel(proc=proc), ADMIN)

    assert [row[0] for row in read["build"]["dependencies"]] == names
    assert {row[2] for row in read["build"]["dependencies"]} == {checksum}


async def test_secrets_in_build_flags_are_redacted(proc: Path) -> None:
    (proc / "4242/exe").write_bytes(binary('build\t-ldflags="-X main.apiKey=hunter2"\n', before=4096))
    done, read = await documents(LocalKernel(proc=proc), ADMIN)

    assert read["build"]["settings"] == {"-ldflags": "-X main.apiKey=[redacted:secret]"}
    assert b"hunter2" not in done["build"].content


async def test_cgroup_version_1_and_a_limit_that_is_none(proc: Path) -> None:
    (proc / "4242/cgroup").write_text("5:cpu:/\n4:memory:/shop\n")
    cgroup = proc.parent / "cgroup/memory/shop"
    cgroup.mkdir(parents=True)
    (cgroup / "memory.limit_in_bytes").write_text("1048576\n")
    (cgroup.parent / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    _, read = await documents(LocalKernel(proc=proc, cgroup=proc.parent / "cgroup"), ADMIN)

    assert read["process"]["memory_limit_bytes"] == 1048576


async def test_cgroup_version_1_limits_the_cpu_too(proc: Path) -> None:
    (proc / "4242/cgroup").write_text("5:cpu,cpuacct:/shop\n")
    cgroup = proc.parent / "cgroup/cpu/shop"
    cgroup.mkdir(parents=True)
    (cgroup / "cpu.cfs_quota_us").write_text("150000\n")
    (cgroup / "cpu.cfs_period_us").write_text("100000\n")
    (cgroup / "cpu.stat").write_text("nr_periods 3\nnr_throttled 0\nthrottled_time 0\n")
    _, read = await documents(LocalKernel(proc=proc, cgroup=proc.parent / "cgroup"), ADMIN)

    found = {name: read["process"][name] for name in ("cpu_limit_cores", "cpu_periods", "cpu_throttled")}
    assert found == {"cpu_limit_cores": 1.5, "cpu_periods": 3, "cpu_throttled": 0}


async def test_a_damaged_table_says_where(proc: Path) -> None:
    (proc / "net/tcp6").write_text(HEAD + line(8080, "01", 115) + "   1: garbage\n")
    (proc / "4242/limits").write_text("Max open files            many\n")
    done, _ = await documents(LocalKernel(proc=proc), ADMIN)

    assert {each.status for each in done.values()} == {PartStatus.FAILED}
    said = "checkout-1: sockets could not be read: /proc/net/tcp6, line 3: '   1: garbage\\n' is no socket"
    assert done["sockets"].error == said


async def test_more_sockets_than_are_read_are_told(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.kernel.tables.MAX_SOCKETS", 5)
    done, read = await documents(LocalKernel(proc=proc), ADMIN, USERS)

    assert done["sockets"].status is PartStatus.TRUNCATED
    assert done["sockets"].error == "checkout-1: the machine has more sockets than 5: these were counted"
    assert sum(read["sockets"]["machine"].values()) == 5


async def test_another_machine_is_skipped_with_the_reason(proc: Path) -> None:
    kernel = LocalKernel(proc=proc, ours=lambda address: address == "127.0.0.1")
    done, _ = await documents(kernel, Endpoint("db", 6060, ("10.0.0.5",)), USERS)

    assert {each.status for each in done.values()} == {PartStatus.SKIPPED}
    assert {each.error for each in done.values()} == {
        "checkout-1: not on this machine: `firstfive agent` beside it could tell"
    }


async def test_a_process_that_cannot_be_seen_leaves_its_sockets(proc: Path) -> None:
    (proc / "4242/fd/0").unlink()
    done, _ = await documents(LocalKernel(proc=proc), ADMIN)

    assert done["sockets"].status is PartStatus.OK
    assert done["process"].status is done["build"].status is PartStatus.SKIPPED
    assert "no process of ours listens on port 6060" in done["process"].error


async def test_who_has_just_begun_in_anothers_place_is_found(proc: Path) -> None:
    kernel = LocalKernel(proc=proc, cgroup=proc.parent / "cgroup")
    await documents(kernel, ADMIN, USERS)
    (proc / "4242").rename(proc / "4343")
    (proc / "4343/stat").write_text(STAT.replace("4242", "4343"))
    (proc / "net/tcp").write_text(HEAD + line(6060, "0A", 211))
    (proc / "4343/fd/0").unlink()
    (proc / "4343/fd/0").symlink_to("socket:[211]")
    done, read = await documents(kernel, ADMIN, USERS)
    assert read["build"]["go"]
    assert done["process"].status is PartStatus.OK


async def test_what_cannot_be_read_is_a_failure_that_says_so(proc: Path) -> None:
    (proc / "4242/exe").write_bytes(b"#!/bin/sh")
    (proc / "4242/stat").unlink()
    done, _ = await documents(LocalKernel(proc=proc), ADMIN)

    assert (done["process"].status, done["build"].status) == (PartStatus.FAILED, PartStatus.SKIPPED)
    assert "no Go build info" in done["build"].error


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_this_very_process_is_found(listening: int) -> None:
    done, read = await documents(LocalKernel(), Endpoint("localhost", listening, ("127.0.0.1",)))

    assert read["process"]["pid"] == os.getpid()
    assert read["process"]["fds"] > 0
    assert read["sockets"]["states"] == {"LISTEN": 1}
    assert "no Go build info" in done["build"].error


def test_our_addresses_are_known() -> None:
    assert is_ours("127.0.0.1")
    assert not is_ours("203.0.113.7")


async def test_a_slow_proc_ends(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.kernel.tables.TIMEOUT_S", 0.01)
    done = await LocalKernel(proc=proc, ours=_slowly).capture(TARGET, [ADMIN])

    assert {each.error for each in done} == {"checkout-1: /proc was not read in 0.01 s"}
    await asyncio.sleep(0.06)


def _slowly(_address: str) -> bool:
    time.sleep(0.05)
    return False
