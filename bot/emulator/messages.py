"""A message, in Slack's own shape."""

from dataclasses import dataclass, field
from typing import Any

from bot.emulator.files import StoredFile

Json = dict[str, Any]


@dataclass(slots=True)
class Message:
    """One message; `visible_to` makes it ephemeral."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    bot_id: str = ""
    app_id: str = ""
    username: str = ""
    subtype: str = ""
    thread_ts: str = ""
    edited: Json | None = None
    metadata: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned: Json | None = None
    files: list[StoredFile] = field(default_factory=list)
    visible_to: str = ""
    replies: list["Message"] = field(default_factory=list)

    @property
    def is_reply(self) -> bool:
        """Tell a reply from the message that holds its thread."""
        return bool(self.thread_ts) and self.thread_ts != self.ts

    def payload(self, team_id: str, *, metadata: bool = False) -> Json:
        """Render the message object; Slack shows metadata only to who asks for it."""
        body: Json = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text, "team": team_id}
        body |= {
            name: value
            for name, value in (
                ("subtype", self.subtype),
                ("bot_id", self.bot_id),
                ("app_id", self.app_id),
                ("username", self.username),
                ("blocks", self.blocks),
                ("attachments", self.attachments),
                ("edited", self.edited),
                ("thread_ts", self.thread_ts),
                ("metadata", self.metadata if metadata else None),
                ("files", [file.payload() for file in self.files]),
            )
            if value
        }
        if self.reactions:
            body["reactions"] = self.reaction_payload()
        if self.pinned:
            body |= {"pinned_to": [self.channel], "pinned_info": self.pinned}
        if self.replies:
            body |= self._thread_payload()
        return body

    def reaction_payload(self) -> list[Json]:
        """Render who reacted with what."""
        return [{"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()]

    def _thread_payload(self) -> Json:
        repliers = list(dict.fromkeys(reply.user for reply in self.replies))
        return {
            "thread_ts": self.ts,
            "reply_count": len(self.replies),
            "reply_users": repliers,
            "reply_users_count": len(repliers),
            "latest_reply": self.replies[-1].ts,
        }
