"""What the channel is told besides the card: a message for what concerns all, replies under the card for the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.slack import drills, postmortems, rollouts, verdicts
from bot.adapters.slack.blocks import (
    SECTION,
    WHOLE,
    Around,
    Json,
    Message,
    actions,
    approval,
    button,
    link_button,
    named,
    section,
)
from bot.adapters.slack.projection import is_user
from bot.adapters.slack.text import clean, clock, escape, line, mrkdwn, paragraphs, shorten
from bot.domain import consent
from bot.domain.approval import Decision, request, requests
from bot.domain.exhibits import picture_name
from bot.domain.handover import brief
from bot.domain.incident import fold
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, from_us

_MOST_CHANGES = 20
_FALLBACK, _COMMENT = 300, 2_500
INVITE = "invite:"
# A burst of changes becomes one reply: it is told when it has settled, or goes on for longer than this.
_SETTLE, LONGEST = timedelta(seconds=1.5), timedelta(seconds=5)


@dataclass(frozen=True)
class Post:
    """A message to be posted once. `first` and `upto` are the entries it stands for; `file` an artifact to attach.

    `comment` is what stands beside the file, mrkdwn, in place of the message's text.

    `ready_at`: until then more may come that belongs into it; None when it is to be posted at once.
    """

    first: int
    upto: int
    message: Message
    in_thread: bool = True
    file: str = ""
    file_name: str = ""
    comment: str = ""
    ready_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its name among the incident's surfaces."""
        return f"post:{self.first}"


def pending(entries: Sequence[Entry], after: int, around: Around) -> list[Post]:
    """Give what is still to be posted of the entries with `seq` > `after`; changes between two posts become one."""
    posts: list[Post] = []
    changes: list[Entry] = []
    for entry in entries:
        if entry.seq <= after or entry.body is None or "again" in entry.facts:
            continue
        made = _ALONE[entry.kind](entry, entries, around) if entry.kind in _ALONE else None
        if made is not None:
            posts.extend(_collapsed(changes))
            posts.append(made)
            changes = []
        elif _change(entry):
            changes.append(entry)
    posts.extend(_collapsed(changes))
    return posts


def _collapsed(changes: Sequence[Entry]) -> list[Post]:
    if not changes:
        return []
    lines = [_change(entry) for entry in changes[:_MOST_CHANGES]]
    if len(changes) > _MOST_CHANGES:
        lines.append(f"… and {len(changes) - _MOST_CHANGES} more, on the incident's page")
    ready_at = min(changes[-1].at + _SETTLE, changes[0].at + LONGEST)
    return [Post(changes[0].seq, changes[-1].seq, _message("\n".join(lines)), ready_at=ready_at)]


def _change(entry: Entry) -> str:
    """Give the line of a change, or "" for what is none."""
    write = _CHANGES.get(entry.kind)
    return write(entry.facts, line(entry.actor_name, 60)) if write and entry.body is not None else ""


def _status(facts: Mapping[str, Any], who: str) -> str:
    why = f": {line(facts['text'], 500)}" if facts.get("text") else ""
    return f"{who} set the status to *{facts['status']}*{why}"


def _snoozed(facts: Mapping[str, Any], who: str) -> str:
    return f"{who} snoozed the reminders for {facts['minutes']} min" if facts["minutes"] else f"{who} ended the snooze"


def _action(facts: Mapping[str, Any], who: str) -> str:
    about = [f"{name}: {line(str(facts[key]), 300)}" for key, name in _OF_ACTION.items() if facts.get(key)]
    about += ["open again"] if facts.get("done") == "" else []
    return f"{who}, action item {facts['item']}: {', '.join(about)}"


_OF_ACTION = {"text": "to do", "name": "owner", "due": "due", "done": "done"}


def _role(facts: Mapping[str, Any], who: str) -> str:
    name = line(facts["name"], 60)
    if not name:
        return f"{who} said that nobody is *{facts['role']}* now"
    return f"{who} is *{facts['role']}* now" if name == who else f"{who} made {name} *{facts['role']}*"


def _joined(facts: Mapping[str, Any], who: str) -> str:
    if facts.get("how") == "channel":
        return ""  # Slack says so itself
    name = line(facts["name"], 60)
    return f"{who} joined" if name == who else f"{name} joined, brought in by {who}"


def _in(facts: Mapping[str, Any]) -> str:
    return f": go on in <#{facts['channel']}>" if facts.get("channel") else ""


def _refused(facts: Mapping[str, Any], _: str) -> str:
    surface = str(facts["surface"])
    if not surface.startswith(INVITE):
        return ""
    return f"Slack refused to invite <@{surface.removeprefix(INVITE)}>: {line(facts['reason'], 300)}"


