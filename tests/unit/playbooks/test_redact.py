"""Words that must go are gone from everywhere the database has them; what they were about stays."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.posts import pending
from bot.domain.approval import Decision, requests
from bot.domain.incident import Severity, Status, fold
from bot.domain.narrative import REDACTED, tell
from bot.domain.phases import PhaseState
from bot.domain.run import Run, RunStatus, Source
from bot.domain.service import Catalog
from bot.domain.timeline import BLANK, Kind, verify
from bot.engine.admission import Command
from tests.unit.playbooks.desk import ADA, BEN, CATALOG, Desk, desk
from tests.unit.playbooks.watched import watched_desk

SECRET = "Mrs Miller of 7 High Street"


async def ask(house: Desk, seq: int) -> str:
    """Ask for an entry to be blanked, until that waits or has ended; give the run."""
    command = Command("redact", {"entry": seq, "reason": "it names a customer"}, ADA, Source(), "", "INC-1")
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: bool(house.incident().waiting or house.state.runs[run_id].status.ended))
    return run_id


async def ended(house: Desk, run_id: str) -> Run:
    await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    run: Run = house.state.runs[run_id]
    return run


async def redact(house: Desk, seq: int) -> Run:
    """Redact an entry with the second person's approval."""
    run_id = await ask(house, seq)
    if house.incident().waiting:
        await house.say("approve incident=INC-1", by=BEN)
    return await ended(house, run_id)


def seq_of(house: Desk, kind: Kind) -> int:
    return max(entry.seq for entry in house.chain() if entry.kind == kind)


async def test_a_note_is_blanked_when_a_second_person_agrees() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say(f"note INC-1 {SECRET}")
    note = seq_of(house, Kind.NOTE)
    done = await redact(house, note)
    assert (done.status, done.result["text"][:23]) == (RunStatus.DONE, f"Entry {note} of INC-1 is bla")
    chain = house.chain()
    assert (verify("INC-1", chain).breaks, verify("INC-1", chain).blanked) == ((), 1)
    assert tell(chain[note - 1]) == REDACTED
    [told] = [entry for entry in chain if entry.kind == Kind.BLANKED]
    assert told.facts == {"entries": [note], "reason": "it names a customer", "approved_by": "Ben"}
    assert (told.actor, tell(told)) == ("U1", f"Blanked entry {note}, approved by Ben: it names a customer")


async def test_what_was_written_in_the_postmortem_is_gone_from_the_beginning_of_its_run_too() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say(f"postmortem incident=INC-1 edit cause {SECRET}")
    assert sum(SECRET in (entry.body or "") for entry in house.chain()) > 1
    await redact(house, seq_of(house, Kind.POSTMORTEM_TEXT))
    assert [tell(entry) for entry in house.chain() if SECRET in (entry.body or "")] == []
    assert verify("INC-1", house.chain()).breaks == ()


async def test_the_words_are_gone_from_the_run_that_wrote_them_too() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say(f"note INC-1 {SECRET}")
    assert SECRET in str(house.state.runs)
    await redact(house, seq_of(house, Kind.NOTE))
    assert SECRET not in str(house.state)


async def test_what_is_asked_about_does_not_repeat_the_words() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say(f"note INC-1 {SECRET}")
    note = seq_of(house, Kind.NOTE)
    await redact(house, note)
    [asked] = [entry.facts for entry in house.chain() if entry.kind == Kind.APPROVAL_ASKED]
    assert SECRET not in json.dumps(asked)
    assert asked["measured"]["Find the entry"].startswith(f"Entry {note}: note, 2026-03-01 12:00:00 UTC, Ada, ")


async def test_nothing_is_blanked_without_the_second_person() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say("note INC-1 hello")
    run_id = await ask(house, seq_of(house, Kind.NOTE))
    assert (await house.say("approve incident=INC-1", by=ADA)).status is RunStatus.REFUSED
    await house.say("refuse incident=INC-1 needed for the review", by=BEN)
    run = await ended(house, run_id)
    assert (run.status, verify("INC-1", house.chain()).blanked) == (RunStatus.REFUSED, 0)
    assert run.reason.startswith("Ben refused redact entry=")
    assert run.reason.endswith(": needed for the review")


@pytest.mark.parametrize(("kind", "words"), [(Kind.OPENED, "start sev1 checkout slow"), (Kind.STATUS_SET, "")])
async def test_the_state_that_blanked_words_carried_stays(kind: Kind, words: str) -> None:
    house = desk()
    await house.say(words or "start sev3 slow")
    await house.say(f"mitigate INC-1 {SECRET}")
    before = house.incident()
    assert (await redact(house, seq_of(house, kind))).status is RunStatus.DONE
    after = house.incident()
    assert after.status is before.status is Status.MITIGATED
    assert (after.severity, after.service) == (before.severity, before.service)
    assert verify("INC-1", house.chain()).breaks == ()


