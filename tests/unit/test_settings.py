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
        (
            '[[services]]\nname = "x"\n[[services.targets]]\nname = "a"\npprof = "http://a"\nagent_token = "hunter2"',
            "services[0].targets[0].agent_token: is a secret: write env:NAME, and set NAME in the environment",
        ),
        (
            '[[services]]\nname="x"\n[[services.targets]]\nname="a"\npprof="http://a"\nagent="http://a"\nlog="l"',
            "services[0].targets[0]: `log` is for a file on the bot's machine; the agent has --log",
        ),
        (
            '[[services]]\nname="x"\n[[services.targets]]\nname="a"\npprof="http://a"\nagent="http://a"\nagent_ca="c"',
            "services[0].targets[0]: `agent_ca` and `agent_server_name` are for an agent that begins with https://",
        ),
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


def test_a_target_has_its_agent_and_its_log(tmp_path: Path) -> None:
    text = """
[[services]]
name = "x"
[[services.targets]]
name = "a"
pprof = "http://127.0.0.1:6060"
agent = "http://127.0.0.1:9464/"
[[services.targets]]
name = "b"
pprof = "http://127.0.0.1:6061"
agent_token = "env:SHOP_TOKEN"
log = "/var/log/b.log"
"""
    (service,) = read(written(tmp_path, text)).catalog().services
    first, second = service.targets
    assert (first.service, first.agent, first.agent_token) == ("x", "http://127.0.0.1:9464", "FIRSTFIVE_AGENT_TOKEN")
    assert (second.agent, second.agent_token, second.log) == (None, "SHOP_TOKEN", "/var/log/b.log")


def test_links_lead_to_the_port_that_is_served_unless_an_address_is_given(tmp_path: Path) -> None:
    nothing = written(tmp_path, "")
    assert read(nothing).url == "http://127.0.0.1:8000"
    assert read(nothing | {"PORT": "8123"}).url == "http://127.0.0.1:8123"
    assert read(written(tmp_path, 'url = "https://five.example.com/"')).url == "https://five.example.com"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('lab_switches = "http://127.0.0.1:6064"', "it needs `lab = true`"),
        ('[services.bisect]\ntest = "TestPay"', "it needs `repository`"),
        (
            'repository = "/srv/x"\n[services.bisect]\npackage = "./pay"',
            "a `test` of Go (and its `package`), or a `command`",
        ),
        ('repository = "/srv/x"\n[services.bisect]\ntest = "T"\ncommand = "make"', "one of the two"),
    ],
)
def test_what_needs_something_else_says_so(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        read(written(tmp_path, f'[[services]]\nname = "checkout"\n{lines}\n'))
    assert told in str(refused.value)
