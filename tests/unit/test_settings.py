"""A configuration that cannot be used is refused with the key and what it should be."""

from pathlib import Path

import pytest

from bot.settings import ConfigRefused, read


def written(folder: Path, text: str) -> dict[str, str]:
    (folder / "firstfive.toml").write_text(text)
    return {"FIRSTFIVE_CONFIG": str(folder / "firstfive.toml")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('on_cal = ["@ben"]', "on_cal is not a key. Did you mean 'on_call'?"),
        ('[[services]]\nname = "x y"', "services[0].name: is one word of letters, digits, dots and dashes"),
        ('[[services]]\nname = "x"\n[[services]]\nname = "x"', "the service 'x' is there twice"),
        ('[[services]]\nname = "x"\n[[services.targets]]\nname = "a"', "services[0].targets[0].pprof is missing"),
        ('url = "example.com"', "url: must begin with http:// or https://"),
        ('slack_bot_token = "xoxb-1"', "set SLACK_BOT_TOKEN in the environment instead"),
        ("on_call = [", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        read(written(tmp_path, text))
    assert told in str(refused.value)
    assert "firstfive.toml" in str(refused.value)


def test_a_wrong_value_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"PORT \(environment\)"):
        read(written(tmp_path, "") | {"PORT": "many"})


def test_links_lead_to_the_port_that_is_served_unless_an_address_is_given(tmp_path: Path) -> None:
    nothing = written(tmp_path, "")
    assert read(nothing).url == "http://127.0.0.1:8000"
    assert read(nothing | {"PORT": "8123"}).url == "http://127.0.0.1:8123"
    assert read(written(tmp_path, 'url = "https://five.example.com/"')).url == "https://five.example.com"
