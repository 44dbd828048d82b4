"""Headers of packets: only when a second person agrees to exactly that, and told in a sentence for each target."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from bot.domain.packets import ACK, RST
from bot.domain.run import Run, RunStatus, Source
from bot.domain.service import Target
from bot.domain.snapshot import Captured, Part, captured, missed
from bot.domain.timeline import Kind
from bot.engine.admission import Command
from bot.ports import Keep, as_it_is
from tests.fakes import FakeTargets
from tests.unit.domain.test_packets import SERVER, sent
from tests.unit.playbooks.desk import ADA, BEN, CATALOG, TARGETS, Desk, desk

RESET = sent((SERVER, 1, ACK, b"abc"), (SERVER, 1, ACK, b"abc"), (SERVER, 4, RST, b""))
CHECKOUT = replace(
    CATALOG.services[0], targets=tuple(replace(each, url=f"http://127.0.0.1:{SERVER}") for each in TARGETS)
)
WATCHED = replace(CATALOG, services=(CHECKOUT, *CATALOG.services[1:]))


class Tapped(FakeTargets):
    """Targets of which the first gives packets and the others are out of reach."""

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        self.asked += [(target.name, part.name) for part in parts]
        if target.name == "checkout-1":
            found = [captured(target.name, part, RESET, 0.1) for part in parts]
        else:
            found = [missed(target.name, part, f"{target.name}: it needs CAP_NET_RAW") for part in parts]
        return tuple([await keep(each) for each in found])


async def waiting(house: Desk, **params: object) -> str:
    await house.say("start sev3 checkout slow")
    command = Command("packets", params, ADA, Source(), "", "INC-1")
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: bool(house.incident().waiting or house.state.runs[run_id].status.ended))
    return run_id


async def ended(house: Desk, run_id: str) -> Run:
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    run: Run = house.state.runs[run_id]
    return run


async def test_nothing_is_captured_before_a_second_person_agrees() -> None:
    house = desk(targets=Tapped(), catalog=WATCHED)
    run_id = await waiting(house, seconds=3)
    (asked,) = [entry.facts for entry in house.chain() if entry.kind == Kind.APPROVAL_ASKED]

    assert asked["steps"] == ["Capture"]
    assert asked["measured"]["Name the targets"] == (
        "Headers of packets for 3 s, nothing of what they carry. "
        "checkout-1: port 6061, 8080; checkout-2: port 6062, 8080; checkout-3: port 6063, 8080."
    )
    assert ("checkout-1", "packets") not in _asked(house)
    await house.say("refuse incident=INC-1", by=BEN)
    assert (await ended(house, run_id)).status is RunStatus.REFUSED
    assert ("checkout-1", "packets") not in _asked(house)


async def test_what_stands_out_is_told_and_the_capture_kept() -> None:
    house = desk(targets=Tapped(), catalog=WATCHED)
    run_id = await waiting(house)
    await house.say("approve incident=INC-1", by=BEN)
    run = await ended(house, run_id)

    assert run.status is RunStatus.DONE
    assert run.result["text"].splitlines() == [
        "checkout-1: 3 packets of 1 connection in 0.2 s: 1 retransmission (by the service), 1 reset (by the service)",
        "checkout-2: it needs CAP_NET_RAW",
        "checkout-3: it needs CAP_NET_RAW",
    ]
    kept = [entry.facts for entry in house.chain() if entry.kind == Kind.ARTIFACT]
    packets = next(each for each in kept if each["name"] == "checkout-1-packets.pcap")
    assert packets["sha256"] == sha256(RESET).hexdigest()
    assert await house.ports.artifacts.get(packets["sha256"]) == RESET


async def test_one_target_can_be_named() -> None:
    house = desk(targets=Tapped(), catalog=WATCHED)
    run_id = await waiting(house, target="checkout-2")
    await house.say("approve incident=INC-1", by=BEN)
    run = await ended(house, run_id)

    assert (run.status, run.reason) == (
        RunStatus.FAILED,
        "No packets were captured. checkout-2: it needs CAP_NET_RAW.",
    )
    assert [name for name, part in _asked(house) if part == "packets"] == ["checkout-2"]


async def test_what_cannot_be_captured_is_refused_before_anybody_is_asked() -> None:
    house = desk(targets=Tapped(), catalog=WATCHED)
    assert "choose 1 to 10" in await house.text("packets checkout seconds=11")
    assert "Did you mean `checkout-" in await house.text("packets checkout target=checkout-")
    assert "payment has no targets" in await house.text("packets payment")


async def test_of_many_targets_one_is_named_as_whoever_agrees_must_see_them_all() -> None:
    many = tuple(replace(TARGETS[0], name=f"checkout-{number}") for number in range(6))
    house = desk(targets=Tapped(), catalog=replace(CATALOG, services=(replace(CHECKOUT, targets=many),)))

    assert "checkout has 6 targets, and packets are captured at 5 at most" in await house.text("packets checkout")


def _asked(house: Desk) -> list[tuple[str, str]]:
    targets = house.ports.targets
    assert isinstance(targets, Tapped)
    return targets.asked
