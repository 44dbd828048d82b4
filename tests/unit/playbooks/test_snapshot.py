"""What a snapshot asks of its targets."""

from bot.domain.snapshot import Captured, PartStatus
from tests.fakes import FakeTargets
from tests.unit.playbooks.desk import TARGETS, desk


async def test_what_costs_a_target_is_asked_once_in_two_minutes() -> None:
    kept = [
        Captured(one.name, "heap", PartStatus.OK, f"{one.name}/heap.pb.gz", 1, "a" * 64, content=b"?")
        for one in TARGETS
    ]
    targets = FakeTargets(captures=kept)
    house = desk(targets=targets)

    def profiled() -> int:
        return [part for _, part in targets.asked].count("cpu")

    await house.say("snapshot checkout")
    first = profiled()
    assert 1 <= first <= 3
    told = await house.run("snapshot", {"service": "checkout"})
    assert profiled() == first
    assert told.result["losses"] == []
    house.later(121)
    await house.say("snapshot checkout")
    assert profiled() == 2 * first
