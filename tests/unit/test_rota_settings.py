"""The configuration says by what is known who is on call, and by which rota of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.timeline import Person
from bot.settings import ConfigRefused, Settings, read
from bot.wiring import wired_rota
from tests.fakes import FakeDirectory, fake_ports

BEN, CHEN = Person("U2", "Ben"), Person("U3", "Chen")


class Group:
    """Has somebody on call by one handle only."""

    name = "group"

    async def people(self, rota: str) -> tuple[Person, ...]:
        return (CHEN,) if rota == "shop" else (BEN,)


def settings(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "firstfive.toml"
    file.write_text(text)
    return read({"FIRSTFIVE_CONFIG": str(file)})


NAMED = 'on_call = ["@ben"]\n'
GROUPS = """
[rota]
source = "usergroup"
name = "oncall"

[[services]]
name = "checkout"
rota = "shop"

[[services]]
name = "payment"
"""


async def test_a_service_has_a_rota_of_its_own_or_that_of_all(tmp_path: Path) -> None:
    rota = wired_rota(settings(tmp_path, GROUPS), fake_ports(), Group())
    assert (await rota.on_call("checkout")).people == (CHEN,)
    assert (await rota.on_call("payment")).people == (BEN,)
    assert (await rota.on_call("")).people == (BEN,)


@pytest.mark.parametrize("more", ["", GROUPS])
async def test_without_a_source_the_configuration_names_them(tmp_path: Path, more: str) -> None:
    ports = replace(fake_ports(), directory=FakeDirectory({"@ben": BEN}))
    found = await wired_rota(settings(tmp_path, NAMED + more), ports, None).on_call("checkout")
    assert (found.people, found.source) == ((BEN,), "configuration")


async def test_a_mention_that_nobody_knows_stands_as_it_is(tmp_path: Path) -> None:
    found = await wired_rota(settings(tmp_path, NAMED), fake_ports(), None).on_call("")
    assert found.people == (Person("@ben", "@ben"),)


def test_a_source_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"rota\.source"):
        settings(tmp_path, '[rota]\nsource = "calendar"\n')
