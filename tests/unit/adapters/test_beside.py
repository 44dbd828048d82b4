"""An agent that answers, and all the ways in which it can fail to."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.adapters.targets.beside import Agents
from bot.domain.access import Access
from bot.domain.agent import encode
from bot.domain.packets import PCAP_HEAD
from bot.domain.service import Target
from bot.domain.snapshot import (
    BUILD,
    KERNEL_PARTS,
    LOG,
    PROCESS,
    SOCKETS,
    Captured,
    PartStatus,
    captured,
    packets_part,
    skipped,
)
from tests.unit.adapters.hostile import Answer, hang, nonsense, serving, whole

TOKEN = "0123456789abcdefX"
KERNEL = "/v1/kernel?port=6060&port=8443"
SECRET = "hunter2hunter2"
TOLD = [
    captured("its agent", SOCKETS, b'{"states": {"LISTEN": 2}}', 0.1),
    captured("its agent", PROCESS, json.dumps({"pid": 7, "cmdline": f"x --password={SECRET}"}).encode(), 0.1),
    skipped("its agent", BUILD, f"its agent: token={SECRET}\nstripped"),
]


def told(*parts: Captured, status: str = "200 OK", protocol: str = "1 0.1.0") -> Answer:
    return whole(encode(parts or TOLD), status, firstfive_agent=protocol)


def target(agent: str, token: str = "FIRSTFIVE_AGENT_TOKEN") -> Target:  # noqa: S107 - the variable's name
    urls = ("http://127.0.0.1:6060", "https://127.0.0.1:8443")
    return Target("checkout-1", "checkout", *urls, agent=agent, agent_token=token)


async def ask(
    answers: Mapping[str, Answer], *, environ: Mapping[str, str] | None = None, seen: list[str] | None = None
) -> dict[str, Captured]:
    agents = Agents(environ={"FIRSTFIVE_AGENT_TOKEN": TOKEN} if environ is None else environ)
    async with serving(answers, seen=seen) as base:
        found = await agents.capture(target(base), KERNEL_PARTS)
    return {each.part: each for each in found}


async def test_its_parts_are_the_targets_redacted_once_more() -> None:
    seen: list[str] = []
    found = await ask({KERNEL: told()}, seen=seen)

    assert len(seen) == 1
    assert f"authorization: Bearer {TOKEN}" in seen[0].replace("Authorization", "authorization")
    assert (found["sockets"].target, found["sockets"].content) == ("checkout-1", b'{"states": {"LISTEN": 2}}')
    assert found["process"].file == "checkout-1/process.json"
    assert SECRET.encode() not in found["process"].content
    assert found["build"].status is PartStatus.SKIPPED
    assert found["build"].error == "checkout-1: its agent: token=[redacted:secret] stripped"


async def test_what_an_older_agent_does_not_know_of_yet_is_no_loss() -> None:
    found = await ask({KERNEL: told()})

    assert found["binary"].status is PartStatus.SKIPPED
    assert found["binary"].error == "checkout-1: its agent is too old to tell its binary: update it"
    assert found["sockets"].status is PartStatus.OK


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            whole(b'{"error": "x"}', "401 Unauthorized", firstfive_agent="1 0.1.0"),
            "wrong token: FIRSTFIVE_AGENT_TOKEN here is not the FIRSTFIVE_AGENT_TOKEN it was started with",
        ),
        (
            whole(b'{"error": "the agent does not tell of port 8443"}', "403 Forbidden", firstfive_agent="1 0.1.0"),
            "the agent does not tell of port 8443",
        ),
        (whole(b"<html>", "503 Busy", firstfive_agent="1 0.1.0"), "it answers 503"),
        (told(protocol="0 0.0.9"), "it is of another release (0 0.0.9): update it"),
        (told(protocol="2 9.0.0"), "it is of another release (2 9.0.0): update FirstFive"),
        (told(protocol="9" * 5_000), "what answers there (200) is not `firstfive agent`: correct `agent`"),
        (whole(b"{}", "404 Not Found", firstfive_agent="1 0.0.9"), "it is of another release (1 0.0.9): update it"),
        (whole(b"busy", "503 Busy"), "too many ask it at once, or a proxy in between has no agent to ask (503)"),
        (whole(b"<html>"), "what answers there (200) is not `firstfive agent`: correct `agent`"),
        (whole(b"[]", firstfive_agent="1 0.1.0"), "it is no answer of an agent: "),
        (whole(b"[" * 100_000, firstfive_agent="1 0.1.0"), "it is no answer of an agent: "),
        (whole(b'{"parts": []}', firstfive_agent="1 0.1.0"), "it lacks 'sockets'"),
        (nonsense, "/v1/kernel does not speak HTTP: is this the right port?"),
    ],
)
async def test_an_agent_that_does_not_tell_is_a_loss_that_says_why(answer: Answer, said: str) -> None:
    found = await ask({KERNEL: answer})

    assert {each.status for each in found.values()} == {PartStatus.FAILED}
    (error,) = {each.error for each in found.values()}
    assert error.startswith("checkout-1: agent http://127.0.0.1:")
    assert f": {said}" in error


async def test_an_agent_that_is_down_says_so() -> None:
    found = await Agents(environ={"FIRSTFIVE_AGENT_TOKEN": TOKEN}).capture(target("http://127.0.0.1:9"), [SOCKETS])

    assert found[0].error == (
        "checkout-1: agent http://127.0.0.1:9: nothing listens on http://127.0.0.1:9: "
        "is the process up and the port right?"
    )


async def test_an_agent_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.targets.beside.ANSWER_S", 0.1)
    found = await ask({KERNEL: hang})

    assert {each.error.partition(": no ")[2] for each in found.values()} == {
        "answer in 0.1 s: is its machine overloaded?"
    }


async def test_an_impostor_that_repeats_the_token_gives_it_to_nobody() -> None:
    echo = [replace(part, content=part.content + TOKEN.encode(), error=TOKEN) for part in TOLD]
    found = await ask({KERNEL: told(*echo)})
    refused = await ask({KERNEL: whole(json.dumps({"error": TOKEN}).encode(), "500 X", firstfive_agent="1 0.1.0")})

    assert TOKEN not in repr([*found.values(), *refused.values()])
    assert not [part for part in found.values() if TOKEN.encode() in part.content]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "FIRSTFIVE_AGENT_TOKEN is not set in FirstFive's environment"),
        ({"FIRSTFIVE_AGENT_TOKEN": "a\r\nb: c"}, "holds what no token can"),
    ],
)
async def test_a_token_that_cannot_be_shown_is_told(environ: Mapping[str, str], said: str) -> None:
    found = await ask({KERNEL: told()}, environ=environ)

    assert said in found["sockets"].error


async def test_an_agent_outside_of_the_allow_list_is_not_asked() -> None:
    (only,) = await Agents(environ={"FIRSTFIVE_AGENT_TOKEN": TOKEN}).capture(target("http://10.1.2.3:9464"), [SOCKETS])

    assert "10.1.2.3, outside of its allow list" in only.error


async def test_the_token_does_not_go_in_clear_to_who_was_found() -> None:
    found = replace(target("http://10.1.2.3:9464"), allow=("10.0.0.0/8",), access=Access(in_clear=False))
    (only,) = await Agents(environ={"FIRSTFIVE_AGENT_TOKEN": TOKEN}).capture(found, [SOCKETS])

    assert "FIRSTFIVE_AGENT_TOKEN would go there over http" in only.error


async def test_a_target_can_have_a_token_of_its_own() -> None:
    seen: list[str] = []
    async with serving({KERNEL: told()}, seen=seen) as base:
        own = target(base, "SHOP_TOKEN")
        await Agents(environ={"SHOP_TOKEN": "another-long-token"}).capture(own, KERNEL_PARTS)

    assert "Bearer another-long-token" in seen[0]


async def test_log_and_packets_are_asked_for_by_themselves() -> None:
    log = captured("its agent", LOG, f"failed: token={SECRET}\n".encode(), 0.1)
    packets = captured("its agent", packets_part(3), PCAP_HEAD, 0.1)
    answers = {
        "/v1/log?port=6060&port=8443": told(log),
        "/v1/packets?port=6060&port=8443&seconds=3": told(packets),
    }
    async with serving(answers) as base:
        agents = Agents(environ={"FIRSTFIVE_AGENT_TOKEN": TOKEN})
        found = await agents.capture(target(base), [packets_part(3), LOG])

    assert [(each.part, each.content) for each in found] == [
        ("packets", PCAP_HEAD),
        ("log", b"failed: token=[redacted:secret]\n"),
    ]


async def test_a_capture_that_holds_more_than_headers_is_refused() -> None:
    more = PCAP_HEAD + b"\0" * 8 + (40).to_bytes(4, "little") * 2 + b"E" + SECRET.encode() * 3
    answers = {"/v1/packets?port=6060&port=8443&seconds=1": told(captured("its agent", packets_part(1), more, 0.1))}
    async with serving(answers) as base:
        (only,) = await Agents(environ={"FIRSTFIVE_AGENT_TOKEN": TOKEN}).capture(target(base), [packets_part(1)])

    assert only.status is PartStatus.FAILED
    assert "its capture is refused: no headers at byte 24" in only.error
