"""Whatever is typed or goes wrong around it: a clear answer, and the incident goes on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.emulator_process import ADA, eventually
from tests.samples import SCENARIOS
from tests.stack import Stack, running_stack

pytestmark = [SCENARIOS, pytest.mark.asyncio(loop_scope="module")]


@asynccontextmanager
async def with_one_open(folder: Path) -> AsyncIterator[Stack]:
    """Run a bot with one open incident."""
    async with running_stack(folder) as stack:
        await stack.slack.act("limits", on=False)
        await stack.type("/incident start sev3 one is open")
        await eventually(lambda: channel_of(stack))
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def untouched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Give a bot for words that change nothing."""
    async with with_one_open(tmp_path_factory.mktemp("untouched")) as stack:
        yield stack
        assert len(await stack.listed("/api/v1/incidents?ended=true")) == 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Give a bot for words that leave no trace that others could stumble over."""
    async with with_one_open(tmp_path_factory.mktemp("shared")) as stack:
        yield stack


async def channel_of(stack: Stack, number: int = 1) -> dict[str, Any]:
    """Give an incident's channel once its card is pinned."""
    channels = await stack.incident_channels()
    found = next((c for c in channels if f"{c['name']}-".startswith(f"inc-{number}-") and c["pins"]), None)
    return found or {}


async def said_in(stack: Stack, channel: str) -> str:
    return json.dumps(await stack.slack.channel(channel), ensure_ascii=False)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/incident", "/incident start"),
        ("/incident strat now", "Did you mean `/incident start`"),
        ("/incident severity sev7", "It is one of sev1, sev2, sev3, sev4"),
        ("/incident note", "What should be remembered?"),
        ("/incident snapshot service=chekout", "Did you mean `checkout`"),
        ("/incident milestone mitigated at=tomorrow", "is not a time. Write HH:MM (UTC)"),
        ("/incident update hello next=tomorrow", "is not a length of time. Write next=30m"),
        ("/incident role commander <@U0NOBODY1|nobody>", "Nobody in this workspace"),
        ("/incident note incident=INC-99 hello", "There is no INC-99"),
    ],
)
async def test_wrong_words_get_an_answer_that_says_what_would_be_right(
    untouched: Stack, typed: str, answer: str
) -> None:
    channel = await channel_of(untouched)
    place = channel["name"] if " at=" in typed or " role " in typed else "general"

    async def times() -> int:
        forms = (await untouched.slack.read("state"))["views"]
        return (await said_in(untouched, place) + json.dumps(forms, ensure_ascii=False)).count(answer)

    async def answered() -> bool:
        return await times() > before

    before = await times()
    await untouched.type(typed, channel=place)
    await eventually(answered, 10)


@pytest.mark.parametrize(
    ("typed", "title", "warning"),
    [
        ("sev9 checkout is slow", "is slow", "`sev9` is not a severity"),
        ("sev3 chekout is slow", "chekout is slow", "Did you mean `checkout`"),
        ("sev3 service=nowhere slow", "slow", "nowhere"),
        ("sev3 " + "x" * 4000, "x" * 149 + "…", ""),
        ("sev3 🔥🔥 \u202eنص من اليمين\u202c 火", "🔥🔥", ""),
        ("sev3 <!channel> *bold* `code` &amp; </script>", "&lt;!channel&gt;", ""),
        ("sev3 token xoxb-" + "1234567890-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx", "redacted", ""),
    ],
)
async def test_an_incident_opens_whatever_is_typed(shared: Stack, typed: str, title: str, warning: str) -> None:
    number = len(await shared.listed("/api/v1/incidents")) + 1
    await shared.type(f"/incident start {typed}")
    channel = await eventually(lambda: channel_of(shared, number))
    card = await said_in(shared, channel["name"])
    assert title in card
    assert warning in card
    assert "AbCdEfGhIjKlMnOpQrStUvWx" not in card
    assert len(channel["name"]) <= 80


