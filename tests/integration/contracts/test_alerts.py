"""What every Alerts port remembers."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.alert_groups import AlertGroup, Member
from bot.domain.alerts import Do, Sender
from bot.domain.incident import Severity
from bot.ports import Tx
from tests.fakes import NOON
from tests.integration.contracts.conftest import Ground

MINUTE = timedelta(minutes=1)
GROUP = AlertGroup(
    key="k1",
    sender=Sender.GRAFANA,
    service="checkout",
    severity=Severity.SEV3,
    do=Do.PROPOSE,
    title="Slow\0 \ud83d",
    link="http://g.test",
    starts_at=NOON - MINUTE,
    began_at=NOON,
    changed_at=NOON,
)


async def keep(ground: Ground, *groups: AlertGroup) -> None:
    def act(tx: Tx) -> None:
        for group in groups:
            ground.alerts.keep(tx, group)

    await ground.write(act)


async def test_a_group_is_kept_as_it_stands(ground: Ground) -> None:
    assert await ground.read(lambda tx: ground.alerts.group(tx, "k1")) is None
    plain = replace(GROUP, title="Slow")
    changed = replace(
        plain, lead="k0", opener="r1", incident_id="INC-1", proposed=True, firing=3, fired=2, resolved=1, told=4,
        told_at=NOON + MINUTE, do=Do.OPEN, severity=Severity.SEV1,
    )  # fmt: skip
    for group in (plain, changed):
        await keep(ground, group)
        assert await ground.read(lambda tx: ground.alerts.group(tx, "k1")) == group


async def test_texts_that_no_database_takes_are_kept_nearly(ground: Ground) -> None:
    await keep(ground, GROUP)
    found = await ground.read(lambda tx: ground.alerts.group(tx, "k1"))
    assert found is not None
    assert found.title.startswith("Slow")
    assert await ground.read(lambda tx: ground.alerts.group(tx, "\0\ud83d")) is None


async def test_members_are_known_by_their_fingerprint_until_forgotten(ground: Ground) -> None:
    first = Member("f1", "A", "slow", "http://p.test", firing=True, starts_at=NOON, changed_at=NOON)
    second = replace(first, fingerprint="f2", name="B")
    after = replace(first, firing=False, changed_at=NOON + MINUTE)
    await ground.write(lambda tx: ground.alerts.change(tx, "k1", [first, second]))
    await ground.write(lambda tx: ground.alerts.change(tx, "k2", [first]))
    await ground.write(lambda tx: ground.alerts.change(tx, "k1", [after]))
    await ground.write(lambda tx: ground.alerts.change(tx, "k1", []))
    assert await ground.read(lambda tx: ground.alerts.members(tx, "k1")) == {"f1": after, "f2": second}
    await ground.write(lambda tx: ground.alerts.forget(tx, "k1"))
    assert await ground.read(lambda tx: ground.alerts.members(tx, "k1")) == {}
    assert await ground.read(lambda tx: ground.alerts.members(tx, "k2")) == {"f1": first}


async def test_who_began_of_late_leads(ground: Ground) -> None:
    base = replace(GROUP, title="t")
    await keep(
        ground,
        replace(base, key="early", began_at=NOON - MINUTE),
        replace(base, key="a"),
        replace(base, key="b"),
        replace(base, key="late", began_at=NOON + MINUTE),
        replace(base, key="led", lead="a"),
        replace(base, key="open", do=Do.OPEN),
    )

    def keys(tx: Tx) -> list[str]:
        return [group.key for group in ground.alerts.begun(tx, Do.PROPOSE, NOON)]

    assert await ground.read(keys) == ["late", "a", "b"]


async def test_proposed_is_what_fires_and_is_on_no_incident(ground: Ground) -> None:
    base = replace(GROUP, title="t", proposed=True, firing=1)
    await keep(
        ground,
        replace(base, key="yes"),
        replace(base, key="later", began_at=NOON + MINUTE),
        replace(base, key="quiet", firing=0),
        replace(base, key="opened", incident_id="INC-1"),
        replace(base, key="untold", proposed=False),
        replace(base, key="open", do=Do.OPEN),
    )
    found = await ground.read(ground.alerts.proposed)
    assert [group.key for group in found] == ["later", "yes"]


async def test_a_lock_is_taken_in_a_transaction(ground: Ground) -> None:
    def act(tx: Tx) -> int:
        ground.alerts.lock(tx)
        return 7

    assert await ground.write(act) == 7
