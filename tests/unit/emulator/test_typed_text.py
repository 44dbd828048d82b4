import pytest

from bot.emulator.typed_text import as_sent
from tests.unit.emulator.workspaces import workspace


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("ask @ada", "ask <@U0ADA0001>"),
        ("ask @Ben Lindqvist now", "ask <@U0BEN0002> now"),
        ("mail ada@example.com", "mail ada@example.com"),
        ("see #nowhere", "see #nowhere"),
        ("page @oncall", "page <!subteam^S0BOX0001>"),
        ("already <@U0CHEN003>", "already <@U0CHEN003>"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("@adams", "@adams"),
    ],
)
def test_typed_text_is_escaped_and_resolved(typed: str, sent: str) -> None:
    assert as_sent(typed, workspace()) == sent


def test_commands_carry_the_labels() -> None:
    slack = workspace()
    general = slack.channel("#general")
    assert as_sent("role @ada #general", slack, labels=True) == f"role <@U0ADA0001|ada> <#{general.id}|general>"