async def test_a_channel_name_that_is_taken_gets_another(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await stack.type("/incident start sev3 twins")
        first = await eventually(lambda: channel_of(stack))
        async with _renamed(stack, first["id"], first["name"].replace("inc-1", "inc-2")):
            await stack.type("/incident start sev3 twins")
            second = await eventually(lambda: _other_channel(stack, first["id"]), 10)
            assert second["name"].startswith("inc-2")
            assert second["name"] != first["name"].replace("inc-1", "inc-2")


async def _other_channel(stack: Stack, not_this: str) -> dict[str, Any]:
    channels = await stack.incident_channels()
    return next((c for c in channels if c["id"] != not_this and c["pins"]), {})


@asynccontextmanager
async def _renamed(stack: Stack, channel: str, name: str) -> AsyncIterator[None]:
    await _slack_call(stack, "conversations.rename", channel=channel, name=name)
    yield


async def _slack_call(stack: Stack, method: str, **args: str) -> None:
    headers = {"Authorization": f"Bearer {stack.bot.environment['SLACK_BOT_TOKEN']}"}
    async with stack.slack.session.post(f"{stack.slack.api_url}{method}", data=args, headers=headers) as answer:
        body = await answer.json()
        assert body["ok"], body


async def test_an_archived_channel_does_not_stop_the_incident(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await stack.type("/incident start sev3 archived")
        channel = await eventually(lambda: channel_of(stack))
        await _slack_call(stack, "conversations.archive", channel=channel["id"])
        await stack.type("/incident note incident=INC-1 still here")
        await stack.type("/incident severity incident=INC-1 sev4")
        incident = await eventually(lambda: _with_severity(stack, "SEV4"))
        assert incident["status"] == "open"
        await eventually(lambda: _shown_elsewhere(stack, channel["id"], "SEV4"), 10)


async def _shown_elsewhere(stack: Stack, not_this: str, severity: str) -> bool:
    return severity in str((await _other_channel(stack, not_this)).get("messages"))


async def _with_severity(stack: Stack, severity: str) -> dict[str, Any]:
    incident = await stack.incident()
    return incident if incident["severity"] == severity else {}


async def _hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)
    writer.close()


async def _drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(300):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)
    writer.close()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbroke")
    await writer.drain()
    writer.close()


async def _flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin to send 10 GB, as long as somebody reads."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    try:
        for _ in range(10_000):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@asynccontextmanager
async def _misbehaving(behave: Any) -> AsyncIterator[str]:
    """Serve like that; give the address. What is still under way at the end is ended, and its socket closed."""
    serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving[task] = writer
        await behave(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task, writer in serving.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0.02)  # the loop closes what was aborted


def _sick(address: str) -> list[str]:
    target = [f'pprof = "{address}"', f'url = "{address}"']
    return ["[[services]]", 'name = "sick"', "[[services.targets]]", 'name = "sick-1"', *target]


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("behave", [_hang, _drip, _refuse, _flood])
async def test_a_target_that_misbehaves_is_recorded_and_the_sop_goes_on(tmp_path: Path, behave: Any) -> None:
    async with _misbehaving(behave) as address, running_stack(tmp_path, config=_sick(address)) as stack:
        await stack.type("/incident start sev3 sick does odd things")
        phases = await eventually(lambda: _reached(stack, "mitigate"), 40)
        capture = next(phase for phase in phases if phase["name"] == "capture")
        assert capture["state"] != "running"
        assert "sick-1" in json.dumps(await stack.listed("/api/v1/incidents/INC-1/entries"))
        assert (await stack.get("/health/ready"))["status"] == "ready"
        await stack.type("/incident ack INC-1", user=ADA)
        await eventually(lambda: _commanded(stack))


async def _reached(stack: Stack, phase: str) -> list[dict[str, Any]]:
    rows = await stack.listed("/api/v1/incidents")
    phases: list[dict[str, Any]] = (await stack.incident())["phases"] if rows else []
    return phases if any(each["name"] == phase for each in phases) else []


async def _commanded(stack: Stack) -> bool:
    return bool((await stack.incident())["roles"])


async def test_a_wrong_key_in_the_configuration_is_named(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        (tmp_path / "wrong.toml").write_text('[[services]]\nname = "checkout"\nrepositry = "x"\n')
        stack.bot.environment = {**stack.bot.environment, "FIRSTFIVE_CONFIG": str(tmp_path / "wrong.toml")}
        code, _, err = await stack.run_cli("serve")
        assert code == 2
        assert err.endswith("services[0].repositry is not a key. Did you mean 'repository'?\n")
