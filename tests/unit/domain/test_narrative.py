"""Each entry becomes a sentence; no body, known or not, keeps a timeline from being told."""

from datetime import timedelta

import pytest

from bot.domain.exhibits import Evidence, found, judged, kept
from bot.domain.measures import duration
from bot.domain.narrative import REDACTED, by_itself, legible, seconds, size, tell, unmarked, who
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, Person
from tests.unit.web.story import ANA, ARCHIVE, BEN, LEAK, REPORT, STATEMENT, Story, diagnosed, opened, whole


def told(kind: Kind, **body: object) -> str:
    return tell(Story().tell(kind, ANA, **body).entries[-1])


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        (Kind.OPENED, {"title": "5xx", "severity": "SEV2", "service": "search"}, "Opened it as SEV2 on search: 5xx"),
        (Kind.CHANNEL_OPENED, {"channel": "C1", "name": "inc-7"}, "Opened the channel #inc-7."),
        (Kind.SERVICE_SET, {"service": "search"}, "Said that it is about search."),
        (Kind.SEVERITY_SET, {"severity": "SEV1", "was": "SEV2"}, "Changed the severity from SEV2 to SEV1."),
        (Kind.ROLE_SET, {"role": "commander", "person": ANA.id, "name": ANA.name}, "Became commander."),
        (Kind.ROLE_SET, {"role": "scribe", "person": BEN.id, "name": BEN.name}, "Made Ben Okafor scribe."),
        (Kind.STATUS_SET, {"status": "resolved", "was": "open", "text": ""}, "Marked it resolved."),
        (Kind.STATUS_SET, {"status": "mitigated", "text": "rolled back"}, "Marked it mitigated: rolled back"),
        (Kind.NOTE, {"text": "DNS is fine"}, "Noted: DNS is fine"),
        (Kind.UPDATE, {"text": "half are fine"}, "Wrote an update: half are fine"),
        (Kind.RUN_STARTED, {"playbook": "sop", "params": {}}, "Started the five-minute SOP."),
        (
            Kind.RUN_STARTED,
            {"playbook": "snapshot", "params": {"service": "checkout", "seconds": 2}},
            "Started snapshot (seconds=2, service=checkout).",
        ),
        (
            Kind.STEP_ENDED,
            {"playbook": "sop", "step": "x", "outcome": "missing", "elapsed_s": 60, "summary": "not done within 1 min"},
            "SOP, x: not done within 1 min.",
        ),
        (
            Kind.STEP_ENDED,
            {"playbook": "changes", "title": "Compare", "outcome": "failed", "elapsed_s": 0.04, "summary": "Which?"},
            "Changes, Compare: failed in 0.0 s. Which?",
        ),
        (Kind.RUN_ENDED, {"playbook": "snapshot", "status": "done", "elapsed_s": 2.41}, "Snapshot done in 2.4 s."),
        (
            Kind.RUN_ENDED,
            {"playbook": "bisect", "status": "failed", "elapsed_s": 61, "reason": "no repository"},
            "Bisect failed in 1 min 1 s: no repository",
        ),
        (Kind.ARTIFACT, {"name": "a.gz", "bytes": 3_178_500, "what": "3 targets"}, "Kept a.gz (3.2 MB): 3 targets"),
        (
            Kind.FINDING,
            {"fault_class": "deadlock", "target": "checkout-1", "claim": "two wait for each other."},
            "Found deadlock on checkout-1: two wait for each other.",
        ),
        (Kind.VERDICT, {"verdict": None, "statement": "Nothing stands out."}, "No verdict. Nothing stands out."),
        (Kind.VERDICT, {"verdict": "deadlock", "statement": "Two wait."}, "Verdict: deadlock. Two wait."),
        (Kind.ASKED, {"text": "Roll back?", "person": ""}, "Asked: Roll back?"),
        (Kind.ESCALATED, {"reached": [], "text": "Paged Dana."}, "Escalated: Paged Dana."),
        (Kind.PAGE_ANSWERED, {"person": "Dana", "how": "pagerduty"}, "Dana answered the page at pagerduty."),
        (
            Kind.ALERT_FIRED,
            {"group": "k", "count": 1, "firing": 1, "names": ["Slow"], "link": ""},
            "Reported 1 alert firing: Slow; 1 fires now.",
        ),
        (
            Kind.ALERT_RESOLVED,
            {"group": "k", "count": 3, "firing": 0, "names": ["Slow", "Down"], "link": ""},
            "Reported 3 alerts resolved: Slow, Down; none fires any more.",
        ),
        (
            Kind.PROPOSED,
            {"state": "proposed", "severity": "SEV3", "title": "Slow"},
            "Proposed an incident: SEV3 Slow",
        ),
        (
            Kind.PROPOSED,
            {"state": "opened", "severity": "SEV3", "title": "Slow", "incident": "INC-7"},
            "The alerts proposed as SEV3 Slow are on INC-7 now.",
        ),
        (
            Kind.PROPOSED,
            {"state": "over", "severity": "SEV3", "title": "Slow"},
            "Withdrew the proposal of SEV3 Slow.",
        ),
        (Kind.CHAT_FAILED, {"surface": "a post", "reason": "ratelimited"}, "Slack did not take a post: ratelimited"),
    ],
)  # fmt: skip
def test_an_entry_is_told_in_a_sentence(kind: Kind, body: dict[str, object], sentence: str) -> None:
    assert told(kind, **body) == sentence