def _fired(facts: Mapping[str, Any], who: str) -> str:
    return f"{who}: {facts['count']} fired ({_names(facts)}), {facts['firing']} firing now"


def _resolved(facts: Mapping[str, Any], who: str) -> str:
    return f"{who}: {facts['count']} resolved ({_names(facts)}), {facts['firing']} firing now"


def _names(facts: Mapping[str, Any]) -> str:
    return line(", ".join(map(str, facts["names"])), 300) or "alerts"


def _approval_decided(facts: Mapping[str, Any], who: str) -> str:
    if facts["decision"] == Decision.EXPIRED:
        return f"Nobody approved *{line(facts['playbook'], 60)}* in time"
    why = f": {line(facts['reason'], 300)}" if facts.get("reason") else ""
    return f"{who} {facts['decision']} *{line(facts['playbook'], 60)}*{why}"


def _blanked(facts: Mapping[str, Any], who: str) -> str:
    seqs = ", ".join(map(str, facts["entries"][:_MOST_CHANGES]))
    return f"{who} blanked {'entry' if len(facts['entries']) == 1 else 'entries'} {seqs}: {line(facts['reason'], 300)}"


def _standing(facts: Mapping[str, Any], who: str) -> str:
    service = f"*{line(facts['service'], 100)}*"
    if not facts["on"]:
        return f"{who} took the standing approval of {service} back"
    return f"{who} and {line(facts['name'], 60)} let FirstFive empty the canary of {service} by itself"


def _paged(facts: Mapping[str, Any], _: str) -> str:
    return f"Paged {line(consent.reached(facts), 500)}: {line(facts['text'], 300)}"


def _on_call(facts: Mapping[str, Any], _: str) -> str:
    names = ", ".join(line(str(who["name"]), 60) for who in facts["people"]) or "nobody"
    note = f" ({line(facts['note'], 200)})" if facts.get("note") else ""
    return f"On call by {line(facts['source'], 60)}: {names}{note}"


_CHANGES: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    Kind.SERVICE_SET: lambda facts, who: f"{who} named the service: *{line(facts['service'], 100)}*",
    Kind.SEVERITY_SET: lambda facts, who: (
        f"{who} changed the severity from {facts.get('was', '?')} to *{facts['severity']}*"
    ),
    Kind.ROLE_SET: _role,
    Kind.STATUS_SET: _status,
    Kind.IMPACT_SET: lambda facts, who: f"{who} said who is hit: {line(facts['text'], 500) or 'nobody now'}",
    Kind.JOINED: _joined,
    Kind.ON_CALL: _on_call,
    Kind.MERGED: lambda facts, who: f"{who} merged it into {facts['into']}{_in(facts)}",
    Kind.TOOK_IN: lambda facts, who: f"{who} merged {facts['incident']} into this: {line(facts['title'], 200)}",
    Kind.CANCELLED: lambda facts, who: f"{who} called it off: {line(facts['reason'], 500)}",
    Kind.NOTE: lambda facts, who: f"Note by {who}: {line(facts['text'], 500)}",
    Kind.CHAT_FAILED: _refused,
    Kind.APPROVAL_DECIDED: _approval_decided,
    Kind.BLANKED: _blanked,
    Kind.ALERT_FIRED: _fired,
    Kind.ALERT_RESOLVED: _resolved,
    Kind.PAGED: _paged,
    Kind.STANDING_SET: _standing,
    Kind.FROZEN: lambda facts, who: f"{who} froze *{line(facts['service'], 100)}*: {line(facts['reason'], 500)}",
    Kind.THAWED: lambda facts, who: f"{who} thawed *{line(facts['service'], 100)}*",
    Kind.DEPLOY_DENIED: rollouts.denied,
    Kind.PAGE_ANSWERED: lambda facts, _: f"{line(facts['person'], 60)} answered the page at {line(facts['how'], 60)}",
    Kind.SNOOZED: _snoozed,
    Kind.ACTION: _action,
    Kind.DRILL_ANSWERED: drills.answered,
    Kind.POSTMORTEM_TEXT: postmortems.wrote,
    Kind.POSTMORTEM_REVIEWED: postmortems.reviewed,
}


def update(entry: Entry) -> Message:
    """Give an update, as the incident's channel and the thread of its announcement show it."""
    facts = entry.facts
    promise = f", next by {clock(from_us(int(facts['next_at'])))}" if facts.get("next_at") else ""
    who = f"*Update by {line(entry.actor_name, 60)}*, {clock(entry.at)}{promise}"
    return _message(f"{who}\n{mrkdwn(facts['text'])}", f"Update: {facts['text']}")


