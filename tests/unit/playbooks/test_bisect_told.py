"""What an incident is told of a bisect: how far it is, what came out, the log, and who wrote it."""

from dataclasses import replace

import pytest

from bot.domain.bisect.bisects import Bisect
from bot.domain.run import RunStatus
from bot.domain.service import BisectRules, Catalog, Service
from bot.domain.timeline import HOUSE, Entry, Kind
from tests.fakes import FakeArtifacts, FakeDirectory, FakeProber, fake_ports
from tests.unit.playbooks.desk import BEN, Desk
from tests.unit.playbooks.test_bisect import COMMITS, told

ASK = "bisect checkout test=TestPay package=./payment good=v1 bad=main"


def desk(*, invite: bool = False) -> Desk:
    names = {"v1": COMMITS[0], "main": COMMITS[-1], "HEAD": COMMITS[-1]}
    services = (Service("checkout", (), repository="/srv/checkout.git"),)
    ports = fake_ports(Catalog(services, bisect=BisectRules(invite=invite)))
    people = FakeDirectory({"ada@example.com": BEN})
    return Desk(replace(ports, prober=FakeProber(told(13), names), directory=people))


async def bisected(house: Desk, start: str = "start sev3 slow", words: str = ASK) -> Bisect:
    await house.say(start)
    ended = await house.say(f"{words} incident=INC-1")
    assert ended.status is RunStatus.DONE, ended.reason
    [bisect] = house.incident().bisects
    return bisect


def entries(house: Desk, kind: Kind, incident_id: str = "INC-1") -> list[Entry]:
    return [entry for entry in house.chain(incident_id) if entry.kind == kind]


async def test_the_incident_is_told_how_far_it_is_and_what_came_out() -> None:
    house = desk()
    bisect = await bisected(house)
    assert bisect.told is not None
    assert bisect.told.culprit is not None
    assert bisect.told.culprit.commit == COMMITS[13]
    assert bisect.sought.what == "TestPay of ./payment"
    assert (bisect.sought.old, bisect.sought.new) == ("v1", "main")
    [first, *_] = entries(house, Kind.BISECTING)
    assert (first.facts["left"], first.facts["total"], first.facts["runs"]) == (31, 31, 0)
    assert entries(house, Kind.BISECTING)[-1].seq < entries(house, Kind.BISECTED)[0].seq


async def test_the_log_is_kept_and_named() -> None:
    house = desk()
    bisect = await bisected(house)
    [kept] = entries(house, Kind.ARTIFACT)
    assert (kept.facts["name"], kept.facts["sha256"]) == ("bisect.log", bisect.log)
    assert isinstance(house.ports.artifacts, FakeArtifacts)
    log = (await house.ports.artifacts.get(bisect.log) or b"").decode()
    assert log.startswith("git bisect start\n")
    assert log.endswith(f"# first bad commit: [{COMMITS[13]}] Change {COMMITS[13][:7]}\n")


async def test_outside_of_an_incident_nobody_is_told_how_far_it_is() -> None:
    house = desk()
    ended = await house.say(ASK)
    assert not entries(house, Kind.BISECTING, HOUSE)
    assert "Culprit 0000000000 by Ada, 99." in ended.result["summary"]


async def test_while_no_good_commit_is_known_it_says_so() -> None:
    house = desk()
    bisect = await bisected(house, words="bisect checkout test=TestPay")
    assert entries(house, Kind.BISECTING)[0].facts["total"] == 0
    assert bisect.told is not None
    assert bisect.sought.old == COMMITS[bisect.told.commits * -1 - 1][:10]


@pytest.mark.parametrize(
    ("invite", "start", "comes"),
    [
        (True, "start sev3 slow", True),
        (False, "start sev3 slow", False),
        (True, "start sev3 private=yes slow", False),
    ],
)
async def test_the_author_comes_by_itself_where_that_is_configured(invite: bool, start: str, comes: bool) -> None:  # noqa: FBT001 - a parameter of the test
    house = desk(invite=invite)
    await bisected(house, start)
    begun = [run_id for run_id in house.state.runs if run_id.endswith(".author")]
    await house.work(lambda: all(house.state.runs[run_id].status.ended for run_id in begun))
    assert len(begun) == comes
    assert (BEN in house.incident().people) is comes
    if comes:
        assert entries(house, Kind.JOINED)[0].facts["why"].startswith("wrote 0000000000, which broke TestPay")


async def test_an_answer_from_the_record_is_told_with_its_log_again() -> None:
    house = desk()
    first = await bisected(house)
    await house.say("start sev3 again")
    ended = await house.say(f"{ASK} incident=INC-2")
    [again] = house.incident("INC-2").bisects
    assert again.told is not None
    assert (again.log, again.told.earlier) == (first.log, first.run)
    assert "had found this" in ended.result["summary"]
    assert len(entries(house, Kind.ARTIFACT, "INC-2")) == 1
