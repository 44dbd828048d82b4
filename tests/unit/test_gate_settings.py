"""What the table of a deploy gate may hold, and what the doctor says of its keys."""

from pathlib import Path

import pytest

from bot.doctor import Doctor
from bot.domain.checks import State
from bot.domain.gate.policy import Forbidden, GatePolicy, Hold, Identity
from bot.settings import ConfigRefused, Settings, read
from tests.cosigned import Signer

HEAD = '[[services]]\nname = "checkout"\n[services.gate]\n'


def settings(folder: Path, lines: str) -> Settings:
    path = folder / "firstfive.toml"
    path.write_text(HEAD + lines)
    return read({"FIRSTFIVE_CONFIG": str(path)})


def test_a_gate_says_what_a_build_has_to_prove(tmp_path: Path) -> None:
    lines = """
keys = ["release.pub"]
identities = [{issuer = "https://accounts.test", subject = "ci@shop.test"}]
trust_root = "trusted_root.json"
annotations = {environment = "prod"}
forbidden = [{name = "log4j-core", below = "2.17.1", why = "CVE-2021-44228"}]
builders = ["https://builds.test/*"]
max_age_h = 24
hold = "service"
channel = "#releases"
"""
    service = settings(tmp_path, lines).catalog().service("checkout")
    assert service is not None
    assert service.gate == GatePolicy(
        keys=("release.pub",),
        identities=(Identity("https://accounts.test", "ci@shop.test"),),
        trust_root="trusted_root.json",
        marks=(("environment", "prod"),),
        forbidden=(Forbidden("log4j-core", "2.17.1", "CVE-2021-44228"),),
        builders=("https://builds.test/*",),
        max_age_h=24,
        hold=Hold.SERVICE,
        channel="#releases",
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "it needs `keys` or `identities`"),
        ('identities = [{issuer = "https://a", subject = "b"}]', "it needs `trust_root`"),
        ('identities = [{issuer = "a.test", subject = "b"}]\ntrust_root = "r"', "must begin with http:// or https://"),
        ('keys = ["k"]\nforbidden = [{name = "x", below = "latest"}]', "is a version that others can be compared with"),
        ('keys = ["k"]\nsignature = false\nannotations = {a = "b"}', "`signature = false` asks for none"),
        ('keys = ["k"]\nhold = "some"', "gate.hold: Input should be 'any', 'service' or 'none'"),
        ('keys = ["k"]\nkey = "k"', "gate.key is not a key. Did you mean 'keys'?"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        settings(tmp_path, lines)
    assert said in str(refused.value)


@pytest.mark.parametrize("issuer", ["https://accounts.test", "https://acme.auth0.test/"])
def test_an_issuer_is_what_it_calls_itself_with_its_slash(tmp_path: Path, issuer: str) -> None:
    lines = f'identities = [{{issuer = "{issuer}", subject = "ci@shop.test"}}]\ntrust_root = "root.json"'
    gate = settings(tmp_path, lines).catalog().services[0].gate
    assert gate is not None
    assert gate.identities == (Identity(issuer, "ci@shop.test"),)


def test_a_gate_may_ask_for_nothing_but_quiet(tmp_path: Path) -> None:
    assert settings(tmp_path, "signature = false\nsbom = false").catalog().services[0].gate is not None


async def test_the_doctor_says_which_key_cannot_be_read(tmp_path: Path) -> None:
    key = tmp_path / "release.pub"
    doctor = Doctor(settings(tmp_path, f'keys = ["{key}"]'))
    [missing] = await doctor._gates()
    Signer().public(tmp_path)
    [well] = await doctor._gates()
    assert (missing.state, well.state, well.said) == (State.FAIL, State.OK, "checkout")
    assert missing.said == f"checkout: the key {key} cannot be read: No such file or directory; every deploy is denied"
