"""One pass over what Slack shows of an incident: compare with what it should show, call Slack where it differs."""

from collections import Counter
from datetime import timedelta
from functools import partial

from bot.adapters.slack.bisects import BISECT, bisect_message
from bot.adapters.slack.blocks import Message
from bot.adapters.slack.broadcast import Broadcast
from bot.adapters.slack.canvas import LOST, Canvas
from bot.adapters.slack.card import card, turns_at
from bot.adapters.slack.edits import Edits
from bot.adapters.slack.limits import ranked
from bot.adapters.slack.messages import Messages, ts_of
from bot.adapters.slack.posting import Posting
from bot.adapters.slack.posts import INVITE
from bot.adapters.slack.projection import announcement, digest, people, rank_of, topic
from bot.adapters.slack.settling import Settling
from bot.domain.errors import ChatFailed
from bot.domain.timeline import Draft, Kind

CARD_GAP = timedelta(seconds=2)
BISECT_GAP = timedelta(seconds=3)


class Painting:
    """The surfaces of an incident, in the order in which people miss them."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._studio = canvas.studio
        self._chat = canvas.studio.chat
        self._incident = canvas.incident
        self._messages = Messages(canvas.studio.chat, canvas.incident)
        self._edits = Edits(canvas, self._messages)

    async def paint(self) -> float | None:
        """Show what is not shown yet; give the seconds until another pass is wanted, None when nothing is left."""
        canvas, settling = self._canvas, Settling(self._canvas, self._messages)
        if "announcement" not in canvas.shown:
            await self._announce_first()
        if "announcement" not in canvas.waiting:
            await self._paint_channel(settling)
        if not canvas.failed_now:
            canvas.memory.failures = 0
        return canvas.again_s

    async def _paint_channel(self, settling: Settling) -> None:
        posting = Posting(self._canvas, self._messages)
        for act in (
            self._open_channel,
            self._card,
            self._invites,
            self._pin,
            self._topic,
            self._bookmark,
            self._announce,
            posting.post,
            Broadcast(self._canvas, self._messages).tell,
            self._bisects,
        ):
            if not self._canvas.stopped:
                await act()
        await settling.tidy()

    async def _announce_first(self) -> None:
        """Announce it before all else, and before what is lesser of any incident; its channel is added later."""
        with ranked(rank_of(self._incident, first=True)):
            await self._announce()

    async def _open_channel(self) -> None:
        known, incident = self._canvas.shown.get("channel"), self._incident
        if incident.channel and (known is None or known.digest != LOST + incident.channel):
            self._canvas.channel = incident.channel
        elif not self._canvas.is_past:
            await self._canvas.show("channel", incident.id, self._make_channel)

    async def _make_channel(self) -> str:
        canvas, incident = self._canvas, self._incident
        channel, fresh = await self._studio.channels.open(incident, self._is_free)
        canvas.channel, canvas.memory.fresh = str(channel["id"]), fresh or canvas.memory.fresh
        if canvas.channel != incident.channel:
            team = self._chat.team
            body = {"channel": canvas.channel, "name": str(channel["name"]), **({"team": team} if team else {})}
            await canvas.write(
                canvas.entry(Draft(Kind.CHANNEL_OPENED, body)), canvas.surface("channel", canvas.channel, incident.id)
            )
        return canvas.channel

    async def _is_free(self, channel: str) -> bool:
        timeline, team = self._studio.timeline, self._chat.team
        owner = await self._studio.store.read(lambda tx: timeline.incident_of(tx, channel, team))
        return owner in {"", self._incident.id}

    async def _card(self) -> None:
        canvas = self._canvas
        if not canvas.channel:
            return
        now = self._studio.clock.now()
        self._studio.wake(self._incident.id, turns_at(self._incident, now))
        message = card(self._incident, self._studio.around, now)
        await self._edits.show("card", canvas.channel, message, CARD_GAP)

    async def _invites(self) -> None:
        gone = Counter(entry.facts.get("person") for entry in self._canvas.entries if entry.kind == Kind.LEFT)
        for person in people(self._incident):
            if self._canvas.channel and not self._canvas.stopped:
                # Whoever left and takes part again is invited again.
                wanted = f"{self._canvas.channel} {gone[person]}" if gone[person] else self._canvas.channel
                await self._canvas.show(INVITE + person, wanted, partial(self._invite, person))

    async def _invite(self, person: str) -> str:
        fine = {"already_in_channel", "cant_invite_self"}
        await self._call_tolerant(fine, "conversations.invite", channel=self._canvas.channel, users=person)
        return self._canvas.channel

    async def _pin(self) -> None:
        ref = self._canvas.card_ref()
        if ref:
            await self._canvas.show("pin", ref, partial(self._pin_card, ref))

    async def _pin_card(self, ref: str) -> str:
        await self._call_tolerant({"already_pinned"}, "pins.add", channel=self._canvas.channel, timestamp=ts_of(ref))
        return ref

    async def _topic(self) -> None:
        if self._canvas.channel:
            text = topic(self._incident)
            await self._canvas.show("topic", digest([self._canvas.channel, text]), partial(self._set_topic, text))

    async def _set_topic(self, text: str) -> str:
        await self._chat.call("conversations.setTopic", channel=self._canvas.channel, topic=text)
        return self._canvas.channel

    async def _bookmark(self) -> None:
        if self._canvas.channel:
            link = self._studio.around.page(self._incident.id)
            await self._canvas.show("bookmark", digest([self._canvas.channel, link]), partial(self._add_bookmark, link))

    async def _add_bookmark(self, link: str) -> str:
        channel_id = self._canvas.channel
        if self._canvas.may_be_there("bookmark"):
            listed = await self._chat.call("bookmarks.list", channel_id=channel_id)
            ours = [str(bookmark["id"]) for bookmark in listed.get("bookmarks", ()) if bookmark.get("link") == link]
            for doubled in ours[1:]:
                await self._chat.call("bookmarks.remove", channel_id=channel_id, bookmark_id=doubled)
            if ours:
                return ours[0]
        args = {"channel_id": channel_id, "title": f"{self._incident.id} page", "type": "link", "link": link}
        added = await self._chat.call("bookmarks.add", **args)
        return str(added["bookmark"]["id"])

    async def _announce(self) -> None:
        is_new = "announcement" not in self._canvas.shown
        wanted = self._studio.announcements and not self._incident.private
        if wanted and not (is_new and self._canvas.is_past):
            message = announcement(self._incident, self._studio.around)
            draw = partial(self._draw_announcement, message)
            await self._canvas.show("announcement", digest(message.args()), draw, bound=False)

    async def _draw_announcement(self, message: Message) -> str:
        channel = await self._studio.channels.id_of(self._studio.announcements)
        try:
            return await self._edits.draw("announcement", channel, message)
        except ChatFailed as failure:
            if failure.code != "not_in_channel":
                raise
        await self._chat.call("conversations.join", channel=channel)
        return await self._edits.draw("announcement", channel, message)

    async def _bisects(self) -> None:
        canvas = self._canvas
        for each in canvas.incident.bisects:
            key = f"{BISECT}{each.run}"
            if canvas.channel and not canvas.stopped and (key in canvas.shown or not canvas.is_past):
                gap = timedelta(0) if each.is_over else BISECT_GAP
                message = bisect_message(canvas.incident, each, self._studio.around)
                await self._edits.show(key, canvas.channel, message, gap)

    async def _call_tolerant(self, fine: set[str], method: str, **args: str) -> None:
        """Call; an answer that says it is so already is as good as success."""
        try:
            await self._chat.call(method, **args)
        except ChatFailed as failure:
            if failure.code not in fine:
                raise
