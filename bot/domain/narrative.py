"""A timeline in plain words: each entry as a sentence.

Everything here is plain text and may hold what anybody typed; whoever renders it must escape it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.domain import consent, deploy_words, drill_words, publishing, rollout, sign_in
from bot.domain.approval import Decision
from bot.domain.bisect.bisects import bisected, bisecting
from bot.domain.measures import duration
from bot.domain.messages import said_at
from bot.domain.phases import SOP
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, from_us

REDACTED = "(redacted)"

# Controls, and the marks that make text read in another order than it is stored (Unicode TR 9, CVE-2021-42574).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_MARKED = re.compile(r"(?<![\w(*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?=[\s.,:;!?]|$)|`([^`\n]+)`")
_SURROGATES = re.compile("[\ud800-\udfff]")
_EXACT_BELOW_S = 10.0


class _Facts(dict[str, Any]):
    """A body whose absent keys read as nothing: a timeline outlives the release that wrote it."""

    def __missing__(self, key: str) -> str:
        return ""


def legible(text: str) -> str:
    """Give text as it may be shown: no control or reordering characters, nothing that UTF-8 cannot carry."""
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", text))


def seconds(value: float) -> str:
    """Write a number of seconds: `2.4 s` while it is short, then as a duration, whose seconds are whole and over."""
    return f"{value:.1f} s" if 0 <= value < _EXACT_BELOW_S else duration(timedelta(seconds=value))


def size(count: int) -> str:
    """Write a number of bytes: `812 B`, `3.1 kB`, `12 MB` (powers of 1000)."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:  # noqa: PLR2004 - the step between two units
            return f"{value:.0f} {unit}" if unit == "B" or value >= _EXACT_BELOW_S else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def tell(entry: Entry) -> str:
    """Say in a sentence what an entry tells; its actor is the subject."""
    if entry.body is None:
        return REDACTED
    facts = _Facts(entry.facts)
    sentence = _TELL.get(entry.kind)
    if sentence is None:
        return f"{entry.kind.capitalize()}: {_pairs(facts)}"
    return sentence(entry, facts)


def by_itself(entry: Entry) -> bool:
    """Tell whether FirstFive did this by itself, be it in a run that somebody had begun."""
    return (
        entry.actor == FIRSTFIVE.id
        or entry.kind in _OWN
        or (entry.kind == Kind.MILESTONE and entry.facts.get("source") in _OWN_SOURCES)
    )


def who(entry: Entry) -> str:
    """Name who did what an entry tells."""
    return FIRSTFIVE.name if by_itself(entry) else entry.actor_name


def unmarked(text: str) -> str:
    """Give a summary without the asterisks and backticks that chats read as bold and code."""
    return _MARKED.sub(lambda match: match[1] or match[2], text)


def is_child(run_id: str) -> bool:
    """Tell whether a run was begun by another one, whose id is then the front part of its own."""
    return "." in run_id


def _pairs(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_plain(value)}" for key, value in facts.items())


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _after(text: Any, before: str = ": ") -> str:
    """Give text behind its separator; nothing if there is none."""
    return f"{before}{text}" if text else ""


def _took(facts: _Facts) -> str:
    elapsed = facts["elapsed_s"]
    return f" in {seconds(float(elapsed))}" if isinstance(elapsed, int | float) else ""


def _opened(_: Entry, facts: _Facts) -> str:
    return f"Opened it as {facts['severity']}{_after(facts['service'], ' on ')}{_after(facts['title'])}"


def _severity(_: Entry, facts: _Facts) -> str:
    return f"Changed the severity{_after(facts['was'], ' from ')} to {facts['severity']}."


def _role(entry: Entry, facts: _Facts) -> str:
    if not facts["person"]:
        return f"Gave up the role of {facts['role']}; nobody has it now."
    if entry.actor == facts["person"]:
        return f"Became {facts['role']}."
    return f"Made {facts['name']} {facts['role']}."


_REACHED = {
    "started": "It started.",
    "detected": "Detected it.",
    "acknowledged": "Acknowledged it.",
    "located": "Located the fault.",
    "mitigated": "Mitigated it.",
    "resolved": "Resolved it.",
}


