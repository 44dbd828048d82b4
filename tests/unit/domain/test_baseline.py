"""What is remembered of a healthy target, and what is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter

from bot.domain.baseline import MOST, Baselines, remember
from bot.domain.facts import Facts
from bot.domain.snapshot import HEAP, HEAP_GC, captured
from tests.unit.domain.captures import PARTS, cpu, facts_of, heap
from tests.unit.domain.go_profiles import main_frame

AT = datetime(2026, 11, 29, 3, tzinfo=UTC)
PROFILED = facts_of("c", cpu=cpu(((main_frame("serve"),), 20)))
COUNTED = facts_of("c")
MEASURED = captured("c", PARTS["cpu"], b"cpu", 2.0)
LIVE, LAST = captured("c", HEAP_GC, heap(), 0.1), captured("c", HEAP, b"heap of the last collection", 0.1)


def test_a_healthy_target_is_remembered_with_the_artifacts_of_its_profiles() -> None:
    kept = remember(Baselines(), [PROFILED], [LAST, MEASURED, LIVE], AT).of("c")

    assert kept is not None
    assert kept.taken_at == AT
    assert kept.facts.cpu == PROFILED.cpu
    assert kept.profiles == {"cpu": MEASURED.sha256, "allocs": LIVE.sha256, "heap": LIVE.sha256}
    assert not kept.facts.files  # names in an archive that may be gone


def test_a_look_without_a_profile_displaces_only_its_like() -> None:
    first = remember(Baselines(), [COUNTED], [], AT)
    profiled = remember(first, [PROFILED], [], AT)

    assert profiled.of("c") != first.of("c")
    assert remember(profiled, [COUNTED], [], AT) == profiled


def test_a_target_that_told_nothing_is_not_remembered() -> None:
    assert remember(Baselines(), [Facts("c")], [], AT).of("c") is None


def test_targets_that_come_and_go_are_forgotten() -> None:
    known = Baselines()
    for number in range(MOST + 2):
        known = remember(known, [replace(COUNTED, target=f"pod-{number}")], [], AT + timedelta(minutes=number))
    assert len(known.targets) == MOST
    assert known.of("pod-1") is None
    assert known.of(f"pod-{MOST + 1}") is not None


def test_baselines_survive_being_written_down() -> None:
    adapter = TypeAdapter(Baselines)
    known = remember(Baselines(), [PROFILED, replace(PROFILED, target="d")], [MEASURED], AT)

    assert adapter.validate_json(adapter.dump_json(known)) == known
