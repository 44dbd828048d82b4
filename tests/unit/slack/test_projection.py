import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.projection import NAME, TOPIC, announcement, channel_name, people, topic
from bot.domain.incident import Incident, Role, Severity, Status
from bot.domain.timeline import Person
from tests.fakes import NOON

ADA = Person("U0ADA0001", "ada")


def incident(title: str, service: str = "", **more: object) -> Incident:
    return Incident("INC-7", title, Severity.SEV2, NOON, ADA, service=service, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "service", "name"),
    [
        ("Checkout 5xx after deploy!", "", "inc-7-checkout-5xx-after-deploy"),
        ("5xx after deploy", "checkout", "inc-7-checkout-5xx-after-deploy"),
        ("checkout is down", "checkout", "inc-7-checkout-is-down"),
        ("Café überläuft", "", "inc-7-cafe-uberlauft"),
        ("🔥🔥🔥", "", "inc-7"),
        ("مرحبا", "", "inc-7"),
        ("<!channel> & co", "", "inc-7-channel-co"),
    ],
)
def test_channel_names(title: str, service: str, name: str) -> None:
    assert channel_name(incident(title, service)) == name


def test_a_drill_says_first_that_it_is_one() -> None:
    drill = incident("DRILL: goroutine-leak on checkout", "checkout", drill=True)
    assert channel_name(drill) == "drill-7-goroutine-leak-on-checkout"
    assert channel_name(drill, 2) == "drill-7-goroutine-leak-on-checkout-2"
    assert announcement(drill, Around("http://x")).text.startswith("*DRILL* *SEV2 open*")


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(1, 9))
def test_a_channel_name_is_one_slack_takes(title: str, attempt: int) -> None:
    name = channel_name(incident(title), attempt)
    assert re.fullmatch(r"inc-7(-[a-z0-9]+)*", name)
    assert len(name) <= NAME
    assert attempt == 1 or name.endswith(f"-{attempt}")


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=200))
def test_a_topic_fits(title: str, name: str) -> None:
    text = topic(incident(title, roles={Role.COMMANDER: Person("U1", name)}))
    assert 0 < len(text) <= TOPIC * 5
    assert "<!" not in text


def test_people_are_invited_once_and_only_from_slack() -> None:
    roles = {Role.COMMANDER: ADA, Role.SCRIBE: Person("cli:root", "root")}
    assert people(incident("x", roles=roles)) == [ADA.id]


def test_the_announcement_names_the_channel() -> None:
    message = announcement(incident("down", channel="C0BOX0005"), Around("http://pages"))
    assert message.text == ("*SEV2 open* <http://pages/incidents/INC-7|INC-7> down, commander: nobody yet <#C0BOX0005>")


def test_the_announcement_says_who_is_hit_and_by_when_more_is_heard() -> None:
    def shown(status: Status) -> str:
        return announcement(incident("down", impact="1 in 5", next_update_at=NOON, status=status), Around("p")).text

    assert "down, hit: 1 in 5, commander: nobody yet, next update by <!date^" in shown(Status.MITIGATED)
    assert "next update" not in shown(Status.RESOLVED)
