"""Two and three replicas on one Postgres: whoever dies is taken over, and nothing is there twice."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import fresh_postgres
from tests.integration.emulator_process import eventually
from tests.integration.typist import Typist
from tests.replicas import Replicas, running_replicas
from tests.samples import DEATHS

pytestmark = [DEATHS, pytest.mark.postgres]

START = "/incident start sev3 checkout 5xx after deploy"
LEASE_S = 3.0
# Whoever was stopped waits for a lease first; a look that comes late makes it wait for another.
TAKEN_OVER_S = 2 * LEASE_S + 3.0


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Replicas]:
    with fresh_postgres() as url:
        async with running_replicas(tmp_path, url) as made:
            yield made


async def test_deliveries_to_different_replicas_make_one_incident(replicas: Replicas) -> None:
    await replicas.start(0, 1, 2)
    answers = await replicas.type(START, times=4)
    assert answers["ok"]
    assert len(set(replicas.balancer.taken[:4])) == 3
    await eventually(lambda: replicas.phase("mitigate", "running"), 30)
    await _shown(replicas)
    assert [row["id"] for row in await replicas.listed("/api/v1/incidents")] == ["INC-1"]
    await assert_nothing_twice(replicas)


async def test_a_replica_killed_in_mid_sop_is_taken_over_once(
    replicas: Replicas, capsys: pytest.CaptureFixture[str]
) -> None:
    await _alone(replicas, 1, 2)
    fences = await _fences(replicas)
    assert "snapshot" in " ".join(fences)
    replicas.service.pause_s = 0.1
    replicas.send(signal.SIGCONT, 1, 2)
    killed_at = time.monotonic()
    await replicas.bots[0].end(signal.SIGKILL)
    await eventually(lambda: _taken_over(replicas, fences), 20)
    took_s = time.monotonic() - killed_at
    with capsys.disabled():
        print(f"\ntakeover after kill -9: {took_s:.2f} s (lease {LEASE_S:.0f} s)")  # noqa: T201 - a figure to keep
    assert took_s < TAKEN_OVER_S
    await eventually(lambda: replicas.phase("mitigate", "running"), 30)
    await _shown(replicas)
    await assert_nothing_twice(replicas)


async def test_a_zombie_does_its_step_in_flight_and_no_other(replicas: Replicas) -> None:
    await _alone(replicas, 1)
    zombie = replicas.bots[0].process
    assert zombie is not None
    assert "snapshot" in " ".join(await _fences(replicas))
    replicas.send(signal.SIGSTOP, 0)
    replicas.send(signal.SIGCONT, 1)
    replicas.service.pause_s = 0.1
    await eventually(lambda: replicas.phase("mitigate", "running", place=1), 40)
    ended = await _ended_steps(replicas, place=1)
    zombie.send_signal(signal.SIGCONT)
    await asyncio.sleep(3)
    assert zombie.returncode is None
    assert await _ended_steps(replicas, place=1) == ended
    await _shown(replicas)
    await replicas.type("/incident mitigate incident=INC-1 rolled back")
    await eventually(lambda: replicas.phase("mitigate", "done", place=1), 10)
    assert await replicas.bots[0].is_ready()
    await assert_nothing_twice(replicas, place=1)


async def test_a_rolling_restart_loses_nothing(replicas: Replicas) -> None:
    await replicas.start(0, 1, 2)
    asked = 0
    for place in (0, 1, 2):
        await asyncio.gather(*(replicas.type(f"/incident start sev4 number {asked + n}") for n in range(3)))
        asked += 3
        began = time.monotonic()
        assert await replicas.bots[place].end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 15
        await replicas.start(place)
    await eventually(lambda: _opened(replicas, asked), 30)
    await eventually(lambda: _channels(replicas, asked), 40)
    running = await replicas.ask("SELECT count(*) FROM run WHERE status = 'parked' OR status = 'failed'")
    assert running == [(0,)]
    await assert_nothing_twice(replicas)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_over_sockets_a_replica_that_goes_loses_nothing(tmp_path: Path, how: signal.Signals) -> None:
    """Whoever was told that it was taken finds it done, once; what was not done, Slack has said so."""
    with fresh_postgres() as url:
        async with running_replicas(tmp_path, url, count=2, socket_mode=True) as replicas:
            await replicas.slack.act("limits", on=False)
            await replicas.start(0, 1)
            await eventually(lambda: _connected(replicas, 4), 20)
            await replicas.type("/incident start sev4 slow")
            await eventually(lambda: _channels(replicas, 1), 30)
            typist = Typist(replicas.slack)
            async with typist.typing():
                await replicas.bots[0].end(how)
                await eventually(lambda: _connected(replicas, 2), 20)
            await eventually(lambda: _noted(replicas, typist.done), 30)
            noted = Counter(await _notes(replicas))
            assert set(noted.values()) == {1}
            # What was on its way when the connection closed can be lost to the bot, never silently.
            assert len(typist.failed) <= 2
            if how is signal.SIGTERM:
                assert set(noted) == set(typist.done)


async def test_the_voice_moves_on_when_the_speaker_dies(replicas: Replicas) -> None:
    await replicas.start(0)
    await replicas.type(START)
    await _shown(replicas)
    await replicas.start(1)
    await replicas.bots[0].end(signal.SIGKILL)
    await replicas.type("/incident note incident=INC-1 said after the speaker died")
    await eventually(lambda: _posted(replicas, "said after the speaker died"), 20)
    await assert_nothing_twice(replicas, place=1)


async def _alone(replicas: Replicas, *others: int) -> None:
    """Let replica 0 be at a snapshot by itself; the others have started, and stand still until they are let go.

    To start them takes longer on a slow machine than the snapshot lasts.
    """
    replicas.service.pause_s = 3.0
    await replicas.start(0, *others)
    replicas.send(signal.SIGSTOP, *others)
    await replicas.type(START)
    await eventually(lambda: _capturing(replicas), 20)


async def _capturing(replicas: Replicas) -> bool:
    """Tell whether a snapshot is asking the service right now; `changes` asks it too, just before."""
    asked = any(times > 0 for times in replicas.service.unanswered.values())
    return asked and "snapshot" in " ".join(await _fences(replicas))


async def _fences(replicas: Replicas) -> dict[str, int]:
    return dict(await replicas.ask("SELECT id, fence FROM run WHERE status = 'running'"))


async def _taken_over(replicas: Replicas, before: dict[str, int]) -> bool:
    now = dict(await replicas.ask("SELECT id, fence FROM run"))
    return all(now[run_id] > fence for run_id, fence in before.items())


async def _ended_steps(replicas: Replicas, place: int = -1) -> Counter[tuple[str, str]]:
    entries = await replicas.listed("/api/v1/incidents/INC-1/entries", place)
    return Counter((entry["run_id"], entry["step"]) for entry in entries if entry["kind"] == "step ended")


async def _shown(replicas: Replicas) -> dict[str, Any]:
    async def card() -> dict[str, Any]:
        channels = await replicas.incident_channels()
        return channels[0] if len(channels) == 1 and channels[0]["pins"] else {}

    return await eventually(card, 30)


async def _opened(replicas: Replicas, wanted: int) -> bool:
    return len(await replicas.listed("/api/v1/incidents")) == wanted


async def _connected(replicas: Replicas, wanted: int) -> bool:
    return bool((await replicas.slack.read("state"))["socket_connections"] == wanted)


async def _notes(replicas: Replicas) -> list[str]:
    entries = await replicas.listed("/api/v1/incidents/INC-1/entries")
    return [entry["body"]["text"] for entry in entries if entry["kind"] == "note"]


async def _noted(replicas: Replicas, said: list[str]) -> bool:
    return set(said) <= set(await _notes(replicas))


async def _channels(replicas: Replicas, wanted: int) -> bool:
    channels = await replicas.incident_channels()
    return len(channels) == wanted and all(channel["pins"] for channel in channels)


async def _posted(replicas: Replicas, text: str) -> bool:
    return text in json.dumps((await _shown(replicas))["messages"])


async def assert_nothing_twice(replicas: Replicas, place: int = -1) -> None:
    """Check the history: every step ended once, one channel and card an incident, no message twice."""
    await asyncio.sleep(1.5)
    incidents = await replicas.listed("/api/v1/incidents", place)
    channels = await replicas.incident_channels()
    assert len(channels) == len(incidents)
    for incident in incidents:
        entries = await replicas.listed(f"/api/v1/incidents/{incident['id']}/entries", place)
        told = Counter((e["kind"], e["run_id"], e["step"]) for e in entries if e["kind"] in {"step ended", "run ended"})
        assert [what for what, times in told.items() if times > 1] == []
        assert sum(entry["kind"] == "channel opened" for entry in entries) == 1
    for channel in channels:
        texts = Counter(json.dumps([m.get("text"), m.get("blocks")]) for m in channel["messages"])
        assert [text for text, times in texts.items() if times > 1] == []
        assert len(channel["pins"]) == 1
    audit = await replicas.ask("SELECT incident_id, seq, count(*) FROM entry GROUP BY 1, 2 HAVING count(*) > 1")
    assert audit == []
