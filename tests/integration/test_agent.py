"""The agent as a process: it starts, tells what is true, and is not impressed by bad company."""

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot import agent
from bot.doctor import Doctor
from bot.domain.checks import State
from bot.domain.examination import examine
from bot.domain.service import Target
from bot.domain.snapshot import KERNEL_PARTS, LOG, PartStatus, packets_part
from bot.settings import Settings
from bot.wiring import AllTargets
from tests.agents import TOKEN, running_agent
from tests.unit.adapters.hostile import serving, whole
from tests.unit.domain.captures import IDLE, goroutines

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTFIVE_AGENT_TOKEN", TOKEN)


def port_of(url: str) -> str:
    return url.rpartition(":")[2]


def log_of(folder: Path) -> Path:
    log = folder / "checkout.log"
    log.write_text(f'level=ERROR msg="login failed" password={SECRET}\nlevel=INFO msg=fine\n')
    return log


async def test_it_tells_the_bot_what_the_bot_would_have_seen_itself(tmp_path: Path) -> None:
    async with serving({"/debug/pprof/goroutine": whole(goroutines(*IDLE))}) as base:
        with running_agent("--port", port_of(base), "--log", str(log_of(tmp_path))) as running:
            target = Target("checkout-1", "checkout", base, agent=running.url)
            found = await AllTargets().capture(target, (*KERNEL_PARTS, LOG))
        own = await AllTargets().capture(Target("checkout-1", "checkout", base), KERNEL_PARTS)
    told, seen = examine(found), examine(own)

    assert {each.part: each.status for each in found} == {
        "sockets": PartStatus.OK,
        "process": PartStatus.OK,
        "build": PartStatus.SKIPPED,  # this process is no Go program
        "binary": PartStatus.OK,
        "log": PartStatus.OK,
    }
    assert told.process is not None
    assert seen.process is not None
    assert (told.process.pid, told.process.fd_limit) == (os.getpid(), seen.process.fd_limit)
    assert told.sockets is not None
    assert told.sockets.count("LISTEN") == 1
    assert told.log is not None
    assert (told.log.lines, told.log.errors) == (2, 1)
    assert not [part for part in found if SECRET.encode() in part.content]


async def test_packets_come_through_it_without_what_they_carry() -> None:
    async with serving({}, whole(SECRET.encode() * 100)) as base:
        with running_agent("--port", port_of(base), "--packets") as running:
            target = Target("checkout-1", "checkout", base, agent=running.url)
            async with httpx.AsyncClient() as client, asyncio.TaskGroup() as group:
                capture = group.create_task(AllTargets().capture(target, [packets_part(4)]))
                await asyncio.sleep(1)
                assert SECRET in (await client.get(base)).text
            (part,) = capture.result()

    assert part.status is PartStatus.OK
    assert part.bytes > 24 + 5 * 50
    assert SECRET[:5].encode() not in part.content


async def test_as_another_user_it_says_what_it_does_not_see() -> None:
    nobody = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    async with serving({}) as base:
        with running_agent("--port", port_of(base), "--packets", inside=nobody) as running:
            target = Target("checkout-1", "checkout", base, agent=running.url)
            found = await AllTargets().capture(target, (*KERNEL_PARTS, packets_part(1)))
    parts = {part.part: part for part in found}

    assert parts["sockets"].status is PartStatus.OK
    assert parts["process"].error == (
        f"checkout-1: its agent: no process of ours listens on port {port_of(base)}: "
        "another user's, or in another container"
    )
    assert "it needs CAP_NET_RAW" in parts["packets"].error