def _milestone(entry: Entry, facts: _Facts) -> str:
    at = from_us(int(facts["at"] or entry.at_us))
    if at.replace(microsecond=0) == entry.at.replace(microsecond=0) and facts["milestone"] in _REACHED:
        return _REACHED[facts["milestone"]]
    when = f"{at:%H:%M:%S}" if at.date() == entry.at.date() else f"{at:%Y-%m-%d %H:%M:%S}"
    by_hand = facts["source"] == f"set by {entry.actor_name}"
    source = f" (source: {facts['source']})" if facts["source"] and not by_hand else ""
    return f"Recorded the milestone {facts['milestone']} at {when} UTC{source}."


def _run_started(_: Entry, facts: _Facts) -> str:
    if facts["playbook"] == SOP:
        return "Started the five-minute SOP."
    return f"Started {facts['playbook']}{_given(facts['params'])}."


def _given(params: object) -> str:
    """Write what was said of a run, in brackets; what was left to be as it is says nothing."""
    if not isinstance(params, dict):
        return ""
    said = {
        name: "yes" if value is True else value
        for name, value in params.items()
        if value is not False and (value or value == 0)
    }
    return f" ({_pairs(said)})" if said else ""


def _run_ended(_: Entry, facts: _Facts) -> str:
    return f"{_name(facts)} {facts['status']}{_took(facts)}{_after(facts['reason']) or '.'}"


def _step_ended(_: Entry, facts: _Facts) -> str:
    step, said = f"{_name(facts)}, {facts['title'] or facts['step']}", unmarked(str(facts["summary"]))
    if facts["outcome"] == "missing":
        return f"{step}: {said or 'overran'}."
    return f"{step}: {facts['outcome']}{_took(facts)}{_after(said, '. ')}"


def _name(facts: _Facts) -> str:
    return "SOP" if facts["playbook"] == SOP else str(facts["playbook"]).capitalize()


def _artifact(_: Entry, facts: _Facts) -> str:
    return f"Kept {facts['name']} ({size(int(facts['bytes'] or 0))}){_after(facts['what']) or '.'}"


def _finding_told(_: Entry, facts: _Facts) -> str:
    return f"Found {facts['fault_class'] or 'this'}{_after(facts['target'], ' on ')}{_after(facts['claim'])}"


def _verdict(_: Entry, facts: _Facts) -> str:
    return f"{_after(facts['verdict'], 'Verdict: ') or 'No verdict'}{_after(facts['statement'], '. ')}"


def _action(_: Entry, facts: _Facts) -> str:
    owner, due = _after(facts["name"], ", owner "), _after(facts["due"], ", due ")
    end = f", done {facts['done']}" if facts["done"] else ", open again" if "done" in facts else ""
    return f"Action item {facts['item']}{_after(facts['text'])}{owner}{due}{end}."


def _update(_: Entry, facts: _Facts) -> str:
    promise = f" (next by {from_us(int(facts['next_at'])):%H:%M} UTC)" if facts["next_at"] else ""
    return f"Wrote an update{promise}: {facts['text']}"


def _message(_: Entry, facts: _Facts) -> str:
    files = facts["files"] if isinstance(facts["files"], list) else []
    names = ", ".join(str(file.get("name", "a file")) for file in files)
    return f"Wrote: {facts['text']}{_after(names, ' Attached: ')}"


def _message_removed(_: Entry, facts: _Facts) -> str:
    said = _said(facts)
    return (
        f"The message{said} was deleted." if facts["why"] == "deleted" else f"Took the message{said} off the timeline."
    )


def _said(facts: _Facts) -> str:
    return f" of {said_at(str(facts['ts'])):%H:%M:%S} UTC" if facts["ts"] else ""


def _on_call(_: Entry, facts: _Facts) -> str:
    people = facts["people"] if isinstance(facts["people"], list) else []
    names = ", ".join(str(each["name"]) for each in people) or "nobody"
    return f"On call{_after(facts['source'], ' by ')}: {names}{_after(facts['note'], '; ')}."


def _joined(entry: Entry, facts: _Facts) -> str:
    verb = "Joined" if entry.kind == Kind.JOINED else "Left"
    where = " the channel" if facts["how"] == "channel" else ""
    why = _after(facts["why"]) or "."
    return f"{verb}{where}{why}" if entry.actor == facts["person"] else f"{facts['name']} {verb.lower()}{where}{why}"


