from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack.text import clean, line, mrkdwn, paragraphs, shorten


def test_markdown_becomes_mrkdwn() -> None:
    assert mrkdwn("# Now\n**bold** and `code`\n- one\n* two\n[page](https://x.test/a?b=1&c=2)") == (
        "*Now*\n*bold* and `code`\n• one\n• two\n<https://x.test/a?b=1&amp;c=2|page>"
    )


def test_code_is_left_alone() -> None:
    assert mrkdwn("```\n- **x**\n# y\n```") == "```\n- **x**\n# y\n```"


def test_people_and_channels_stay_links_and_nothing_else_does() -> None:
    given_ = "<@U0ADA0001|ada> <#C0BOX0005> <!channel> <https://evil.test|click>"
    assert mrkdwn(given_) == "<@U0ADA0001> <#C0BOX0005> &lt;!channel&gt; &lt;https://evil.test|click&gt;"


def test_links_of_other_schemes_stay_text() -> None:
    assert mrkdwn("[x](javascript:alert(1))") == "[x](javascript:alert(1))"


def test_a_line_is_one_line_without_tricks() -> None:
    assert line("a\nb\t\u202ec\u0000", 80) == "a b c"
    assert line("x" * 100, 10) == "x" * 9 + "…"


def test_a_line_keeps_its_links() -> None:
    assert line("see **[the board](https://x.test)**", 80) == "see *<https://x.test|the board>*"


def test_joined_emoji_survive() -> None:
    assert clean("👩‍💻 on call") == "👩‍💻 on call"


@settings(deadline=None)
@given(st.text(max_size=2_000), st.integers(50, 400), st.integers(1, 4))
def test_paragraphs_hold_their_limits(text: str, limit: int, most: int) -> None:
    pieces = paragraphs(text, limit, most)
    assert len(pieces) <= most
    assert all(0 < len(piece) <= limit for piece in pieces)


@settings(deadline=None)
@given(st.text(alphabet="a&<> \n", max_size=2_000))
def test_no_entity_is_cut_in_two(text: str) -> None:
    for piece in paragraphs(mrkdwn(text), 100, 5):
        rest = piece.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in rest


@settings(deadline=None)
@given(st.text(max_size=50), st.integers(1, 20))
def test_shortened_text_fits(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
