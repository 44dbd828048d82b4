from collections.abc import Mapping
from typing import Any

from bot.adapters.slack.chat import Chat, Json
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.directory import SlackDirectory
from bot.domain.errors import ChatFailed
from bot.domain.run import Missing
from bot.domain.timeline import Person
from tests.unit.slack.fake_slack import HandClock

USERS: dict[str, Json] = {
    "U0ADA0001": {"id": "U0ADA0001", "name": "ada", "profile": {"display_name": "", "real_name": "Ada Okafor"}},
    "U0BEN0002": {"id": "U0BEN0002", "name": "ben", "profile": {"display_name": "Benny", "real_name": ""}},
    "U0GONE003": {"id": "U0GONE003", "name": "gone", "deleted": True},
    "U0GUEST05": {"id": "U0GUEST05", "name": "guest", "is_restricted": True},
    "U0GUEST06": {"id": "U0GUEST06", "name": "guest", "is_restricted": True, "is_ultra_restricted": True},
    "U0OTHER07": {"id": "U0OTHER07", "name": "other", "is_stranger": True},
    "U0CI00004": {"id": "U0CI00004", "name": "ci", "is_bot": True},
}
MAILS = {
    "ada@example.com": USERS["U0ADA0001"],
    "gone@example.com": USERS["U0GONE003"],
    "ci@example.com": {"id": "U0CI00004", "name": "ci", "is_bot": True},
}
ADA, BEN = Person("U0ADA0001", "Ada Okafor"), Person("U0BEN0002", "Benny")


class People(Chat):
    def __init__(self, clock: HandClock) -> None:
        super().__init__(SlackConfig("xoxb-test", "secret"), clock)
        self.asked = 0
        self.down = False
        self.refusal = "users_not_found"
        self.users: dict[str, Json] = dict(USERS)

    async def _call(self, method: str, args: Mapping[str, Any], timeout_s: float, patience_s: float) -> Json:
        assert timeout_s < 10
        assert patience_s == 0
        self.asked += 1
        if self.down:
            raise ChatFailed("unreachable", retryable=True)
        if method == "users.lookupByEmail":
            if args["email"] not in MAILS:
                raise ChatFailed(self.refusal)
            return {"user": MAILS[args["email"]]}
        if method == "users.list":
            return {"members": list(self.users.values())}
        if args["user"] not in self.users:
            raise ChatFailed("user_not_found")
        return {"user": self.users[args["user"]]}


async def test_people_are_found_however_they_are_written() -> None:
    directory = SlackDirectory(People(HandClock()), HandClock())
    assert await directory.find("<@U0ADA0001|ada>") == ADA
    assert await directory.find("<@U0ADA0001>") == ADA
    assert await directory.find("U0BEN0002") == BEN
    assert await directory.find("@ben") == BEN
    assert await directory.find("benny") == BEN
    assert await directory.find("Ada Okafor") == ADA


async def test_nobody_is_nobody() -> None:
    directory = SlackDirectory(People(HandClock()), HandClock())
    assert await directory.find("<@U0NOBODY9>") is None
    assert await directory.find("@nobody") is None
    assert await directory.find("@gone") is None
    assert await directory.find("<@U0GONE003>") is None


async def test_who_has_an_e_mail_is_found_or_it_is_said_why_not() -> None:
    chat = People(HandClock())
    directory = SlackDirectory(chat, HandClock())
    assert await directory.with_mail("ada@example.com") == ADA
    reasons = {
        "nobody@example.com": "nobody in this workspace has the e-mail nobody@example.com",
        "gone@example.com": "the account with the e-mail gone@example.com is deactivated",
        "ci@example.com": "ci@example.com is the e-mail of a bot",
    }
    for mail, reason in reasons.items():
        assert await directory.with_mail(mail) == Missing(reason)
    chat.refusal = "missing_scope"
    assert "slack-manifest.yml" in str(await directory.with_mail("nobody@example.com"))
    chat.down = True
    down = Missing("Slack does not tell now who has the e-mail ada@example.com; try again")
    assert await directory.with_mail("ada@example.com") == down


async def test_while_slack_is_down_a_mention_is_believed() -> None:
    chat = People(HandClock())
    chat.down = True
    directory = SlackDirectory(chat, HandClock())
    assert await directory.find("<@U0ADA0001|ada>") == Person("U0ADA0001", "ada")
    assert await directory.find("@ada") == Person("@ada", "ada")
    chat.down = False
    assert await directory.find("@ada") == ADA


async def test_a_name_is_asked_for_once_in_a_while() -> None:
    clock = HandClock()
    chat = People(clock)
    directory = SlackDirectory(chat, clock)
    await directory.find("@ada")
    await directory.find("@ada")
    assert chat.asked == 1
    clock.advance(601)
    await directory.find("@ada")
    assert chat.asked == 2


async def test_whoever_asks_is_called_by_the_name_that_people_know() -> None:
    chat = People(HandClock())
    directory = SlackDirectory(chat, HandClock())
    assert await directory.named(Person("U0ADA0001", "ada")) == ADA
    assert await directory.named(Person("U0GONE003", "gone")) == Person("U0GONE003", "gone")
    assert await directory.named(Person("cli:root", "root")) == Person("cli:root", "root")
    await directory.find("<@U0ADA0001>")
    assert chat.asked == 2


async def test_while_slack_is_down_nobody_waits_for_a_name_twice() -> None:
    clock = HandClock()
    chat = People(clock)
    chat.down = True
    directory = SlackDirectory(chat, clock)
    assert await directory.named(Person("U0ADA0001", "ada")) == Person("U0ADA0001", "ada")
    assert await directory.named(Person("U0BEN0002", "ben")) == Person("U0BEN0002", "ben")
    assert chat.asked == 1
    clock.advance(31)
    chat.down = False
    assert await directory.named(Person("U0ADA0001", "ada")) == ADA


async def test_who_is_a_full_member_is_told_anew_each_time() -> None:
    people = People(HandClock())
    directory = SlackDirectory(people, HandClock())
    assert [await directory.member(ADA.id), await directory.member(ADA.id)] == [ADA, ADA]
    assert people.asked == 2
    reasons = {"U0GONE003": "deactivated", "U0GUEST05": "guest", "U0GUEST06": "guest", "U0OTHER07": "guest"}
    reasons |= {"U0CI00004": "bot", "U0NOBODY9": "does not know you"}
    for user, reason in reasons.items():
        found = await directory.member(user)
        assert isinstance(found, Missing)
        assert reason in found.reason
    people.down = True
    assert await directory.member(ADA.id) is None