def _snoozed(entry: Entry, facts: _Facts) -> str:
    if not facts["minutes"]:
        return "Wants to be reminded again."
    return f"Snoozed reminders until {from_us(int(facts['until'] or entry.at_us)):%Y-%m-%d %H:%M} UTC."


def _digest(_: Entry, facts: _Facts) -> str:
    whose = f"the digest of {facts['team']}{_after(facts['slot'], ' for ')}"
    if facts["posted"]:
        return f"Posted {whose} to {facts['channel']}."
    return f"Did not post {whose}{_after(facts['reason']) or '.'}"


def _skipped(_: Entry, facts: _Facts) -> str:
    return f"Skipped {facts['count']} missed of {facts['schedule']}: {_plain(facts['slots'])}."


def _alerts(entry: Entry, facts: _Facts) -> str:
    count, firing = int(facts["count"] or 0), int(facts["firing"] or 0)
    which = "1 alert" if count == 1 else f"{count} alerts"
    left = f"{firing} fire now" if firing != 1 else "1 fires now"
    news = "firing" if entry.kind == Kind.ALERT_FIRED else "resolved"
    return f"Reported {which} {news}{_after(_plain(facts['names']))}; {left if firing else 'none fires any more'}."


def _proposed(_: Entry, facts: _Facts) -> str:
    what = f"{facts['severity']} {facts['title']}"
    if facts["state"] == "opened":
        return f"The alerts proposed as {what} are on {facts['incident']} now."
    return f"Withdrew the proposal of {what}." if facts["state"] == "over" else f"Proposed an incident: {what}"


def _dyed(_: Entry, facts: _Facts) -> str:
    said = [*facts["flaws"], *facts["facts"]]
    return f"Sent marked requests to {facts['service']}{_after('; '.join(map(str, said))) or '.'}"


def _asked_approval(_: Entry, facts: _Facts) -> str:
    until = f", until {from_us(int(facts['expires_at'])):%H:%M:%S} UTC" if facts["expires_at"] else ""
    what = f"{facts['playbook']}{_given(facts['params'])}"
    return f"Asked for a second person's approval of {what}{until}: run {facts['run']}."


def _decided_approval(_: Entry, facts: _Facts) -> str:
    if facts["decision"] == Decision.EXPIRED:
        return f"Nobody approved {facts['playbook']} in time."
    return f"{str(facts['decision']).capitalize()} {facts['playbook']}{_after(facts['reason']) or '.'}"


def _blanked(_: Entry, facts: _Facts) -> str:
    numbers = facts["entries"] if isinstance(facts["entries"], list) else []
    what = f"entry {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} entries"
    return f"Blanked {what}{_after(facts['approved_by'], ', approved by ')}{_after(facts['reason']) or '.'}"


def _not_pushed(_: Entry, facts: _Facts) -> str:
    again = f"; tried again at {from_us(int(facts['again_at'])):%H:%M:%S} UTC" if facts["again_at"] else "; given up"
    return f"Could not push {facts['name']} to {facts['place']}{_after(facts['reason'])}{again}."


_OWN_SOURCES = {"verdict", "incident start", "drill"}
_OWN = {
    Kind.CHANNEL_OPENED,
    Kind.STEP_STARTED,
    Kind.STEP_ENDED,
    Kind.RUN_ENDED,
    Kind.ARTIFACT,
    Kind.FINDING,
    Kind.VERDICT,
    Kind.ASKED,
    Kind.ESCALATED,
    Kind.PAGE_ANSWERED,
    Kind.ON_CALL,
    Kind.CHAT_FAILED,
    Kind.REMINDED,
    Kind.DIGEST,
    Kind.SLOTS_SKIPPED,
    Kind.JUDGED,
    Kind.BISECTING,
    Kind.BISECTED,
    Kind.DRIFTED,
    Kind.PUSHED,
    Kind.PUSH_FAILED,
    Kind.DRILL_ENDED,
}

