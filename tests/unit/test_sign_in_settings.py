"""What signing in takes is checked at the start; what is missing is named."""

from pathlib import Path

import pytest

from bot.settings import ConfigRefused, Settings, read
from bot.settings.sign_in import SignInTable

SLACK = {"SLACK_CLIENT_ID": "1.1", "SLACK_CLIENT_SECRET": "s"}
OTHER = {"SIGN_IN_CLIENT_SECRET": "s"}
HOST = 'url = "https://firstfive.example.com/"\n'
BY_SLACK = '[sign_in]\nby = "slack"\n'
BY_OTHER = '[sign_in]\nby = "https://login.example.com/"\nclient_id = "c"\ndomains = ["example.com"]\n'


def settings(tmp_path: Path, text: str, environment: dict[str, str]) -> Settings:
    file = tmp_path / "firstfive.toml"
    file.write_text(text)
    return read({"FIRSTFIVE_CONFIG": str(file), **environment})


@pytest.mark.parametrize(
    ("text", "environment", "table"),
    [
        (HOST, {}, SignInTable()),
        (HOST + BY_SLACK, SLACK, SignInTable(by="slack")),
        ('url = "http://localhost:8000"\n' + BY_SLACK, SLACK, SignInTable(by="slack")),
        (BY_SLACK, SLACK, SignInTable(by="slack")),
        (HOST + BY_OTHER, OTHER, SignInTable(by="https://login.example.com", client_id="c", domains=("example.com",))),
    ],
)
def test_what_is_whole_is_taken(tmp_path: Path, text: str, environment: dict[str, str], table: SignInTable) -> None:
    assert settings(tmp_path, text, environment).sign_in == table


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        (HOST + BY_SLACK, {}, "SLACK_CLIENT_ID, SLACK_CLIENT_SECRET"),
        (HOST + BY_SLACK, {"SLACK_CLIENT_ID": "1.1"}, "SLACK_CLIENT_ID, SLACK_CLIENT_SECRET"),
        (HOST + BY_OTHER, SLACK, "SIGN_IN_CLIENT_SECRET"),
        ('url = "http://firstfive.example.com"\n' + BY_SLACK, SLACK, "reach FirstFive by https"),
        (HOST + BY_SLACK + 'domains = ["example.com"]\n', SLACK, "are of a provider other than Slack"),
        (HOST + '[sign_in]\nby = "https://login.example.com"\n', OTHER, "takes `client_id`, and `domains`"),
        (HOST + '[sign_in]\nby = "http://login.example.com"\n', OTHER, "begins with https://"),
        (HOST + '[sign_in]\nby = "google"\n', OTHER, "begins with https://"),
        (HOST + BY_OTHER.replace("example.com", "@example"), OTHER, "sign_in"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, text: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigRefused, match="sign_in") as refused:
        settings(tmp_path, text, environment)
    assert said in str(refused.value)