async def test_what_was_opened_again_is_not_called_off_by_a_redaction() -> None:
    house = desk()
    await house.say("start sev3 checkout slow")
    await house.say("cancel INC-1 it is nothing")
    await house.say(f"reopen INC-1 {SECRET} cannot pay")
    await redact(house, seq_of(house, Kind.STATUS_SET))
    assert (house.incident().status, house.incident().cancelled, house.incident().counts) == (Status.OPEN, "", True)


async def test_a_blanked_title_is_blank_in_the_list_too() -> None:
    house = desk()
    await house.say(f"start sev1 checkout {SECRET}")
    await redact(house, 1)
    assert (house.incident().title, house.incident().severity) == ("(blanked)", Severity.SEV1)
    assert "(blanked)" in await house.text("list")


async def test_a_phase_whose_end_was_blanked_is_over_all_the_same() -> None:
    house = desk()
    await house.say("start sev3 checkout slow")
    await house.reach("mitigate")
    end = next(e for e in house.chain() if e.kind == Kind.STEP_ENDED and e.facts["playbook"] == "sop")
    blanked = [replace(entry, body=None) if entry.seq == end.seq else entry for entry in house.chain()]
    assert fold(blanked).phases[0].state is PhaseState.DONE


@pytest.mark.parametrize(
    ("seq", "reason"),
    [
        (0, "INC-1 has no entry 0."),
        (999, "INC-1 has no entry 999."),
        (2, "says only what the incident is; it stays."),
    ],
)
async def test_what_cannot_be_blanked_is_refused_before_anybody_is_asked(seq: int, reason: str) -> None:
    house = desk()
    await house.say("start sev3 slow")
    assert house.chain()[1].kind == Kind.MILESTONE
    run = await redact(house, seq)
    assert run.status is RunStatus.FAILED
    assert run.reason.endswith(reason)


async def test_the_clock_of_the_five_minutes_stays() -> None:
    house = desk()
    await house.say("start sev3 checkout slow")
    await house.reach("mitigate")
    begun = next(each for each in house.chain() if each.kind == Kind.RUN_STARTED and each.facts["playbook"] == "sop")
    assert (await redact(house, begun.seq)).reason.endswith("says only what the incident is; it stays.")


async def test_an_entry_is_blanked_once() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say("note INC-1 hello")
    note = seq_of(house, Kind.NOTE)
    await redact(house, note)
    assert (await redact(house, note)).reason == f"Entry {note} of INC-1 is blank already."


async def test_what_was_said_of_the_impact_is_in_no_entry_that_came_after() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say(f"impact INC-1 {SECRET} cannot pay")
    first = seq_of(house, Kind.IMPACT_SET)
    await house.say("update INC-1 over impact=none")
    await house.say("impact INC-1 some others")
    await house.say("impact INC-1 none")
    await redact(house, first)
    assert SECRET not in str(house.state)
    assert house.incident().impact == ""


async def test_a_title_is_on_no_timeline_of_an_incident_that_was_opened_beside() -> None:
    house = desk()
    await house.say(f"start sev3 checkout {SECRET}")
    await house.say("start sev3 checkout slow")
    assert house.incident("INC-2").warnings == ("INC-1 is open on checkout too. Is it the same?",)
    assert SECRET not in "".join(entry.body or "" for entry in house.chain("INC-2"))


async def test_why_somebody_refused_goes_and_that_they_did_stays() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say("note INC-1 hello")
    asked = await ask(house, seq_of(house, Kind.NOTE))
    await house.say(f"refuse incident=INC-1 {SECRET} has called", by=BEN)
    await ended(house, asked)
    [before], decided = requests(house.chain()), seq_of(house, Kind.APPROVAL_DECIDED)
    [refusal] = [entry.run_id for entry in house.chain() if entry.seq == decided]
    house.later(60)
    assert (await redact(house, decided)).status is RunStatus.DONE
    after = requests(house.chain())[0]
    assert after == replace(before, reason=BLANK)
    assert (after.decided, after.decided_by) == (Decision.REFUSED, BEN)
    assert SECRET not in str(house.state.runs[refusal])
    again = next(entry for entry in house.chain() if entry.facts.get("again") == decided)
    assert (again.actor, again.at, tell(again)) == (BEN.id, before.decided_at, "Refused redact: (blanked)")
    assert again.seq not in {each.first for each in pending(house.chain(), again.seq - 1, Around("http://bot"))}
    assert verify("INC-1", house.chain()).breaks == ()
    assert (await redact(house, again.seq)).reason.endswith("says only what the incident is; it stays.")


