"""What ends a freeze is in step with what begins one; see `test_freeze`."""

from bot.domain.run import RunStatus
from tests.unit.playbooks.desk import BEN, Desk
from tests.unit.playbooks.test_freeze import DAN, OPERATOR
from tests.unit.playbooks.watched import watched_desk


async def frozen() -> Desk:
    house = watched_desk()
    await house.say("freeze checkout data migration", BEN)
    return house


async def test_whoever_may_not_freeze_may_not_thaw() -> None:
    house = await frozen()
    assert (await house.say("thaw checkout", DAN)).status is RunStatus.REFUSED
    assert await house.text("thaw checkout", OPERATOR) == "checkout is not frozen any more."


async def test_a_freeze_whose_time_is_over_is_over() -> None:
    house = watched_desk()
    await house.say("freeze checkout until=30m data migration", BEN)
    house.later(1_800)
    assert await house.text("thaw checkout", BEN) == "checkout is not frozen."
