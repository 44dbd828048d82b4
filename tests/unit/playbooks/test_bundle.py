"""Everything of an incident in one archive: the same one as long as nothing happens, pushed until it is there."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.errors import ArtifactDamaged
from bot.domain.run import RunStatus
from bot.domain.service import Catalog
from bot.domain.timeline import Author, Draft, Kind, to_us
from tests.fakes import NOON, FakeArtifacts, FakeBundles
from tests.unit.playbooks.desk import ADA, CATALOG, Desk, desk

NAME = "incident-20260301-inc-1-slow.tar.gz"
PATH = f"2026/{NAME}"


async def opened(bundles: FakeBundles, catalog: Catalog = CATALOG) -> Desk:
    """Give a desk with an incident that nothing else happens to."""
    house = desk(bundles=bundles, catalog=catalog)
    draft = Draft(Kind.OPENED, {"title": "slow", "severity": "SEV4", "service": ""})
    await house.ports.store.write(lambda tx: house.ports.timeline.open(tx, draft, Author(ADA, "r0"), NOON))
    return house


async def keep(house: Desk, name: str, content: bytes) -> None:
    stored = await house.ports.artifacts.put(name, content)
    draft = Draft(Kind.ARTIFACT, {"name": name, "sha256": stored.sha256, "bytes": stored.bytes, "what": "Snapshot"})
    await house.ports.store.write(lambda tx: house.ports.timeline.append(tx, "INC-1", [draft], Author(ADA, "r0"), NOON))


def facts(house: Desk, kind: Kind) -> list[dict[str, object]]:
    return [entry.facts for entry in house.chain() if entry.kind == kind]


async def later(house: Desk) -> None:
    """Let the tries that have come due happen."""
    now = house.ports.clock.now()
    waiting = [run for run in house.state.runs.values() if (run.wake_at or now + timedelta(1)) <= now]
    await house.work(lambda: all(house.state.runs[run.id].status.ended for run in waiting))


async def test_it_is_kept_and_says_that_it_goes_nowhere_when_no_repository_is_configured() -> None:
    house = await opened(FakeBundles())
    ended = await house.say("bundle INC-1")
    assert ended.status is RunStatus.DONE
    assert ended.result["text"].endswith("It is pushed nowhere: `bundle.repository` is empty.")
    [kept] = facts(house, Kind.ARTIFACT)
    assert (kept["name"], kept["what"], kept["sha256"]) == (NAME, "Incident bundle", ended.result["artifact"])


async def test_the_same_incident_gives_the_same_bundle_which_is_pushed_once() -> None:
    bundles = FakeBundles("git.test (incidents)")
    house = await opened(bundles)
    first, second = await house.say("bundle INC-1"), await house.say("bundle INC-1")
    assert first.result["artifact"] == second.result["artifact"]
    assert second.result["text"].endswith(f"It is in git.test (incidents) {PATH}, where it was already.")
    assert list(bundles.kept) == [PATH]
    assert len(facts(house, Kind.PUSHED)) == 1
    await house.say("note INC-1 one more thing")
    third = await house.say("bundle INC-1")
    assert third.result["artifact"] != first.result["artifact"]
    assert len(facts(house, Kind.PUSHED)) == 2


async def test_a_push_that_fails_is_recorded_and_made_up_for() -> None:
    bundles = FakeBundles("git.test (incidents)", ["remote rejected", "still rejected"])
    house = await opened(bundles)
    asked = await house.say("bundle INC-1")
    assert asked.result["text"].endswith("It could not be pushed: remote rejected. It is tried again at 12:01 UTC.")
    [failed] = facts(house, Kind.PUSH_FAILED)
    assert failed["again_at"] == to_us(house.ports.clock.now() + timedelta(minutes=1))
    house.later(61)
    await later(house)
    assert [row["reason"] for row in facts(house, Kind.PUSH_FAILED)] == ["remote rejected", "still rejected"]
    assert bundles.kept == {}
    house.later(60)
    await later(house)
    assert bundles.kept == {}
    house.later(61)
    await later(house)
    assert list(bundles.kept) == [PATH]
    [pushed] = facts(house, Kind.PUSHED)
    assert pushed["artifact"] == asked.result["artifact"]
    assert len(facts(house, Kind.ARTIFACT)) == 1
    assert all(run.status.ended for run in house.state.runs.values())


async def test_it_is_not_tried_for_ever() -> None:
    bundles = FakeBundles("git.test (incidents)", ["no"] * 99)
    house = await opened(bundles)
    await house.say("bundle INC-1")
    for _ in range(30):
        house.later(3_601)
        await later(house)
    failures = facts(house, Kind.PUSH_FAILED)
    assert (len(failures), failures[-1]["again_at"]) == (24, 0)
    assert max(len(run_id) for run_id in house.state.runs) < 200


async def test_a_push_whose_record_was_lost_in_a_crash_is_recorded_by_the_repeat() -> None:
    bundles = FakeBundles("git.test (incidents)")
    house = await opened(bundles)
    await house.say("bundle INC-1")
    state = house.state
    content = dict(bundles.kept)
    state.chains["INC-1"] = [entry for entry in state.chains["INC-1"] if entry.kind != Kind.PUSHED]
    await house.say("bundle INC-1")
    assert (bundles.kept, len(facts(house, Kind.PUSHED))) == (content, 1)


async def test_a_bundle_that_is_not_there_cannot_be_pushed_again() -> None:
    house = await opened(FakeBundles("git.test"))
    ended = await house.say("bundle INC-1 artifact=abc")
    assert (ended.status, ended.reason) == (RunStatus.FAILED, "INC-1 has no bundle abc.")


async def test_an_artifact_too_large_is_named_in_the_answer() -> None:
    house = await opened(FakeBundles(), replace(CATALOG, bundle_max_bytes=110_000))
    for name, size in (("large.tar.gz", 90_000), ("small.tar.gz", 20_000)):
        await keep(house, name, bytes(size))
    text = await house.text("bundle INC-1")
    assert "3 entries, 1 artifacts" in text
    assert "Left out, as it would be too large: large.tar.gz." in text


async def test_an_artifact_that_is_damaged_does_not_stop_the_bundle() -> None:
    house = await opened(FakeBundles())
    await keep(house, "snapshot.tar.gz", b"bytes")
    house.ports = replace(house.ports, artifacts=Damaged())
    again = Desk(house.ports)
    assert "1 artifacts" in await again.text("bundle INC-1")


class Damaged(FakeArtifacts):
    async def get(self, sha256: str) -> bytes | None:
        raise ArtifactDamaged(f"Artifact {sha256[:12]} is damaged.")