_TELL: Mapping[str, Callable[[Entry, _Facts], str]] = {
    Kind.OPENED: _opened,
    Kind.CHANNEL_OPENED: lambda _, f: f"Opened the channel #{str(f['name'] or f['channel']).lstrip('#')}.",
    Kind.SERVICE_SET: lambda _, f: f"Said that it is about {f['service']}.",
    Kind.SEVERITY_SET: _severity,
    Kind.ROLE_SET: _role,
    Kind.MILESTONE: _milestone,
    Kind.STATUS_SET: lambda _, f: f"Marked it {f['status']}{_after(f['text']) or '.'}",
    Kind.NOTE: lambda _, f: f"Noted: {f['text']}",
    Kind.UPDATE: _update,
    Kind.IMPACT_SET: lambda _, f: f"Said who is hit: {f['text']}",
    Kind.MESSAGE: _message,
    Kind.MESSAGE_EDITED: lambda _, f: f"Changed the message{_said(f)} to: {f['text']}",
    Kind.MESSAGE_REMOVED: _message_removed,
    Kind.ON_CALL: _on_call,
    Kind.JOINED: _joined,
    Kind.LEFT: _joined,
    Kind.MERGED: lambda _, f: f"Merged it into {f['into']}.",
    Kind.TOOK_IN: lambda _, f: f"Took in {f['incident']}{_after(f['title'])}",
    Kind.MADE_PRIVATE: lambda *_: "Kept it private.",
    Kind.CANCELLED: lambda _, f: f"Called it off{_after(f['reason']) or '.'}",
    Kind.RUN_STARTED: _run_started,
    Kind.STEP_STARTED: lambda _, f: f"{_name(f)}, {f['title'] or f['step']}: began.",
    Kind.STEP_ENDED: _step_ended,
    Kind.RUN_ENDED: _run_ended,
    Kind.ARTIFACT: _artifact,
    Kind.FINDING: _finding_told,
    Kind.VERDICT: _verdict,
    Kind.ASKED: lambda _, f: f"Asked: {f['text']}",
    Kind.ESCALATED: lambda _, f: f"Escalated{_after(f['text']) or '.'}",
    **dict.fromkeys(publishing.KINDS, lambda entry, facts: publishing.told(Kind(entry.kind), facts)),
    Kind.REMINDED: lambda _, f: f"Reminded: {f['text']}",
    Kind.ACTION: _action,
    Kind.SNOOZED: _snoozed,
    Kind.DIGEST: _digest,
    Kind.SLOTS_SKIPPED: _skipped,
    Kind.ALERT_FIRED: _alerts,
    Kind.ALERT_RESOLVED: _alerts,
    Kind.PROPOSED: _proposed,
    Kind.PAGE_ANSWERED: lambda _, f: f"{f['person'] or 'Somebody'} answered the page{_after(f['how'], ' at ')}.",
    Kind.ACTED: lambda _, f: f"Did {f['action']} on {f['service']} ({f['command']}): {f['how']}.",
    **dict.fromkeys(deploy_words.KINDS, lambda entry, facts: deploy_words.told(Kind(entry.kind), facts)),
    Kind.BISECTING: lambda _, f: unmarked(bisecting(f)) if f["sought"] else "Bisecting.",
    Kind.BISECTED: lambda _, f: bisected(f) if f["sought"] else "Bisected.",
    Kind.DYED: _dyed,
    Kind.APPROVAL_ASKED: _asked_approval,
    Kind.APPROVAL_DECIDED: _decided_approval,
    **dict.fromkeys(consent.KINDS, lambda entry, facts: consent.told(Kind(entry.kind), facts)),
    Kind.BLANKED: _blanked,
    Kind.JUDGED: lambda _, f: rollout.judged(f),
    Kind.TRAFFIC_SET: lambda _, f: rollout.traffic_set(f),
    Kind.DRIFTED: lambda _, f: rollout.drifted(f),
    Kind.PUSHED: lambda _, f: f"Pushed {f['name']} to {f['place']} (commit {str(f['commit'])[:12]}).",
    Kind.PUSH_FAILED: _not_pushed,
    **dict.fromkeys(sign_in.KINDS, lambda entry, facts: sign_in.told(Kind(entry.kind), facts)),
    **dict.fromkeys(drill_words.KINDS, lambda entry, facts: drill_words.told(Kind(entry.kind), facts)),
    Kind.CHAT_FAILED: lambda _, f: f"Slack did not take {f['surface'] or 'a message'}{_after(f['reason']) or '.'}",
}
