"""The log of anchors is only ever added to, wherever it is; and it shows what a chain by itself cannot."""

import asyncio
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bot import headless, verification
from bot.adapters.anchors import FileAnchors
from bot.adapters.bucket import BucketAnchors, open_bucket
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.cli import app
from bot.domain.bundle import timeline_json
from bot.domain.errors import AnchorRaced, StoreUnusable
from bot.domain.run import RunStatus
from bot.domain.timeline import Author, Draft, Kind, Person, link
from bot.ports import Anchors
from bot.settings import Settings
from tests.databases import fresh_sqlite
from tests.fakes import NOON, FakeAnchors
from tests.object_store import fresh_bucket

ANN = Author(Person("U1", "Ann"))


@pytest.fixture(params=["file", "bucket", "fake"])
def anchors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Anchors]:
    if request.param == "bucket":
        with fresh_bucket() as url:
            yield BucketAnchors(open_bucket(url))
        return
    yield FakeAnchors() if request.param == "fake" else FileAnchors(tmp_path / "not there yet" / "anchors.jsonl")


async def test_lines_come_back_in_order(anchors: Anchors) -> None:
    assert await anchors.lines() == []
    for number in range(1, 12):
        await anchors.append(f'{{"n":{number}}}', number)
    assert await anchors.lines() == [f'{{"n":{number}}}' for number in range(1, 12)]


async def test_a_number_is_given_once(anchors: Anchors) -> None:
    await anchors.append("{}", 1)
    tried = await asyncio.gather(*(anchors.append(f"[{n}]", 2) for n in range(4)), return_exceptions=True)
    assert [type(each) for each in tried if each is not None] == [AnchorRaced] * 3
    assert len(await anchors.lines()) == 2


async def test_a_line_cut_short_by_a_crash_never_counted(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    file.write_bytes(b'{"n":1}\n{"n":')
    anchors = FileAnchors(file)
    assert await anchors.lines() == ['{"n":1}']
    await anchors.append('{"n":2}', 2)
    assert file.read_bytes() == b'{"n":1}\n{"n":2}\n'


async def test_a_file_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("x")
    with pytest.raises(StoreUnusable, match="cannot be written: "):
        await FileAnchors(tmp_path / "in the way" / "anchors.jsonl").append("{}", 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=fresh_sqlite(tmp_path), artifacts_url=str(tmp_path / "artifacts"))


async def seed(settings: Settings, *incidents: str) -> None:
    store, timeline = SqlStore(settings.database_url), SqlTimeline()
    opened = Draft(Kind.OPENED, {"title": "slow", "severity": "SEV4", "service": ""})
    note = Draft(Kind.NOTE, {"text": "that nobody shall know"})
    for _ in incidents:
        incident_id = await store.write(lambda tx: timeline.open(tx, opened, ANN, NOON))
        await store.write(partial(timeline.append, incident_id=incident_id, drafts=[note], author=ANN, now=NOON))
    await store.close()


async def do(settings: Settings, playbook: str, **params: str) -> str:
    run = (await headless.run(settings, playbook, params)).run
    assert run.status is RunStatus.DONE, run.reason
    return str(run.result["text"])


async def test_verify_sees_a_tail_that_was_cut_off_and_a_chain_that_is_gone(settings: Settings) -> None:
    await seed(settings, "INC-1", "INC-2")
    assert await do(settings, "anchor") == "Anchor 1 holds all 2 timelines as they stand."
    assert await do(settings, "anchor") == "Anchor 1 holds all 2 timelines as they stand."
    audits, log = await verification.verify_chains(settings)
    assert [audit.breaks for audit in audits] == [(), ()]
    assert log.flaws == []
    with sqlite3.connect(settings.database_url.removeprefix("sqlite:///")) as database:
        database.execute("DROP TRIGGER entry_keeps_rows")
        database.execute("DELETE FROM entry WHERE incident_id = 'INC-1' AND kind = 'note'")
        database.execute("DELETE FROM entry WHERE incident_id = 'INC-2'")
    database.close()
    first, second = (await verification.verify_chains(settings))[0]
    assert first.breaks[0].endswith("the tail is gone")
    assert (second.incident_id, second.entries, len(second.breaks)) == ("INC-2", 0, 1)


async def test_anchors_go_where_the_setting_says(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"anchor": str(tmp_path / "worm" / "log")})
    await seed(settings, "INC-1")
    await do(elsewhere, "anchor")
    assert len((tmp_path / "worm" / "log").read_text().splitlines()) == 1


async def test_anchors_go_to_the_bucket_that_keeps_the_artifacts(settings: Settings) -> None:
    with fresh_bucket() as url:
        in_bucket = settings.model_copy(update={"artifacts_url": url})
        await seed(settings, "INC-1")
        await do(in_bucket, "anchor")
        assert len(await BucketAnchors(open_bucket(url)).lines()) == 1


def test_the_timeline_of_a_bundle_is_checked_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = Draft(Kind.OPENED, {"title": "slow", "severity": "SEV4", "service": ""})
    first = link("INC-1", None, opened, ANN, NOON)
    file = tmp_path / "timeline.json"
    file.write_bytes(timeline_json([first, link("INC-1", first, Draft(Kind.NOTE, {"text": "x"}), ANN, NOON)]))
    for content, code, said in (
        (file.read_bytes(), 0, "ok     INC-1  2 entries"),
        (file.read_bytes().replace(b"slow", b"fast"), 1, "entry 1: its body was changed"),
        (b"{}", 2, ""),
    ):
        file.write_bytes(content)
        with pytest.raises(SystemExit) as ended:
            app(["verify", str(file)])
        assert (ended.value.code, said in capsys.readouterr().out) == (code, True)
