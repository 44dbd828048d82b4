import pytest

from bot.emulator.arguments import Arguments
from bot.emulator.errors import SlackError


@pytest.mark.parametrize(("sent", "meant"), [(True, True), ("true", True), ("1", True), (False, False), ("0", False)])
def test_a_flag_means_the_same_in_a_form_and_in_json(sent: object, meant: bool) -> None:  # noqa: FBT001 - a table
    assert Arguments({"force": sent}).flag("force") is meant


def test_a_structure_is_read_from_text_and_as_it_is() -> None:
    assert Arguments({"blocks": "[1]"}).structure("blocks") == Arguments({"blocks": [1]}).structure("blocks") == [1]


def test_a_broken_structure_gets_the_word_of_the_method() -> None:
    with pytest.raises(SlackError, match="invalid_blocks_format"):
        Arguments({"blocks": "{"}).structure("blocks", "invalid_blocks_format")


@pytest.mark.parametrize("sent", ["U1,U2", "U1, U2", ["U1", "U2"]])
def test_lists_come_with_commas_or_as_arrays(sent: object) -> None:
    assert Arguments({"users": sent}).names("users") == ["U1", "U2"]


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(SlackError) as refused:
        Arguments({}).required("channel")
    assert refused.value.body() == {
        "ok": False,
        "error": "invalid_arguments",
        "response_metadata": {"messages": ["[ERROR] missing required field: channel"]},
    }
