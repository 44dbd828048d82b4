"""Response urls: answer to one interaction, at most five times within half an hour, without a token."""

from dataclasses import dataclass

from bot.emulator.accepted import accepted_blocks
from bot.emulator.channels import Channel
from bot.emulator.clock import Clock
from bot.emulator.errors import SlackError
from bot.emulator.identifiers import Identifiers, secret
from bot.emulator.messages import Json, Message
from bot.emulator.workspace import Workspace

USES = 5
LIFE_S = 1800.0


@dataclass(slots=True)
class Origin:
    """What the url answers to: a person in a channel, and the message they pressed in, if any."""

    channel: str
    user: str
    message_ts: str
    issued_at: float
    uses: int = 0


class ResponseUrls:
    """Urls that were given out."""

    def __init__(self, workspace: Workspace, ids: Identifiers, clock: Clock, base_url: str, app_id: str) -> None:
        self._workspace = workspace
        self._ids = ids
        self._clock = clock
        self._base_url = base_url
        self._app_id = app_id
        self._issued: dict[str, Origin] = {}

    def issue(self, channel: str, user: str, message_ts: str = "") -> str:
        """Give out a url."""
        key = secret()
        self._issued[key] = Origin(channel, user, message_ts, self._clock.now())
        return f"{self._base_url}/response/{key}"

    def knows(self, key: str) -> bool:
        """Say whether a url was given out here."""
        return key in self._issued

    def use(self, key: str, body: Json) -> None:
        """Do what the app posted to its url, or refuse."""
        origin = self._issued.get(key)
        if origin is None:
            raise SlackError("invalid_url")
        if self._clock.now() - origin.issued_at > LIFE_S:
            raise SlackError("expired_url")
        if origin.uses >= USES:
            raise SlackError("used_url")
        self.answer(origin.channel, origin.user, body, origin.message_ts)
        origin.uses += 1

    def answer(self, channel_id: str, user: str, body: Json, message_ts: str = "") -> None:
        """Show, replace or delete: the same for a url and for the body of an acknowledgement."""
        channel = self._workspace.channels[channel_id]
        original = channel.ephemerals.get(message_ts) or channel.messages.get(message_ts)
        if body.get("delete_original"):
            if original is not None:
                self._workspace.delete(channel, original)
            return
        text = str(body.get("text", ""))
        blocks = accepted_blocks(body.get("blocks"), self._ids)
        if not text and not blocks and not body.get("attachments"):
            raise SlackError("no_text")
        if body.get("replace_original") and original is not None:
            self._workspace.edit(channel, original, self._workspace.bot.id, text=text, blocks=blocks)
            return
        self._post(channel, user, text, blocks, body)

    def _post(self, channel: Channel, user: str, text: str, blocks: list[Json], body: Json) -> Message:
        fields = {
            "blocks": blocks,
            "attachments": body.get("attachments") or [],
            "bot_id": self._workspace.bot.bot_id,
            "app_id": self._app_id,
            "thread_ts": str(body.get("thread_ts") or ""),
        }
        if body.get("response_type") == "in_channel":
            return self._workspace.post(channel, self._workspace.bot.id, text, **fields)
        return self._workspace.show_ephemeral(channel, user, text, **fields)
