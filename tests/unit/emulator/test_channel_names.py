import pytest

from bot.emulator.channels import name_problem


@pytest.mark.parametrize("name", ["inc-0001-checkout", "a", "a_b-c", "x" * 80, "störung-1"])
def test_good_names_pass(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("---", "invalid_name_punctuation"),
        ("Upper", "invalid_name_specials"),
        ("two words", "invalid_name_specials"),
        ("dot.ted", "invalid_name_specials"),
    ],
)
def test_bad_names_get_slacks_word(name: str, word: str) -> None:
    assert name_problem(name) == word
