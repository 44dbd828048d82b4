"""Digests, reminders and edges in the configuration: what is taken, and what is refused in which words."""

from pathlib import Path

import pytest

from bot.domain.service import DigestPlan, DrillPlan, Edge, ReminderRules
from bot.settings import ConfigRefused, Settings, read

SERVICE = '[[services]]\nname = "checkout"\n'
DIGEST = '[[digests]]\nteam = "shop"\ncron = "0 9 * * mon-fri"\nchannel = "#shop"\n'
LAB = f"{SERVICE}lab = true\n"
DRILL = '[[drills]]\nservice = "checkout"\ncron = "0 14 * * wed"\n'


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


def test_a_drill_is_of_a_class_or_blind_on_a_lab(tmp_path: Path) -> None:
    drills = DRILL + 'class = "deadlock"\nsize = "large"\n' + DRILL + "blind = true\ngrace_min = 5\n"
    catalog = configured(tmp_path, f"drill_min = 10\n{SERVICE}lab = true\n{drills}").catalog()
    assert catalog.drills == (
        DrillPlan("checkout", "0 14 * * wed", fault="deadlock", size="large"),
        DrillPlan("checkout", "0 14 * * wed", grace_min=5),
    )
    assert catalog.drill_min == 10


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
        (SERVICE + DRILL + "blind = true\n", "drills: a drill names 'checkout', which is no service with `lab = true`"),
        (LAB + DRILL, "drills[0]: a drill needs a `class`, or `blind = true`"),
        (LAB + DRILL + 'blind = true\nclass = "deadlock"\n', "drills[0]: a drill needs a `class`, or `blind = true`"),
        (LAB + DRILL + 'class = "deadlok"\n', "drills[0].class: Input should be 'tls-chain'"),
        (LAB + 2 * (DRILL + "blind = true\n"), "drills: the blind drill of 'checkout' is there twice"),
        ("drill_min = 0\n", "drill_min:"),
        (SERVICE + '[[services.edges]]\nurl = "a.example"\n', "services[0].edges[0].url: must begin with http"),
        (SERVICE + '[[services.edges]]\nurl = "http://a"\naddresses = ["a"]\n', "services[0].edges[0].addresses:"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        configured(tmp_path, text)
    assert complaint in str(refused.value)
