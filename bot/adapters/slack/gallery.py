"""A sample of everything that FirstFive shows in Slack, of one made-up incident; the same at every call."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bot.adapters.slack.bisects import bisect_message
from bot.adapters.slack.blocks import Around, Json, Message, answer
from bot.adapters.slack.card import card
from bot.adapters.slack.home import home
from bot.adapters.slack.posts import pending
from bot.adapters.slack.projection import announcement
from bot.domain.approval import ALONE_AFTER, request
from bot.domain.incident import fold
from bot.domain.mine import Mine
from bot.domain.run import Choice, Reply
from bot.domain.timeline import GENESIS, Entry, Kind, Person, canonical, to_us

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_AROUND = Around("https://firstfive.example.com", ("checkout", "search"))
_ADA, _BEN = Person("U0ADA0001", "Ada"), Person("U0BEN0002", "Ben")
_SHA = "0f" * 32
_RUN = "run-1"
_LONG = "Everything <!channel> & *all* of it `breaks`, 🔥 and nobody knows why. " * 60

Words = Callable[[str], str]


@dataclass(frozen=True)
class Sample:
    """One message, or the view of a Home tab: what it is, and what Slack would be given."""

    name: str
    kind: Literal["message", "view"]
    body: Json


def gallery() -> tuple[Sample, ...]:
    """Give every sample, with words as people write them and with words far too long."""
    usual = list(_told_apart(_samples(lambda text: text)))
    longest = [replace(each, name=f"{each.name}, long") for each in _told_apart(_samples(lambda _: _LONG))]
    return (*usual, *longest)


def _told_apart(samples: Iterator[Sample]) -> Iterator[Sample]:
    """Give names that are told apart by a number: one kind may be told in several ways."""
    seen: Counter[str] = Counter()
    for each in samples:
        seen[each.name] += 1
        yield replace(each, name=f"{each.name} {seen[each.name]}") if seen[each.name] > 1 else each


def _samples(words: Words) -> Iterator[Sample]:
    yield from (Sample(name, "message", message.args()) for name, message in _messages(words))
    yield from (Sample(f"home: {name}", "view", home(seen, ailments, _AROUND)) for name, seen, ailments in _seen(words))


def _messages(words: Words) -> Iterator[tuple[str, Message]]:
    story = tell(words)
    for name, upto in _cards(story).items():
        incident, now = fold(story[:upto]), story[upto - 1].at
        yield f"card: {name}", card(incident, _AROUND, now)
        yield f"announcement: {name}", announcement(incident, _AROUND)
    for entry in story:
        if entry.kind in {Kind.BISECTING, Kind.BISECTED}:
            incident = fold(story[: entry.seq])
            yield f"bisect: {entry.kind}", bisect_message(incident, incident.bisects[-1], _AROUND)
    broke = next(entry.seq for entry in story if entry.kind == Kind.BROKE_GLASS)
    yield "card: offering to break the glass", card(fold(story[: broke - 1]), _AROUND, story[broke].at + ALONE_AFTER)
    for entry in story:
        for post in pending(story[: entry.seq], entry.seq - 1, _AROUND):
            yield f"post: {entry.kind}", post.message
    notes = [_entry(seq, Kind.NOTE, {"text": words("looks like the cache")}) for seq in range(1, 31)]
    yield "post: many changes", pending(notes, 0, _AROUND)[0].message
    yield from ((f"answer: {name}", message) for name, message in _answers(words, story))


def _cards(story: Sequence[Entry]) -> dict[str, int]:
    """Give the moments at which the card looks different: how many entries of the story it knows then."""
    wanted = {
        Kind.OPENED: "new",
        Kind.STEP_STARTED: "in its phases",
        Kind.VERDICT: "with a verdict",
        Kind.BISECTED: "with a culprit",
        Kind.APPROVAL_ASKED: "waiting for approval",
        Kind.ESCALATED: "escalated",
        Kind.TRAFFIC_SET: "rolled back",
        Kind.DRIFTED: "drifted",
        Kind.MERGED: "merged",
        Kind.DRILL_STARTED: "of a drill",
    }
    moments = {wanted[Kind(entry.kind)]: entry.seq for entry in story if entry.kind in wanted}
    bad = next(entry.seq for entry in story if entry.kind == Kind.JUDGED and entry.facts["judgement"] == "rollback")
    ends = {entry.facts["status"]: entry.seq for entry in story if entry.kind == Kind.STATUS_SET}
    return {**moments, "with a bad canary": bad, **ends}


def _answers(words: Words, story: Sequence[Entry]) -> Iterator[tuple[str, Message]]:
    text = words("*INC-7* is open: SEV2, checkout answers 500.")
    again = tuple(Choice(words(f"INC-{n} checkout"), again=_RUN, incident_id=f"INC-{n}") for n in range(1, 6))
    yield "a sentence", answer(Reply(text), _AROUND)
    flaws = words("The canary is not closed: requests marked by header still reach it.")
    yield "dye", answer(Reply(f"The front of *checkout* does not do what it should.\n• :warning: {flaws}"), _AROUND)
    tree = "gateway POST /pay 120 ms 502\n  x checkout 95 ms 502\n    x payment Charge 75 ms 503 FIRST TO FAIL"
    traced = f"*payment fails first with 503*.\n```\n{words(tree)}\n```\n- payment took longest by itself: 75 ms."
    yield "a trace", answer(Reply(traced, artifact=_SHA, page="/runs/r7/trace"), _AROUND)
    yield "which one", answer(Reply(words("Which incident?"), again), _AROUND)
    yield "a file", answer(Reply(text, (Choice("Start", "start now"),), artifact=_SHA), _AROUND)
    yield "the card", answer(Reply(text), _AROUND, card(fold(story[:3]), _AROUND, NOON))


def _seen(words: Words) -> Iterator[tuple[str, Mine, tuple[str, ...]]]:
    """Give what people with nothing to do, and with far too much, see on their Home tab."""
    story = tell(words)
    asked = next(request(entry) for entry in story if entry.kind == Kind.APPROVAL_ASKED)
    many = tuple(replace(fold(story), id=f"INC-{n}") for n in range(40))
    items = tuple(replace(item, incident_id=each.id) for each in many for item in each.actions)
    full = Mine(many, tuple((each, asked) for each in many), many, many, items)
    yield "nothing", Mine(), ()
    yield "everything", full, (words("Slack: down"),)


def tell(words: Words) -> list[Entry]:
    """Give a timeline on which everything that is ever posted happens; `words` changes what people wrote."""
    drafts = [*_begin(words), *_work(words), *_end(words)]
    return [_entry(seq, kind, body) for seq, (kind, body) in enumerate(drafts, 1)]


def _begin(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    opened = {"title": words("checkout answers 500"), "severity": "SEV2", "service": "", "warnings": [words("a twin")]}
    alerts = {"group": "k", "count": 3, "names": [words("HighErrors")], "link": ""}
    steps = (("capture", "Capture"), ("diagnose", "Diagnose"))
    ended = {"playbook": "sop", "step": "capture", "title": "Capture"}
    return [
        (Kind.OPENED, {**opened, "reporter": _ADA.id}),
        (Kind.CHANNEL_OPENED, {"channel": "C0INC0007", "name": "inc-7-checkout"}),
        (Kind.SERVICE_SET, {"service": "checkout"}),
        (Kind.SEVERITY_SET, {"severity": "SEV1", "was": "SEV2"}),
        (Kind.ROLE_SET, {"role": "commander", "person": _BEN.id, "name": words(_BEN.name)}),
        (Kind.ROLE_SET, {"role": "scribe", "person": "", "name": ""}),
        (Kind.JOINED, {"person": _BEN.id, "name": words(_BEN.name), "how": "asked"}),
        (Kind.ON_CALL, {"people": [{"id": _BEN.id, "name": words(_BEN.name)}], "source": "configuration", "note": ""}),
        (Kind.MILESTONE, {"milestone": "acknowledged", "at": to_us(NOON), "source": "ack"}),
        (Kind.IMPACT_SET, {"text": words("1 in 5 checkouts fails")}),
        (Kind.ALERT_FIRED, {**alerts, "firing": 3}),
        (Kind.ALERT_RESOLVED, {**alerts, "firing": 0}),
        (Kind.NOTE, {"text": words("it began with the deploy")}),
        (Kind.RUN_STARTED, {"playbook": "sop", "params": {}, "deadline_at": to_us(NOON + timedelta(minutes=5))}),
        *(
            (Kind.STEP_STARTED, {"playbook": "sop", "step": step, "title": title, "budget_s": 60})
            for step, title in steps
        ),
        (Kind.STEP_ENDED, {**ended, "outcome": "done", "elapsed_s": 3.0, "summary": words("3 of 3 targets")}),
    ]


def _work(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    finding = {"fault_class": "gc-pressure", "target": "checkout-2", "evidence": [words("GC 40 %")], "artifact": _SHA}
    asked = {"run": _RUN, "playbook": "rollback", "plan": _SHA}
    who = {"person": _ADA.id, "name": words(_ADA.name)}
    later = to_us(NOON + timedelta(minutes=20))
    plan = {"params": {"service": "checkout"}, "steps": ["Roll back"], "measured": {"Measure": words("5 % worse")}}
    return [
        (Kind.ARTIFACT, {"name": "snapshot.tar.gz", "sha256": _SHA, "bytes": 9, "what": words("3 targets captured")}),
        *((Kind.FINDING, {**finding, "claim": words(claim), "fix": words("bound it")}) for claim in ("GC", "heap")),
        (Kind.VERDICT, {"verdict": "gc-pressure", "statement": words("checkout-2 differs"), "artifact": _SHA}),
        (Kind.UPDATE, {"text": words("We roll back."), "next_at": later}),
        *_bisects(words),
        *_judged(words),
        (Kind.APPROVAL_ASKED, {**asked, **plan, **who, "expires_at": later}),
        (Kind.APPROVAL_DECIDED, {**asked, **who, "decision": "refused", "reason": words("not yet")}),
        *_rolled_back(words),
        *_alone(words, {**asked, **plan, **who, "expires_at": later}),
        (Kind.ASKED, {"text": words("Are users safe?"), "person": _BEN.id}),
        (Kind.ASKED, {"text": words("Roll back checkout?"), "person": "", "rollback": "checkout"}),
        (Kind.REMINDED, {"about": "update", "slot": "1", "text": words("No update for 30 min."), "person": _BEN.id}),
        (Kind.SNOOZED, {"until": later, "minutes": 30}),
        (Kind.ESCALATED, {"reached": [], "text": words("Paged whoever is on call."), "pages": []}),
        (Kind.PAGE_ANSWERED, {"person": words("Chen"), "how": "PagerDuty"}),
        (Kind.ACTION, {"item": 1, "text": words("add a timeout"), "name": words(_BEN.name), "due": "2026-03-08"}),
        (Kind.TOOK_IN, {"incident": "INC-6", "title": words("search is slow")}),
        (Kind.CHAT_FAILED, {"surface": "invite:U0CHEN003", "reason": words("cant_invite")}),
        (
            Kind.ACTED,
            {"service": "checkout", "action": "restart", "command": words("restart x"), "how": "exit 0"},
        ),
        (Kind.DEPLOYED, {"service": "checkout", "release": "v1.12.3", "at": later, "by": words("Ada"), "commit": _SHA}),
        (
            Kind.DEPLOY_DENIED,
            {"service": "checkout", "release": "v1.12.4", "reasons": [words("unsigned: no signature was sent")]},
        ),
        (Kind.DYED, {"service": "checkout", "url": "", "facts": [], "flaws": [words("the canary is not closed")]}),
        (Kind.BLANKED, {"entries": [13], "reason": words("a name"), "approved_by": _BEN.id}),
    ]


def _bisects(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    """Bisect a test, which is flaky, too; every answer comes out."""
    sought = {"what": words("TestPaymentTimeout of ./payment"), "old": "v1.12.0", "new": "main", "find": "break"}
    stands = {"sought": sought, "left": 12, "total": 200, "runs": 9, "elapsed_s": 41.0, "bar": "░░░░░░···x████"}
    last = [[_SHA[:40], result] for result in ("bad", "good", "untestable")]
    made: dict[str, Any] = {"commit": _SHA[:40], "author": words("Ada"), "email": "ada@example.com", "at": ""}
    made |= {"subject": words("Shorten the timeout"), "files": [words("pay.go")] * 5, "changed": 9}
    told = {"sought": sought, "confidence": 0.997, "commits": 200, "runs": {"search": 7}, "elapsed_s": 4, "earlier": ""}
    told |= {"why": words("The test is bad there and good before."), "artifact": _SHA}
    several, nobody = ("suspects", "undecided"), ("flaky", "refuted")
    return [
        (Kind.BISECTING, {**stands, "left": 0, "total": 0, "bar": "", "last": [], "likeliest": []}),
        (Kind.BISECTING, {**stands, "last": last, "likeliest": []}),
        (Kind.BISECTING, {**stands, "bar": "▁▂▇▃▁", "last": last, "likeliest": [[_SHA[:40], 0.61], ["", 0.2]]}),
        *((Kind.BISECTED, {**told, "found": found, "made": [made] * 5, "suspects": 8}) for found in several),
        *((Kind.BISECTED, {**told, "found": found, "made": [], "suspects": 0}) for found in nobody),
        (Kind.BISECTED, {**told, "found": "culprit", "made": [made], "suspects": 0}),
        (Kind.JOINED, {"person": _BEN.id, "name": words(_BEN.name), "how": "author", "why": words("wrote it.")}),
    ]


def _alone(words: Words, asked: dict[str, Any]) -> list[tuple[Kind, dict[str, Any]]]:
    """One person breaks the glass, and whoever is on call is paged."""
    asked |= {"run": "run-2", "service": "checkout"}
    why = {"reason": words("it burns"), "frozen": words("checkout is frozen: a migration.")}
    reached = [
        {"person": words(_BEN.name), "how": "PagerDuty", "ok": True, "reason": ""},
        {"person": words("Chen"), "how": "", "ok": False, "reason": words("not in the workspace")},
    ]
    return [
        (Kind.APPROVAL_ASKED, {**asked, "breakable": True}),
        (Kind.BROKE_GLASS, {**asked, **why, "decision": "let through alone"}),
        (Kind.FROZEN, {"service": "checkout", "reason": words("a migration"), "until": asked["expires_at"]}),
        (Kind.THAWED, {"service": "checkout", "reason": words("it is done")}),
        (Kind.STANDING_SET, {"service": "checkout", "on": True, "policy": _SHA, "name": words(_BEN.name)}),
        (Kind.STANDING_SET, {"service": "checkout", "on": False, "policy": "", "name": ""}),
        (Kind.PAGED, {"service": "checkout", "reached": reached, "text": words("Ada broke the glass.")}),
    ]


def _judged(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    said = words("5xx 20 % of 130 requests in 13 s (baseline 0.2 % of 1,170); more than 5 %: back to the baseline")
    judged = {"service": "checkout", "reasons": [], "trend": {"panels": []}, "artifact": _SHA, "picture": ""}
    looks = (("looked", "inconclusive"), ("looked", "promote"), ("breach", "hold"), ("breach", "rollback"))
    return [(Kind.JUDGED, {**judged, "judgement": what, "words": said, "when": when}) for when, what in looks]


def _rolled_back(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    shared, closed = "canary gets 10 %, marked requests reach it", "canary gets 0 %, marked requests do not reach it"
    done = {"service": "checkout", "commands": ["set weight web/canary 0"], "approved_by": words(_BEN.name)}
    done["reason"] = words("it was the cache")
    itself = {**done, "approved_by": "", "by_itself": True, "run": _RUN}
    verified = {"service": "checkout", "judgement": "", "reasons": [], "when": "verified"}
    safe, unsafe = words("Safe after 41 s: errors 0.2 %, P95 61 ms."), words("Not verified: no request was seen.")
    return [
        (Kind.TRAFFIC_SET, {**itself, "verb": "empty", "before": shared, "after": "canary gets 0 %"}),
        (
            Kind.TRAFFIC_SET,
            {**done, "verb": "restore", "before": closed, "after": shared, "reason": words("the cache")},
        ),
        (Kind.TRAFFIC_SET, {**done, "verb": "rollback", "before": shared, "after": closed}),
        (Kind.JUDGED, {**verified, "words": unsafe, "safe": False}),
        (Kind.JUDGED, {**verified, "words": safe, "safe": True}),
        (Kind.DRIFTED, {"service": "checkout", "wanted": closed, "now": shared}),
    ]


def _end(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    ends = ("mitigated", "resolved", "closed")
    return [
        *((Kind.STATUS_SET, {"status": end, "was": "open", "text": words("the rollback worked")}) for end in ends),
        (Kind.POSTMORTEM, {"artifact": _SHA, "name": "INC-7.md"}),
        (Kind.POSTMORTEM_TEXT, {"section": "summary", "text": words("a watcher was never told to stop")}),
        (Kind.POSTMORTEM_REVIEWED, {}),
        (Kind.POSTMORTEM_PUBLISHED, {"artifact": _SHA, "name": "INC-7.md", "bytes": 9}),
        (Kind.CANCELLED, {"reason": words("a load test")}),
        (Kind.MERGED, {"into": "INC-3", "channel": "C0INC0003"}),
        *_drilled(words),
    ]


def _drilled(words: Words) -> list[tuple[Kind, dict[str, Any]]]:
    """Two drills, one of them blind, and one that could not be made real."""
    until = to_us(NOON + timedelta(minutes=30))
    begun = {"service": "checkout", "size": "medium", "sealed": _SHA, "ends_at": until}
    score = {"fault": "gc-pressure", "target": "checkout-2", "size": "medium", "service": "checkout", "blind": True}
    score |= {"began_us": until, "how": "mitigated", "ack_s": 12.5, "verdict_s": 4.6, "acked_by": words(_ADA.name)}
    ended = {"real": True, "score": score, "before": {"drills": 3, "ack_s": 9.0}, "how": "mitigated", "was_on": True}
    never = {"real": False, "score": {}, "before": {}, "how": "not begun", "by": ""}
    return [
        (Kind.DRILL_STARTED, {**begun, "blind": False, "class": "gc-pressure", "target": "checkout-2"}),
        (Kind.DRILL_STARTED, {**begun, "blind": True, "class": "", "target": ""}),
        (Kind.DRILL_ANSWERED, {"class": "gc-pressure"}),
        (Kind.DRILL_ENDED, {**ended, "by": words(_ADA.name), "gone": False, "left": words("no answer.")}),
        (Kind.DRILL_ENDED, {**never, "left": words("checkout-2 is stuck")}),
    ]


def _entry(seq: int, kind: Kind, body: dict[str, Any]) -> Entry:
    at = to_us(NOON + timedelta(seconds=5 * (seq - 1)))
    return Entry("INC-7", seq, at, kind.value, _ADA.id, _ADA.name, _RUN, "", canonical(body), "", GENESIS, GENESIS)
