"""What the agent tells, to whom, and what it never tells."""

import asyncio
import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.adapters.kernel import Kernel
from bot.agent import Agent, AgentRefused, Allowed, Listen, run
from tests.unit.adapters.test_kernel import proc as proc  # noqa: PLC0414 - a fixture

TOKEN = "0123456789abcdefX"


@pytest.fixture
def allowed(tmp_path: Path) -> Allowed:
    log = tmp_path / "checkout.log"
    log.write_text("listening\nlogin password=hunter2hunter2 failed\n")
    return Allowed((6060, 8080), log)


def agent(allowed: Allowed, proc: Path) -> Agent:
    return Agent(allowed, TOKEN, Kernel(proc, proc.parent / "cgroup"))


async def ask(agent: Agent, path: str, token: str = f"Bearer {TOKEN}", method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(agent)
    async with httpx.AsyncClient(transport=transport, base_url="http://agent:9464") as client:
        return await client.request(method, path, headers={"Authorization": token} if token else {})


def parts(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return {each["part"]: each for each in response.json()["parts"]}


async def test_the_kernel_is_told_like_to_the_process_itself(allowed: Allowed, proc: Path) -> None:
    told = parts(await ask(agent(allowed, proc), "/v1/kernel?port=6060&port=8080"))

    assert {name: each["status"] for name, each in told.items()} == dict.fromkeys(
        ["sockets", "process", "build", "binary"], "ok"
    )
    assert json.loads(told["sockets"]["text"])["ports"] == [6060, 8080]
    assert json.loads(told["process"]["text"])["pid"] == 4242


async def test_the_end_of_the_log_is_told_without_secrets(allowed: Allowed, proc: Path) -> None:
    told = parts(await ask(agent(allowed, proc), "/v1/log?port=6060"))["log"]

    assert told["text"] == "listening\nlogin password=[redacted:secret] failed\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/log?port=6060", "its agent tells of no log: start it with --log FILE"),
        ("/v1/packets?port=6060&seconds=1", "its agent captures no packets: start it with --packets"),
    ],
)
async def test_what_no_flag_allows_is_not_told(proc: Path, path: str, said: str) -> None:
    (told,) = parts(await ask(agent(Allowed((6060,)), proc), path)).values()

    assert (told["status"], told["error"]) == ("skipped", said)


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer 0123456789abcdef", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN} "]
)
@pytest.mark.parametrize("path", ["/v1", "/v1/kernel?port=6060", "/v1/log?port=6060", "/nowhere"])
async def test_without_the_token_nothing_is_told(allowed: Allowed, proc: Path, path: str, token: str) -> None:
    refused = await ask(agent(allowed, proc), path, token)

    assert refused.status_code == 401
    assert refused.json() == {"error": "show the agent's FIRSTFIVE_AGENT_TOKEN"}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/v1/kernel?port=22", 403, "the agent does not tell of port 22: start it with --port 22"),
        ("/v1/kernel?port=6060&port=5432", 403, "the agent does not tell of port 5432: start it with --port 5432"),
        ("/v1/kernel", 400, "name the ports: port=6060"),
        ("/v1/kernel?port=/etc/passwd", 400, "port=NUMBER and seconds=NUMBER are all that can be asked"),
        ("/v1/log?port=6060&file=/etc/passwd", 400, "port=NUMBER and seconds=NUMBER are all that can be asked"),
        ("/v1/log?" + "port=6060&" * 30 + "port=6060", 400, "the query cannot be read"),
        ("/v1/packets?port=6060&seconds=11", 400, "seconds=11: packets are captured for 1 to 10 s"),
        ("/v1/packets?port=6060", 400, "seconds=0: packets are captured for 1 to 10 s"),
        ("/v1/kernel/", 404, "the agent has nothing there"),
        ("/v1/log/../../etc/passwd", 404, "the agent has nothing there"),
        ("/etc/passwd", 404, "the agent has nothing there"),
    ],
)
async def test_nothing_else_can_be_asked(allowed: Allowed, proc: Path, path: str, status: int, said: str) -> None:
    refused = await ask(agent(allowed, proc), path)

    assert (refused.status_code, refused.json()) == (status, {"error": said})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_it_is_only_asked(allowed: Allowed, proc: Path, method: str) -> None:
    assert (await ask(agent(allowed, proc), "/v1/kernel?port=6060", method=method)).status_code == 405


async def test_it_says_what_it_is(allowed: Allowed, proc: Path) -> None:
    told = await ask(agent(allowed, proc), "/v1")

    assert told.json() == {"ports": [6060, 8080], "log": True, "packets": False}
    assert re.fullmatch(r"1 \d+\.\d+\.\d+", told.headers["firstfive-agent"])


async def test_one_capture_of_packets_at_a_time(allowed: Allowed, proc: Path) -> None:
    busy = agent(Allowed(allowed.ports, packets=True), proc)
    both = await asyncio.gather(*(ask(busy, "/v1/packets?port=6060&seconds=1") for _ in range(2)))

    refused = "packets are being captured for somebody else: try again in 10 s"
    assert [each.status_code for each in both] == [200, 409]
    assert both[1].json() == {"error": refused}


async def test_a_log_on_a_disk_that_hangs_keeps_nothing_else_from_being_told(
    allowed: Allowed, proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr("bot.agent.LOOK_S", 0.2)
    monkeypatch.setattr("bot.agent.read_tail", lambda _name, _file: goes_on.wait(60))
    hanging = agent(allowed, proc)
    late = await asyncio.gather(*(ask(hanging, "/v1/log?port=6060") for _ in range(10)))
    monkeypatch.setattr("bot.agent.LOOK_S", 10.0)
    told = parts(await ask(hanging, "/v1/kernel?port=6060"))
    goes_on.set()

    assert {each.status_code for each in late} == {503}
    assert late[0].json()["error"].startswith("it was not read in 0.2 s: does a disk hang")
    assert told["sockets"]["status"] == "ok"


@pytest.mark.parametrize(
    ("allowed_", "listen", "token", "said"),
    [
        (Allowed((6060,)), Listen(), "", "must have at least 16 characters"),
        (Allowed((6060,)), Listen(), "x" * 15 + " " * 5, "must have at least 16 characters"),
        (Allowed(()), Listen(), TOKEN, "name the ports of the process"),
        (Allowed((6060, 99_999)), Listen("127.0.0.1:70000"), TOKEN, "--port 99999: there is no such port"),
        (Allowed((0,)), Listen("127.0.0.1:70000"), TOKEN, "--port 0: there is no such port"),
        (Allowed((6060,)), Listen("127.0.0.1:70000"), f"{TOKEN} é", "holds what no token can"),
        (Allowed((6060,)), Listen("127.0.0.1"), TOKEN, "write HOST:PORT"),
        (Allowed((6060,)), Listen("127.0.0.1:70000"), TOKEN, "there is no such port"),
        (Allowed((6060,)), Listen("203.0.113.7:0"), TOKEN, "Cannot assign requested address"),
        (Allowed((6060,)), Listen(cert=Path("x.pem")), TOKEN, "--cert and --key belong together"),
        (
            Allowed((6060,)),
            Listen("127.0.0.1:0", Path("nowhere.pem"), Path("nowhere.key")),
            TOKEN,
            "--cert and --key cannot be used: No such file or directory",
        ),
    ],
)
def test_it_does_not_start_in_a_way_that_cannot_work(allowed_: Allowed, listen: Listen, token: str, said: str) -> None:
    with pytest.raises(AgentRefused, match=re.escape(said)):
        run(allowed_, listen, token)
