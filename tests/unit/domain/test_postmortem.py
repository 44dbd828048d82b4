"""A postmortem says what the timeline says: all of it that matters, nothing more, the same every time."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.postmortem import Postmortem, compose
from bot.domain.timeline import BLANK, FIRSTFIVE, Author, Draft, Kind, Person, link, verify
from tests.unit.web.story import (
    ANA,
    BEN,
    OPENED_AT,
    STATEMENT,
    Story,
    captured,
    declared,
    diagnosed,
    ended,
    opened,
    waiting,
    whole,
)

ALL_MEASURES = "MTTD, MTTA, Time to locate, MTTM, MTTR"


def written(story: Story) -> Postmortem:
    return compose(story.incident, story.entries)


def test_the_story_is_a_chain_as_the_bot_writes_it() -> None:
    assert verify("INC-7", whole().entries).breaks == ()


def test_the_head_says_what_it_was() -> None:
    it = written(whole())
    assert (it.id, it.title, it.severity, it.service) == ("INC-7", "checkout 5xx after deploy", "SEV2", "checkout")
    assert (it.status, it.reporter, it.commander) == ("resolved", ANA.name, BEN.name)
    assert it.opened_at == OPENED_AT


def test_the_summary_is_made_of_facts() -> None:
    assert written(whole()).summary == (
        "INC-7, a SEV2 on checkout, started at 2026-11-22 02:58:00 UTC.",
        "Ana Lima opened it as SEV2 at 03:01:12 UTC, 3 min 12 s after its start.",
        f"FirstFive's verdict was goroutine-leak: {STATEMENT}",
        (
            "Counted from its start, it was mitigated after 5 min 53 s (checkout-3 is back on 91ad02f) and "
            "resolved after 23 min 56 s (Fix 77c0de1 is out)."
        ),
        "Ben Okafor was its commander.",
    )


def test_measures_come_from_milestones() -> None:
    assert {each.name: each.text for each in written(whole()).measures} == {
        "MTTD": "3 min 12 s",
        "MTTA": "2 s",
        "Time to locate": "3 min 16 s",
        "MTTM": "5 min 53 s",
        "MTTR": "23 min 56 s",
    }


def test_two_days_and_three_hours_are_so() -> None:
    story = opened()
    story.later(timedelta(days=2, hours=2, minutes=57).total_seconds()).milestone("resolved")
    it = written(story)
    assert it.measures[-1].text == "2 d 3 h"
    assert it.impact[1] == "It lasted 2 d 3 h, from its start until it was resolved."
    assert not it.one_day


def test_what_was_never_recorded_is_said_to_be_so() -> None:
    story = Story().tell(Kind.OPENED, ANA, title="x", severity="SEV2", service="", warnings=[])
    it = written(story)
    assert {each.text for each in it.measures} == {"not recorded"}
    assert it.impact == (
        "Who was hit, and how many, was not recorded.",
        "Not resolved by its last entry, 0 s from its opening (when it started was not recorded).",
    )
    assert it.summary == (
        "INC-7, a SEV2, was opened at 2026-11-22 03:01:12 UTC.",
        "Ana Lima opened it as SEV2 at 03:01:12 UTC.",
        "It is open.",
        "It had no commander.",
    )
    assert it.detection.sentences[0] == "When it started was not recorded."
    assert it.response.sentences == (
        "Nobody acknowledged it.",
        "The five-minute SOP did not run.",
        "When the fault was located was not recorded.",
        "No update was written.",
    )
    assert it.recovery.sentences == ("It is not mitigated yet.", "It is not resolved yet.")
    assert it.compared == ()
    assert it.badly == (
        "Nobody acknowledged it.",
        "Nobody was ever commander.",
        f"Never recorded: started, detected, acknowledged, located. So nobody can tell {ALL_MEASURES}.",
    )


def test_rows_leave_the_machinery_out_and_each_has_its_proof() -> None:
    it = written(whole())
    assert [row.what.partition(":")[0] for row in it.rows] == [
        "Opened it as SEV2 on checkout",
        "Recorded the milestone started at 02",
        "Opened the channel #inc-7-checkout-5xx.",
        "SOP, Declare",
        "Acknowledged it.",
        "Became commander.",
        "Kept snapshot-checkout-20261122T030114Z.tar.gz (3.2 MB)",
        "Found goroutine-leak on checkout-3",
        "Verdict",
        "SOP, Decide",
        "Asked",
        "Noted",
        "Wrote an update",
        "Marked it mitigated",
        "SOP, Mitigate",
        "Marked it resolved",
    ]
    assert [row.what for row in it.rows if row.proof is None] == ["Opened the channel #inc-7-checkout-5xx."]


def test_the_same_timeline_gives_the_same_postmortem_however_often_it_is_written() -> None:
    story = whole()
    first = written(story)
    with story.run("run-postmortem"):
        story.later(60).tell(Kind.RUN_STARTED, playbook="postmortem", params={})
        story.tell(Kind.POSTMORTEM, artifact="0" * 64, name="postmortem.md", bytes=9)
    assert written(story) == first


def test_a_note_written_afterwards_changes_it() -> None:
    story = whole()
    first = written(story)
    assert written(story.later(60).tell(Kind.NOTE, text="one more thing")) != first


def test_a_blanked_entry_stays_as_a_redacted_row() -> None:
    story = whole()
    note = next(entry for entry in story.entries if entry.kind == Kind.NOTE)
    it = written(story.blank(note.seq))
    assert [(row.who, row.what) for row in it.rows if row.at == note.at] == [("Mei Tanaka", "(redacted)")]
    assert it.redacted == 1


def test_a_decision_without_its_words_is_one_row_and_one_deed_where_it_was() -> None:
    facts = {"run": "r9", "playbook": "empty", "plan": "p", "service": "checkout", "decision": "let through alone"}
    facts |= {"person": BEN.id, "name": BEN.name, "reason": "Mrs Miller", "frozen": ""}
    story = opened().later(60).tell(Kind.BROKE_GLASS, BEN, **facts)
    broke = story.entries[-1]
    before = written(story.later(60).tell(Kind.NOTE, ANA, text="it is better"))
    story.blank(broke.seq).later(60)
    repeated = Draft(Kind.BROKE_GLASS, {**facts, "reason": BLANK, "again": broke.seq}, broke.at, BEN)
    story.entries.append(link(story.incident_id, story.entries[-1], repeated, Author(ANA), story.now))
    after = written(story)
    assert after.responders == before.responders
    assert [(each.at, each.who, each.what) for each in after.rows] == [
        (each.at, each.who, each.what.replace("Mrs Miller", BLANK)) for each in before.rows
    ]
    assert len(after.steps) == len(before.steps) == 1
    assert (after.redacted, after.head, after.entries) == (1, story.entries[-1].hash, len(story.entries))
    assert after.badly == tuple(each.replace("Mrs Miller", BLANK) for each in before.badly)


def test_a_blanked_opening_does_not_break_it() -> None:
    it = written(whole().blank(1))
    assert it.title == "(blanked)"
    assert it.rows[0].what == "(redacted)"


def test_what_went_well_is_derived() -> None:
    assert written(whole()).well == (
        "Acknowledged 2 s after it was detected.",
        "Ben Okafor was commander 2 s after the opening.",
        "All 5 phases of the SOP ended within their budgets, after 2 min 41 s together.",
        "Capture took 2.4 s: 3 targets captured, 33 parts, 3104 KiB",
        "goroutine-leak was named 4 s after the opening.",
        "Mitigated 2 min 18 s before the five minutes were over.",
    )
    assert written(whole()).badly == ("Slack failed once: ratelimited",)


def test_what_went_badly_is_derived() -> None:
    story = declared(opened(severity="SEV3"))
    with story.run("run-start.sop"):
        story.phase("capture", 60, 60, "not done within 1 min", "missing")
        story.phase("diagnose", 30, 1, "nothing was captured", "failed")
        story.later(250).tell(Kind.ESCALATED, reached=[], text="Could not reach Dana (no such user).")
    story.later(60).milestone("acknowledged").tell(Kind.SEVERITY_SET, severity="SEV1", was="SEV3")
    with story.run("run-bisect", ANA):
        story.tell(Kind.RUN_ENDED, playbook="bisect", status="failed", elapsed_s=3, reason="no repository")
    story.tell(Kind.VERDICT, verdict=None, statement="Nothing stands out.", artifact="")
    story.tell(Kind.STATUS_SET, status="resolved", was="open", text="").milestone("resolved")
    for _ in range(2):
        story.tell(Kind.CHAT_FAILED, FIRSTFIVE, surface="card", reason="channel_not_found")
    assert written(story).badly == (
        "Acknowledged only 6 min 12 s after it was detected.",
        "Nobody was ever commander.",
        "Capture was not done within 1 min.",
        "Diagnose failed: nothing was captured",
        "Not mitigated by 03:06:12 UTC: Could not reach Dana (no such user).",
        "No fault class was named: Nothing stands out.",
        "Bisect failed: no repository",
        "It was taken for SEV3 at first and turned out to be SEV1.",
        "No update was written while it lasted.",
        "Slack failed 2 times: channel_not_found",
        "Never recorded: located, mitigated. So nobody can tell Time to locate, MTTM.",
    )


def test_a_clean_diagnosis_after_the_mitigation_does_not_take_the_cause_away() -> None:
    story = whole()
    story.later(30).tell(Kind.VERDICT, verdict=None, statement="Nothing stands out.", artifact="")
    it = written(story)
    assert it.judged is not None
    assert it.judged.verdict == "goroutine-leak"
    assert it.well[-1] == "A diagnosis at 03:22:27 UTC found it gone."
    assert not any("No fault class" in sentence for sentence in it.badly)


def test_severities_are_told_with_how_long_they_lasted() -> None:
    story = opened(severity="SEV3").later(120).tell(Kind.SEVERITY_SET, severity="SEV1", was="SEV3")
    story.later(480).milestone("resolved")
    assert written(story).impact[2] == "It was SEV3 for 2 min, then SEV1 for 8 min."


def test_a_fix_is_suggested_once_as_an_action_item() -> None:
    story = whole()
    again = next(entry for entry in story.entries if entry.kind == Kind.FINDING)
    story.tell(Kind.FINDING, FIRSTFIVE, **{**again.facts, "target": "checkout-2"})
    (item,) = written(story).actions
    assert item.because == "goroutine-leak on checkout-3, goroutine-leak on checkout-2"
    assert item.what.startswith("End the goroutine that waits at main.(*watcher).publish")


def test_responders_are_who_acted_or_held_a_role() -> None:
    assert [(one.name, one.roles, one.deeds) for one in written(whole()).responders] == [
        ("Ana Lima", (), 2),
        ("Ben Okafor", ("commander",), 5),
        ("Mei Tanaka", (), 1),
    ]
    asked = opened().tell(Kind.ROLE_SET, ANA, role="scribe", person="U9", name="Dana Reyes")
    assert [(one.name, one.roles, one.deeds) for one in written(asked).responders][-1] == ("Dana Reyes", ("scribe",), 0)


def test_entries_are_told_by_the_time_they_happened() -> None:
    story = diagnosed(captured(declared(opened())))
    late = story.later(10).tell(Kind.NOTE, text="seen before").entries[-1]
    story.entries[-1] = replace(late, at_us=story.entries[0].at_us - 60_000_000)
    assert written(story).rows[0].what == "Noted: seen before"


def test_an_incident_that_goes_on_has_no_resolution_yet() -> None:
    it = written(waiting(diagnosed(captured(declared(opened())))))
    assert it.recovery.sentences == ("It is not mitigated yet.", "It is not resolved yet.")
    assert it.impact[1] == "Not resolved by its last entry, 4 min 18 s from its start."
    assert ended(waiting(opened())).incident.status == "resolved"


def test_action_items_come_before_what_findings_suggest() -> None:
    story = whole()
    story.tell(Kind.ACTION, ANA, item=1, text="add a timeout", person=ANA.id, name=ANA.name, due="2026-11-30")
    story.tell(Kind.ACTION, ANA, item=2, text="write the runbook")
    story.tell(Kind.ACTION, ANA, item=2, done="2026-11-25")
    first, second, *suggested = written(story).actions
    assert (first.what, first.owner, first.due, first.status) == ("add a timeout", ANA.name, "2026-11-30", "open")
    assert (second.what, second.owner, second.due, second.status) == ("write the runbook", "", "", "done 2026-11-25")
    assert [(each.because, each.status) for each in suggested] == [("goroutine-leak on checkout-3", "suggested")]


def test_what_was_said_before_and_recorded_late_changes_no_length() -> None:
    body = {"channel": "C1", "ts": "1.0", "text": "is checkout slow?", "files": []}
    before, late = written(declared(opened())), written(declared(opened()).later(-600).tell(Kind.MESSAGE, **body))
    assert late.impact == before.impact
    assert late.rows[0].what == "Wrote: is checkout slow?"


def test_what_was_done_and_measured_stands_under_recovery_with_the_numbers_before_and_after() -> None:
    looked = {"service": "search", "judgement": "rollback", "words": "20 % of 130 fail", "when": "breach"}
    done = {"service": "search", "verb": "rollback", "before": "canary gets 10 %", "after": "canary gets 0 %"}
    safe = {"service": "search", "judgement": "", "words": "Safe after 31 s: 0 of 240 fail.", "when": "verified"}
    story = opened().tell(Kind.JUDGED, FIRSTFIVE, **looked, artifact="ab" * 32).later(28)
    assert [row.what for row in written(story).steps] == [
        "Judged the canary of search: rollback. 20 % of 130 fail",
    ]
    story.tell(Kind.TRAFFIC_SET, ANA, **done, approved_by="Ben", reason="").later(31)
    assert [(one.before, one.after) for one in written(story).compared] == [("20 % of 130 fail", "")]
    it = written(story.tell(Kind.JUDGED, FIRSTFIVE, **safe))
    assert [row.who for row in it.steps] == ["FirstFive", ANA.name, "FirstFive"]
    assert [(one.what, one.before, one.after) for one in it.compared] == [
        ("Canary of search", "20 % of 130 fail", "Safe after 31 s: 0 of 240 fail."),
    ]
    (compared,) = it.compared
    assert compared.before_proof is not None
    assert compared.before_proof.artifact == "ab" * 32
    assert "The canary lost its traffic 28 s after it was found bad." in it.well


def test_a_diagnosis_after_the_mitigation_stands_beside_the_one_before() -> None:
    assert [(one.before, one.after) for one in written(whole()).compared] == [(f"goroutine-leak: {STATEMENT}", "")]
    story = whole()
    story.later(30).tell(Kind.VERDICT, verdict=None, statement="Nothing stands out.", artifact="")
    assert written(story).compared[0].after == "No fault class: Nothing stands out."


def test_who_noticed_it_and_how_is_said() -> None:
    assert written(whole()).detection.sentences == (
        "It started at 2026-11-22 02:58:00 UTC (source: given at start).",
        "Ana Lima opened it as SEV2 at 03:01:12 UTC, 3 min 12 s after its start.",
        "No alert is on its timeline.",
    )
    told = {"group": "g", "count": 2, "firing": 2, "names": ["HighErrorRate", "SlowAnswers"], "link": ""}
    it = written(whole().tell(Kind.ALERT_FIRED, Person("alertmanager", "Alertmanager"), **told))
    assert it.detection.sentences[-1] == (
        "The first alert on its timeline is HighErrorRate, SlowAnswers, by Alertmanager, at 03:21:57 UTC."
    )


def test_who_came_and_what_they_did_is_said() -> None:
    assert written(whole()).response.sentences == (
        "Ben Okafor acknowledged it at 03:01:14 UTC.",
        "Ben Okafor was commander from 03:01:14 UTC on.",
        (
            "The five minutes: Declare done after 1.2 s, Capture done after 2.4 s, Diagnose done after 0.5 s, "
            "Decide done after 0.1 s, Mitigate done after 2 min 37 s."
        ),
        "The fault was located at 03:01:16 UTC.",
        "One update was written, the first at 03:02:19 UTC.",
    )


def test_who_is_hit_is_what_somebody_said_last() -> None:
    story = whole().tell(Kind.IMPACT_SET, BEN, text="1 in 3 checkouts fails.", was="")
    assert written(story).impact[0] == "Who was hit: 1 in 3 checkouts fails."
    assert "Who was hit: 1 in 3 checkouts fails." in written(story).summary


def test_the_course_has_its_measures_with_both_their_ends() -> None:
    it = written(whole())
    assert [one.measure.name for one in it.detection.measures] == ["MTTD"]
    assert [one.measure.name for one in it.response.measures] == ["MTTA", "Time to locate"]
    assert [one.measure.name for one in it.recovery.measures] == ["MTTM", "MTTR"]
    assert it.detection.measures[0].until_at == OPENED_AT
    assert [(mark.name, mark.source) for mark in it.milestones][:3] == [
        ("started", "given at start"),
        ("detected", "incident start"),
        ("acknowledged", BEN.name),
    ]