async def test_over_https_the_token_is_shown_to_a_known_authority_only(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=agent"]
    words += ["-addext", "subjectAltName=DNS:agent", "-keyout", str(key), "-out", str(cert)]
    await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)
    async with serving({}) as base:
        with running_agent("--port", port_of(base), "--cert", str(cert), "--key", str(key)) as running:
            assert running.url.startswith("https://")
            target = Target("checkout-1", "checkout", base, agent=running.url, agent_server_name="agent")
            stranger = await AllTargets().capture(target, KERNEL_PARTS)
            known = await AllTargets().capture(replace(target, agent_ca=str(cert)), KERNEL_PARTS)
            other = await AllTargets().capture(replace(target, agent_ca=str(cert), agent_server_name=""), KERNEL_PARTS)
            lost = await AllTargets().capture(replace(target, agent_ca=str(tmp_path / "none.pem")), KERNEL_PARTS)

    assert "give `agent_ca`" in stranger[0].error
    assert f"agent_ca {tmp_path}/none.pem cannot be read: No such file or directory" in lost[0].error
    assert known[0].status is PartStatus.OK
    assert "its certificate is for another name: give that as `agent_server_name`" in other[0].error


async def test_who_says_nothing_is_cut_off_and_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.agent.LONGEST_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = agent.server(agent.Agent(agent.Allowed((1,)), TOKEN), agent.Listen())
        serve = asyncio.create_task(server.serve(sockets=[listener]))
        address = listener.getsockname()
        silent = [await asyncio.open_connection(*address) for _ in range(3)]
        ends = [await reader.read() for reader, _ in silent]
        endless, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /v1 HTTP/1.1\r\nX: " + b"x" * 100_000)
        answer = await endless.read()
        for each in (*(pair[1] for pair in silent), writer):
            each.close()
        server.should_exit = True
        await serve
    assert ends == [b"", b"", b""]
    assert answer.startswith(b"HTTP/1.1 4") or answer == b""


async def test_the_doctor_has_a_line_for_it(tmp_path: Path) -> None:
    async with serving({"/debug/pprof/goroutine": whole(goroutines(*IDLE))}) as base:
        with running_agent("--port", port_of(base)) as running:

            async def line(**changed: str) -> tuple[State, str]:
                target = {"name": "checkout-1", "pprof": base, "agent": running.url, **changed}
                services = [{"name": "checkout", "targets": [target]}]
                settings = Settings.model_validate(
                    {"database_url": f"sqlite:///{tmp_path}/x.db", "artifacts_url": str(tmp_path), "services": services}
                )
                checks = await Doctor(settings).checks()
                (found,) = [check for check in checks if check.name == "agent checkout-1"]
                return found.state, found.said

            no_go = await line()
            down = await line(agent="http://127.0.0.1:9")
            unknown = await line(url="http://127.0.0.1:9999")

    assert no_go[0] is State.WARN  # it may tell its build at `version`
    assert "no Go build info" in no_go[1]
    assert (down[0], "nothing listens on http://127.0.0.1:9" in down[1]) == (State.FAIL, True)
    assert unknown[1].endswith("the agent does not tell of port 9999: start it with --port 9999")


def test_it_ends_when_told_to_and_says_what_it_needs(tmp_path: Path) -> None:
    with running_agent("--port", "1", "--log", str(log_of(tmp_path))) as running:
        assert running.said.endswith(f"tells of ports 1, the end of {tmp_path}/checkout.log\n")
        assert httpx.get(running.url).status_code == 401
        running.process.terminate()
        assert running.process.wait(20) == 0
    for words, code, said in (
        ((), 2, "Missing option '--port'"),
        (("--port", "1", "--listen", "nowhere"), 2, "write HOST:PORT"),
    ):
        command = [sys.executable, "-m", "bot.cli", "agent", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
        assert TOKEN not in done.stderr


def test_it_is_small() -> None:
    with running_agent("--port", "1") as running:
        httpx.get(f"{running.url}/v1/kernel?port=1", headers={"Authorization": f"Bearer {TOKEN}"}).raise_for_status()
        status = Path(f"/proc/{running.process.pid}/status").read_text()
    (peak_kb,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    assert peak_kb < 80_000
