from dataclasses import replace
from typing import Any

from bot.domain.audits import Audited, Subject
from bot.domain.modules import VerifiedSums, sums_key
from bot.domain.run import Missing, Run, RunStatus, Source
from bot.engine.admission import Command
from bot.engine.tools import adapter_of
from tests.fakes import FakeAudits, fake_ports
from tests.unit.playbooks.desk import ADA, CATALOG, Desk

FAMILY = {"name": "jobs", "type": "counter", "help": "Jobs.", "series": 1, "labels": {}}


def found(*families: dict[str, Any], unseen: tuple[str, ...] = ()) -> FakeAudits:
    return FakeAudits(Subject("/metrics of checkout-1", {"targets": {"checkout-1": list(families)}}, unseen))


def desk_with(audits: FakeAudits) -> Desk:
    return Desk(replace(fake_ports(CATALOG), audits=audits))


async def told(audits: FakeAudits) -> str:
    run = await desk_with(audits).say("audit metrics checkout")
    assert run.result is not None, run.reason
    return str(run.result["summary"])


async def test_remarks_are_told_with_what_would_be_better_and_what_was_not_seen() -> None:
    audits = found(FAMILY, unseen=("checkout-2 does not answer",))
    text = await told(audits)

    assert text == (
        "/metrics of checkout-1: 1 remark.\n"
        "• *risky* `jobs`: a counter does not end in _total. Better: call it jobs_total.\n"
        "Not seen: checkout-2 does not answer."
    )
    ((what, of),) = audits.asked
    assert (what, [target.name for target in of.targets]) == (
        Audited.METRICS,
        ["checkout-1", "checkout-2", "checkout-3"],
    )


async def test_nothing_to_say_is_said_and_the_report_is_kept() -> None:
    house = desk_with(found())
    run = await house.say("audit metrics checkout")

    assert run.result is not None
    assert run.result["summary"] == "/metrics of checkout-1: no remarks."
    assert await house.ports.artifacts.get(run.result["artifact"]) == b"[]"


async def test_many_are_counted_and_the_first_are_shown() -> None:
    text = await told(found(*({**FAMILY, "name": f"jobs_{n}"} for n in range(10))))

    assert text.count("• *risky*") == 8
    assert text.endswith("2 more are in the report.")


async def test_what_cannot_be_looked_at_fails_with_the_reason() -> None:
    run = await desk_with(FakeAudits(Missing("nobody answers"))).say("audit metrics checkout")

    assert (run.status, run.reason) == (RunStatus.FAILED, "There was nothing to audit: nobody answers.")


async def test_a_repository_of_this_machine_is_for_the_command_line() -> None:
    async def asked(via: str) -> tuple[Run, FakeAudits]:
        audits = found()
        house = desk_with(audits)
        params = {"what": "metrics", "repo": "/srv/checkout"}
        admitted = await house.admission.admit(Command("audit", params, ADA, Source(via=via)))
        await house.work(lambda: house.state.runs[admitted.run_id].status.ended)
        run: Run = house.state.runs[admitted.run_id]
        return run, audits

    refused, audits = await asked("slack")
    assert refused.reason.startswith("repo= is for the command line")
    assert audits.asked == []
    done, audits = await asked("cli")
    assert done.status is RunStatus.DONE
    assert audits.asked[0][1].repository == "/srv/checkout"


async def test_what_an_audit_of_modules_proved_is_kept_for_diagnoses() -> None:
    proven = {"example.com/money@v1.2.0": ["h1:good"]}
    database = {"name": "sums.example", "sums": proven, "refused": []}
    nothing: dict[str, Any] = {"targets": {}, "recorded": {}, "environments": {}, "recipes": []}
    document = {**nothing, "database": database, "cache": {"where": "", "sums": {}, "refused": {}}}
    house = desk_with(FakeAudits(Subject("modules", document)))
    await house.say("audit modules checkout")

    kept = adapter_of(VerifiedSums).validate_json(house.state.marks[sums_key("checkout")])
    assert kept == VerifiedSums({"example.com/money@v1.2.0": ("h1:good",)})
