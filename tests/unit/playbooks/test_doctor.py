from bot.domain.checks import fail, ok, warn
from tests.fakes import FakeCheckup
from tests.unit.playbooks.desk import desk


async def test_what_fails_comes_first_with_what_mends_it_and_what_is_well_is_counted() -> None:
    found = (
        ok("configuration", "services 1"),
        warn("go", "go is not on PATH", "install Go"),
        fail("target checkout-1", "nobody answers", "start it"),
        ok("git", "git version 2.39"),
    )
    said = await desk(checkup=FakeCheckup(*found)).text("doctor")
    assert said.splitlines() == [
        "✗ *target checkout-1* nobody answers",
        "    Mend: start it",
        "! *go* go is not on PATH",
        "    Mend: install Go",
        "Well: configuration, git.",
    ]
