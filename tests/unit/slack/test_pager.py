from bot.adapters.slack.pager import SlackPager
from bot.domain.timeline import Person
from tests.unit.slack.fake_slack import ADA, AFTER, FakeSlack, HandClock

TEXT = "INC-1 is not mitigated. You are needed. <!channel>"


def said(slack: FakeSlack) -> list[str]:
    return [message["text"] for channel in slack.channels.values() for message in channel["messages"]]


async def test_a_person_is_paged_once_for_a_key() -> None:
    slack = FakeSlack(HandClock())
    assert (await SlackPager(slack).page(ADA, TEXT, "run:1")).ok
    again = await SlackPager(slack).page(ADA, TEXT, "run:1")
    assert again.ok
    assert said(slack) == ["INC-1 is not mitigated. You are needed. &lt;!channel&gt;"]
    await SlackPager(slack).page(ADA, TEXT, "run:2")
    assert len(said(slack)) == 2


async def test_a_lost_answer_does_not_disturb_twice() -> None:
    slack = FakeSlack(HandClock())
    slack.faults = [("chat.postMessage", AFTER)]
    assert (await SlackPager(slack, pause_s=0).page(ADA, TEXT, "run:1")).ok
    assert len(said(slack)) == 1


async def test_who_is_not_there_is_not_reached() -> None:
    slack = FakeSlack(HandClock())
    slack.strangers = {ADA.id}
    reached = await SlackPager(slack).page(ADA, TEXT, "run:1")
    assert (reached.ok, reached.reason) == (False, "Slack answered user_not_found")


async def test_somebody_without_slack_is_not_reached() -> None:
    reached = await SlackPager(FakeSlack(HandClock())).page(Person("@oncall", "oncall"), TEXT, "run:1")
    assert (reached.ok, reached.reason) == (False, "oncall is not in Slack")