def _update(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    return Post(entry.seq, entry.seq, update(entry), in_thread=False)


def _handed(entry: Entry, entries: Sequence[Entry], _: Around) -> Post | None:
    """Call whoever was given a role by somebody else, and tell them where things stand; None when they took it."""
    facts = entry.facts
    person, role = str(facts["person"]), facts["role"]
    if person in {"", entry.actor}:
        return None
    upto = [each for each in entries if each.seq <= entry.seq]
    whom = f"<@{person}>" if is_user(person) else f"*{line(facts['name'], 60)}*"
    after = f", after {line(facts['was'], 60)}" if facts.get("was") else ""
    told = [f"• {line(each, SECTION)}" for each in brief(fold(upto), upto)]
    head = f"{whom} is *{role}* now{after}: {line(entry.actor_name, 60)} handed it over."
    fallback = f"{facts['name']} is {role} now, handed over by {entry.actor_name}"
    return Post(entry.seq, entry.seq, _message("\n".join([head, *told]), fallback), in_thread=False)


def _called(entry: Entry, _: Sequence[Entry], __: Around) -> Post | None:
    """Tell whoever was brought in why it is they; None when there is nothing to tell them."""
    facts = entry.facts
    if not facts.get("why"):
        return None
    person, name = str(facts["person"]), line(facts["name"], 60)
    by = "" if entry.actor == FIRSTFIVE.id else f" {line(entry.actor_name, 60)} asks for help."
    text = f"{f'<@{person}>' if is_user(person) else f'*{name}*'} {line(facts['why'], 600)}{by}"
    return Post(entry.seq, entry.seq, _message(text, f"{facts['name']} {facts['why']}"), in_thread=False)


def _escalated(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    text = entry.facts["text"]
    message = _message(f"*Escalated*, {clock(entry.at)}\n{mrkdwn(text)}", f"Escalated: {text}")
    return Post(entry.seq, entry.seq, message, in_thread=False)


def _asked(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    text, person = entry.facts["text"], str(entry.facts.get("person") or "")
    whom = f"<@{person}> " if is_user(person) else ""
    service = str(entry.facts.get("rollback") or "")
    way_out = [rollouts.roll_back(service, entry.incident_id)] if service else []
    buttons = actions([*way_out, button("Mitigated", f"mitigate incident={entry.incident_id}")])
    return Post(entry.seq, entry.seq, _with(_message(whom + mrkdwn(text), text), [buttons]), in_thread=False)


def _reminded(entry: Entry, entries: Sequence[Entry], around: Around) -> Post:
    facts, about = entry.facts, f"incident={entry.incident_id}"
    person = str(facts.get("person") or "")
    whom = f"<@{person}> " if is_user(person) else ""
    label, words = _REMEDIES.get(str(facts.get("about")), _REMEDIES["update"])
    snooze = button("Snooze 30 min", f"snooze 30m {about}")
    asked = next((each for each in requests(entries) if facts.get("run") == each.run_id), None)
    if asked is not None:
        plan = approval(entry.incident_id, asked, around) if asked.decided is None else []
        more = [*plan, actions([snooze])]
    else:
        more = [actions([button(label, f"{words} {about}"), snooze])]
    message = _with(_message(whom + mrkdwn(facts["text"]), facts["text"]), more)
    return Post(entry.seq, entry.seq, message, in_thread=False)


_REMEDIES = {
    "commander": ("Take command", "role commander me was=-"),
    "update": ("Send update", "update"),
    "resolve": ("Resolved", "resolve saw=mitigated"),
}


def _approval_asked(entry: Entry, entries: Sequence[Entry], around: Around) -> Post | None:
    """Ask in the channel, unless it was decided as it was asked: somebody broke the glass."""
    asked = request(entry)
    if any(each.kind == Kind.BROKE_GLASS and each.facts.get("run") == asked.run_id for each in entries):
        return None
    message = Message(
        escape(shorten(clean(f"Waits for a second person: {asked.words}"), _FALLBACK)),
        named(approval(entry.incident_id, asked, around, room=WHOLE)),
    )
    return Post(entry.seq, entry.seq, message, in_thread=False)


def _broke_glass(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    facts, who = entry.facts, line(entry.actor_name, 60)
    what = f"*{line(facts['playbook'], 60)}*" + (f" on {line(facts['service'], 100)}" if facts.get("service") else "")
    lines = [f"*{who} broke the glass*, {clock(entry.at)}: {what} goes on without a second person. On call is told."]
    lines += [f"Why: {line(facts['reason'], 1_000)}"]
    lines += [f"Despite a freeze: {line(facts['frozen'], 500)}"] if facts.get("frozen") else []
    message = _message("\n".join(lines), f"{entry.actor_name} broke the glass: {facts['reason']}")
    return Post(entry.seq, entry.seq, message, in_thread=False)


def _verdict(entry: Entry, entries: Sequence[Entry], around: Around) -> Post:
    """Tell a verdict in one reply: what proves it, its picture where there is one, and the way to the rest."""
    lines = verdicts.told(entry, entries)
    message = _message("\n".join(lines), verdicts.fallback(entry))
    page = f"{around.page(entry.incident_id)}#diagnosis"
    post = Post(entry.seq, entry.seq, _with(message, [actions([link_button("Open the diagnosis", page)])]))
    picture = str(entry.facts.get("picture") or "")
    if not picture:
        return post
    comment = [*paragraphs("\n".join(lines), _COMMENT, 1), f"<{page}|Open the diagnosis>"]
    return replace(post, file=picture, file_name=picture_name(entry), comment="\n".join(comment))


def _artifact(entry: Entry, _: Sequence[Entry], around: Around) -> Post | None:
    facts = entry.facts
    if not str(facts["name"]).endswith(".tar.gz"):
        return None
    return _file(entry, facts["sha256"], facts["name"], str(facts.get("what") or "Snapshot"), around)


def _postmortem(entry: Entry, _: Sequence[Entry], around: Around) -> Post:
    name = entry.facts["name"]
    return _file(entry, entry.facts["artifact"], name, f"{entry.actor_name} wrote the postmortem", around)


def _judged(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    """Tell all of a breach and of what came of a rollback; whoever asked for a look has it below the card."""
    facts = entry.facts
    text = rollouts.judged_text(facts)
    message = _with(_message(text, text), rollouts.judged_buttons(facts, entry.incident_id))
    post = Post(entry.seq, entry.seq, message, in_thread=facts["when"] == "looked")
    picture = str(facts.get("picture") or "")
    return replace(post, file=picture, file_name=f"canary-{facts['service']}.png") if picture else post


def _traffic_set(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    text = rollouts.set_text(entry.facts)
    message = _with(_message(text, text), rollouts.set_buttons(entry.facts, entry.incident_id))
    return Post(entry.seq, entry.seq, message, in_thread=False)


def _drifted(entry: Entry, _: Sequence[Entry], __: Around) -> Post:
    text = rollouts.drift_text(entry.facts)
    way_out = actions([rollouts.roll_back(str(entry.facts["service"]), entry.incident_id)])
    return Post(entry.seq, entry.seq, _with(_message(text, text), [way_out]), in_thread=False)


def _drill(entry: Entry, _: Sequence[Entry], around: Around) -> Post:
    text, ways = drills.told(entry, around)
    return Post(entry.seq, entry.seq, _with(_message(text, text), ways), in_thread=False)


def _file(entry: Entry, sha256: str, name: str, what: str, around: Around) -> Post:
    message = _message(f"{line(what, 200)}: {line(name, 200)}")
    message = _with(message, [actions([link_button("Open it", around.artifact(sha256))])])
    return replace(Post(entry.seq, entry.seq, message), file=sha256, file_name=name)


_ALONE: Mapping[str, Callable[[Entry, Sequence[Entry], Around], Post | None]] = {
    Kind.ROLE_SET: _handed,
    Kind.JOINED: _called,
    Kind.UPDATE: _update,
    Kind.ESCALATED: _escalated,
    Kind.ASKED: _asked,
    Kind.APPROVAL_ASKED: _approval_asked,
    Kind.BROKE_GLASS: _broke_glass,
    Kind.VERDICT: _verdict,
    Kind.ARTIFACT: _artifact,
    Kind.POSTMORTEM: _postmortem,
    Kind.POSTMORTEM_PUBLISHED: lambda entry, entries, around: Post(
        entry.seq, entry.seq, postmortems.published(entry, entries, around), in_thread=False
    ),
    Kind.REMINDED: _reminded,
    Kind.JUDGED: _judged,
    Kind.TRAFFIC_SET: _traffic_set,
    Kind.DRIFTED: _drifted,
    Kind.DRILL_STARTED: _drill,
    Kind.DRILL_ENDED: _drill,
}


def _message(text: str, fallback: str = "") -> Message:
    pieces = paragraphs(text, SECTION, 3)
    short = escape(shorten(clean(fallback), _FALLBACK)) or shorten(" ".join(text.split()), _FALLBACK)
    return Message(short or "…", tuple(section(piece) for piece in pieces))


def _with(message: Message, more: Sequence[Json]) -> Message:
    return replace(message, blocks=named([*message.blocks, *more]))
