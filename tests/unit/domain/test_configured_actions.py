import pytest

from bot.domain.configured_actions import ActionParam, ConfiguredAction, call, read
from bot.domain.errors import CommandRejected

RESTART = ConfiguredAction(
    "restart",
    "Restart one target.",
    ("systemctl", "restart", "{target}.service", "--jobs={jobs}"),
    params=(
        ActionParam("target", choices=("checkout-1", "checkout-2")),
        ActionParam("jobs", pattern="[0-9]{1,2}", default="1"),
    ),
)
LENIENT = ConfiguredAction("flag", "Switch it.", ("flag", "{name}"), params=(ActionParam("name", pattern=".*"),))


def test_values_take_their_places_and_stay_one_word_each() -> None:
    made = call(RESTART, "checkout", {"target": "checkout-2"}, "r1")

    assert made.command == ("systemctl", "restart", "checkout-2.service", "--jobs=1")
    assert made.words == "systemctl restart checkout-2.service --jobs=1"
    assert made.key == "r1"


@pytest.mark.parametrize("value", ["a b", "$(reboot)", "; reboot", "{other}", "*", "x'y"])
def test_no_shell_will_read_a_value(value: str) -> None:
    assert call(LENIENT, "checkout", {"name": value}, "r1").command == ("flag", value)


@pytest.mark.parametrize("value", ["--force", "-", "a\nb", "a\0b", "x" * 201])
def test_what_reads_as_an_option_or_is_no_text_is_refused_whatever_the_pattern(value: str) -> None:
    with pytest.raises(CommandRejected, match=r"begins with a dash, is too long or no plain text|does not match"):
        call(LENIENT, "checkout", {"name": value}, "r1")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, r"restart needs target=\.\.\. \(checkout-1, checkout-2\)"),
        ({"target": "checkout-9"}, "is not one of checkout-1, checkout-2"),
        ({"target": "checkout-1", "jobs": "many"}, "does not match"),
        ({"target": "checkout-1", "jobs": "1; reboot"}, "does not match"),
        ({"target": "checkout-1", "force": "yes"}, "does not take 'force'; it takes target, jobs"),
    ],
)
def test_wrong_values_are_refused_with_what_would_be_right(given: dict[str, str], reason: str) -> None:
    with pytest.raises(CommandRejected, match=reason):
        call(RESTART, "checkout", given, "r1")


def test_what_an_address_is_told_is_said_in_words() -> None:
    made = call(ConfiguredAction("off", "x", url="http://flags.test/off"), "checkout", {}, "r1")

    assert made.words == "POST http://flags.test/off"


@pytest.mark.parametrize(
    "action",
    [
        ConfiguredAction("off", "Off.", url="http://bot:hunter2hunter2@flags.test/off?token=hunter2hunter2"),
        ConfiguredAction("off", "Off.", command=("curl", "-u", "x", "http://bot:hunter2hunter2@flags.test/off")),
    ],
)
def test_a_secret_of_the_configuration_is_not_shown(action: ConfiguredAction) -> None:
    made = call(action, "checkout", {}, "r1")
    assert "flags.test/off" in made.words
    assert "hunter2" not in made.words


def test_values_are_read_as_words() -> None:
    assert read("target=checkout-1 why='too slow' x=") == {"target": "checkout-1", "why": "too slow", "x": ""}


@pytest.mark.parametrize(
    ("words", "reason"),
    [("now", "not a value"), ("a=1 a=2", "twice"), ("a='", "cannot be read"), ("=1", "not a value")],
)
def test_words_that_are_no_values_are_refused(words: str, reason: str) -> None:
    with pytest.raises(CommandRejected, match=reason):
        read(words)