@pytest.mark.parametrize("kind", list(Kind))
def test_a_body_of_another_release_is_told_too(kind: Kind) -> None:
    assert told(kind, unheard_of=1)


def test_a_kind_of_another_release_is_told_by_its_keys() -> None:
    entry = Story().tell(Kind.NOTE, ANA, sky="blue").entries[0]
    assert tell(Entry(**{**entry.__dict__, "kind": "weather set"})) == "Weather set: sky=blue"


def test_a_blanked_body_is_told_as_redacted() -> None:
    assert tell(opened().blank(1).entries[0]) == REDACTED


def test_a_milestone_says_its_time_only_when_it_is_another() -> None:
    story = opened().milestone("acknowledged")
    assert tell(story.entries[-1]) == "Acknowledged it."
    assert tell(story.entries[1]) == "Recorded the milestone started at 02:58:00 UTC (source: given at start)."


def test_what_runs_do_by_themselves_is_not_put_in_the_mouth_of_who_began_them() -> None:
    story = diagnosed(opened())
    by_kind = {entry.kind: who(entry) for entry in story.entries}
    assert (by_kind[Kind.OPENED], by_kind[Kind.FINDING], by_kind[Kind.VERDICT]) == (ANA.name, "FirstFive", "FirstFive")
    impostor = Story().tell(Kind.NOTE, Person("U666", FIRSTFIVE.name), text="hello").entries[0]
    assert not by_itself(impostor)


def test_exhibits_are_named_once_with_their_sizes() -> None:
    entries = whole().entries
    assert [(one.name, one.bytes) for one in kept([*entries, *entries])] == [
        ("snapshot-checkout-20261122T030114Z.tar.gz", 3_178_500),
        ("checkout-3/goroutineleak.pb.gz", None),
        ("diagnosis-checkout.json", None),
    ]
    (verdict,) = judged(entries)
    assert (verdict.verdict, verdict.statement) == ("goroutine-leak", STATEMENT)
    assert verdict.proof == Evidence("diagnosis-checkout.json", artifact=REPORT)


def test_each_fact_of_a_finding_leads_to_what_proves_it() -> None:
    (finding,) = found(whole().entries)
    archive = "snapshot-checkout-20261122T030114Z.tar.gz"
    assert [(fact.text, fact.proof) for fact in finding.evidence] == [
        ("goroutines proven leaked: 10402", Evidence("checkout-3/goroutineleak.pb.gz", artifact=LEAK)),
        ("chan send at main.(*watcher).publish: 10402", Evidence("checkout-3/goroutineleak.pb.gz", artifact=LEAK)),
        ("goroutines: 10431", Evidence(archive, artifact=ARCHIVE)),
    ]


def test_evidence_may_be_bare_words_and_a_wrong_digest_is_no_link() -> None:
    facts = ["just words", {"what": "heap", "value": "2 GB", "artifact": "x", "sha256": "../../etc/passwd"}]
    story = opened().tell(Kind.FINDING, fault_class="heap-growth", target="t", claim="c", evidence=facts, artifact="")
    (finding,) = found(story.entries)
    assert [(fact.text, fact.proof) for fact in finding.evidence] == [("just words", None), ("heap: 2 GB", None)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*goroutine-leak*. It leaks", "goroutine-leak. It leaks"),
        ("at main.(*a).f and main.(*b).g", "at main.(*a).f and main.(*b).g"),
        ("see `/incident ack`", "see /incident ack"),
        ("2 * 3 * 4", "2 * 3 * 4"),
    ],
)
def test_the_marks_of_chats_are_taken_off_a_summary(text: str, shown: str) -> None:
    assert unmarked(text) == shown


def test_text_is_made_legible() -> None:
    assert legible("a\u202egpj.exe\x1b[31m\ud800 שלום 👩‍🚒") == "agpj.exe[31m\ufffd שלום 👩‍🚒"


def test_numbers_are_written_for_people() -> None:
    assert [seconds(value) for value in (0.04, 2.412, 9.99, 61)] == ["0.0 s", "2.4 s", "10.0 s", "1 min 1 s"]


@pytest.mark.parametrize("took", [12.6, 59.7, 252.9])
def test_a_score_rounds_a_time_as_the_measures_of_its_incident_do(took: float) -> None:
    assert seconds(took) == duration(timedelta(seconds=took))
    assert [size(value) for value in (0, 999, 3_100, 31_000, 3_178_500, 12_000_000_000)] == [
        "0 B", "999 B", "3.1 kB", "31 kB", "3.2 MB", "12.0 GB",
    ]  # fmt: skip
