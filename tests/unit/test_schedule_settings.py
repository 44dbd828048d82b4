"""Digests, reminders and edges in the configuration: what is taken, and what is refused in which words."""

from pathlib import Path

import pytest

from bot.domain.service import DigestPlan, Edge, ReminderRules
from bot.settings import ConfigRefused, Settings, read

SERVICE = '[[services]]\nname = "checkout"\n'
DIGEST = '[[digests]]\nteam = "shop"\ncron = "0 9 * * mon-fri"\nchannel = "#shop"\n'


def configured(folder: Path, text: str) -> Settings:
    file = folder / "firstfive.toml"
    file.write_text(text)
    return read({"FIRSTFIVE_CONFIG": str(file)})


def test_everything_can_be_left_out(tmp_path: Path) -> None:
    catalog = configured(tmp_path, SERVICE + DIGEST).catalog()
    assert catalog.digests == (DigestPlan("shop", "0 9 * * mon-fri", "UTC", "#shop", ()),)
    assert catalog.reminders == ReminderRules()
    assert catalog.services[0].edges == ()


def test_everything_can_be_said(tmp_path: Path) -> None:
    edge = '[[services.edges]]\nurl = "https://a.example/x"\nmax_age_s = 60\naddresses = ["2001:DB8::1"]\n'
    digest = DIGEST + 'timezone = "Europe/Berlin"\nservices = ["checkout"]\nstalk = true\ngrace_min = 5\n'
    catalog = configured(tmp_path, f"{SERVICE}{edge}{digest}[reminders]\nat_most = 0\n").catalog()
    assert catalog.digests[0] == DigestPlan(
        "shop", "0 9 * * mon-fri", "Europe/Berlin", "#shop", ("checkout",), stalk=True, grace_min=5
    )
    assert catalog.reminders.at_most == 0
    assert catalog.services[0].edges == (Edge("https://a.example/x", 60.0, "", ("2001:db8::1",)),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (DIGEST.replace("mon-fri", "8"), "digests[0].cron: '0 9 * * 8' is not a cron line: there is no weekday 8"),
        (DIGEST.replace("* * mon-fri", "*"), "digests[0].cron: '0 9 *' has 3 fields; a cron line has five"),
        (DIGEST + 'timezone = "Mars"\n', "digests[0].timezone: 'Mars' is not a time zone"),
        (
            DIGEST + 'services = ["chekout"]\n',
            "digests: the digest of 'shop' names 'chekout', which is no service here",
        ),
        (DIGEST + DIGEST, "digests: the team 'shop' is there twice"),
        (DIGEST + "grace = 5\n", "digests[0].grace is not a key. Did you mean 'grace_min'?"),
        (DIGEST.replace("#shop", ""), "digests[0].channel:"),
        ("[reminders]\nno_update = 5\n", "reminders.no_update is not a key. Did you mean 'no_update_min'?"),
        ("[reminders]\nat_most = -1\n", "reminders.at_most:"),
        (SERVICE + '[[services.edges]]\nurl = "a.example"\n', "services[0].edges[0].url: must begin with http"),
        (SERVICE + '[[services.edges]]\nurl = "http://a"\naddresses = ["a"]\n', "services[0].edges[0].addresses:"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        configured(tmp_path, text)
    assert complaint in str(refused.value)