async def test_why_the_glass_was_broken_goes_and_that_it_was_stays() -> None:
    house = watched_desk()
    await house.say("start sev4 checkout slow")
    await house.say("freeze checkout data migration", BEN)
    run = await house.say(f"rollback checkout rollback=yes {SECRET} cannot pay", ADA)
    rolled_back, [broke] = house.incident().rollout, house.entries(Kind.BROKE_GLASS)
    assert rolled_back
    assert rolled_back.safe
    for kind in (Kind.BROKE_GLASS, Kind.TRAFFIC_SET, Kind.APPROVAL_ASKED, Kind.PAGED):
        seq = house.entries(kind)[0].seq
        assert SECRET in str(house.chain()[seq - 1])
        assert (await redact(house, seq)).status is RunStatus.DONE
    assert SECRET not in str(house.state)
    again = next(entry for entry in house.chain() if entry.facts.get("again") == broke.seq)
    assert again.facts == {**broke.facts, "reason": BLANK, "frozen": BLANK, "again": broke.seq}
    assert (again.actor, again.at, run.status) == (ADA.id, broke.at, RunStatus.DONE)
    assert house.incident().rollout == replace(
        rolled_back, set_=rolled_back.set_.replace(f" ({SECRET} cannot pay)", " (blanked)")
    )
    assert verify("INC-1", house.chain()).breaks == ()


async def test_an_approval_that_says_nothing_stays() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say("note INC-1 hello")
    await redact(house, seq_of(house, Kind.NOTE))
    assert (await redact(house, seq_of(house, Kind.APPROVAL_DECIDED))).reason.endswith("it stays.")


def kept(days: int) -> Catalog:
    return replace(CATALOG, retention_days=days)


async def test_retention_blanks_the_words_of_incidents_that_ended_long_ago() -> None:
    house = desk(catalog=kept(30))
    for title in ("old", "young", "open"):
        await house.say(f"start sev3 {title}")
    for number in (1, 2, 3):
        await house.say(f"note INC-{number} {SECRET}")
        await house.say(f"update INC-{number} {SECRET}")
    await house.say("resolve INC-1 all good")
    house.later(40 * 86_400)
    await house.say("resolve INC-2")
    said = await house.text("retention")
    assert said.startswith("Blanked 2 entries of 1 incidents that ended more than 30 days ago.")
    assert [verify(name, house.chain(name)).blanked for name in ("INC-1", "INC-2", "INC-3")] == [2, 0, 0]
    assert verify("INC-1", house.chain("INC-1")).breaks == ()
    [told] = [entry for entry in house.chain("INC-1") if entry.kind == Kind.BLANKED]
    assert (told.actor, told.facts["reason"]) == (
        "firstfive",
        "kept for 30 days after the end",
    )
    assert tell(told) == "Blanked 2 entries: kept for 30 days after the end"
    said = await house.text("retention")
    assert said.startswith("Blanked 0 entries of 0 incidents that ended more than 30 days ago.")


async def test_retention_counts_from_the_end_not_from_the_words() -> None:
    house = desk(catalog=kept(30))
    await house.say("start sev3 slow")
    await house.say("note INC-1 hello")
    house.later(90 * 86_400)
    await house.say("resolve INC-1")
    house.later(29 * 86_400)
    assert (await house.text("retention")).startswith("Blanked 0 entries")
    house.later(2 * 86_400)
    assert (await house.text("retention")).startswith("Blanked 1 entries")


async def test_without_a_limit_everything_is_kept() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say("note INC-1 hello")
    await house.say("resolve INC-1")
    house.later(timedelta(days=3_650).total_seconds())
    assert (await house.text("retention")).startswith("Every word is kept: `retention.days` is 0.")
    assert verify("INC-1", house.chain()).blanked == 0


async def test_an_action_item_keeps_its_number_owner_and_day() -> None:
    house = desk()
    await house.say("start sev3 slow")
    await house.say(f"action INC-1 call {SECRET} owner=me due=1d")
    before = house.incident().actions
    await redact(house, seq_of(house, Kind.ACTION))
    assert house.incident().actions == tuple(replace(item, text=BLANK) for item in before)
    assert SECRET not in str(house.state)
    assert verify("INC-1", house.chain()).breaks == ()
