"""What the bot sent, read from the local Slack's transcript: messages and views, however they went."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]

# Of the Web API's calls, those whose text people read.
_SPEAKING = {"chat.postMessage", "chat.update", "chat.postEphemeral", "chat.scheduleMessage"}
_LABELS = {
    "conversations.create": "name",
    "conversations.rename": "name",
    "conversations.setTopic": "topic",
    "conversations.setPurpose": "purpose",
    "bookmarks.add": "title",
    "bookmarks.edit": "title",
    "files.completeUploadExternal": "initial_comment",
}


@dataclass(frozen=True)
class Sent:
    """One thing that Slack was given: a message, a view, or a short text of a method's own (a label)."""

    how: str
    kind: Literal["message", "view", "label"]
    body: Json

    def key(self) -> str:
        """Give what is the same for equal things."""
        return self.kind + self.how * (self.kind == "label") + json.dumps(self.body, sort_keys=True)


def sent(exchanges: Iterable[Mapping[str, Any]]) -> list[Sent]:
    """Give what the app sent by calls, by answers to what was delivered, and at response urls."""
    return [one for line in exchanges for one in _of(line)]


def _of(line: Mapping[str, Any]) -> list[Sent]:
    outwards = line["direction"] == "from_app"
    how = f"{line['what']} {line['name']}".strip() + ("" if outwards else " (acknowledgement)")
    body = _opened(line["body"] if outwards else line["answer"])
    if line["name"] in _LABELS and _LABELS[line["name"]] in body:
        label = _LABELS[line["name"]]
        return [Sent(line["name"], "label", {label: body[label]})]
    view = body.get("view")
    if isinstance(view, dict) and (outwards or "response_action" in body):
        return [Sent(how, "view", view)]
    speaks = line["name"] in _SPEAKING or line["what"] == "response_url" or not outwards
    if speaks and ("text" in body or "blocks" in body):
        return [Sent(how, "message", {key: body[key] for key in ("text", "blocks") if key in body})]
    return []


def _opened(body: Any) -> Json:
    """Read the values that a form carries as JSON."""
    if not isinstance(body, Mapping):
        return {}
    return {key: _read(value) if key in ("blocks", "view") else value for key, value in body.items()}


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


SEEN: dict[str, Sent] = {}
"""Everything that was sent in this session of tests, each thing once."""


def remember(transcript: str) -> None:
    """Keep what a transcript, one exchange a line, says was sent."""
    SEEN.update({one.key(): one for one in sent(json.loads(line) for line in transcript.splitlines())})
