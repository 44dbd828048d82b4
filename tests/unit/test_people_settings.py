"""The configuration names who may do what by id; a name is refused."""

from pathlib import Path

import pytest

from bot.domain.authority import People
from bot.settings import ConfigRefused, Settings, read

SERVICE = '[[services]]\nname = "checkout"\n'


def settings(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "firstfive.toml"
    file.write_text(SERVICE + text)
    return read({"FIRSTFIVE_CONFIG": str(file)})


def test_people_and_groups_are_named_by_id(tmp_path: Path) -> None:
    people = '[services.people]\napprove = ["U0ADA0001", "S0SRE0001"]\nbreak_glass = ["W0BEN0002"]\n'
    [service] = settings(tmp_path, people).catalog().services
    assert service.people == People(("U0ADA0001", "S0SRE0001"), ("W0BEN0002",))


def test_nobody_may_anything_unless_it_is_said(tmp_path: Path) -> None:
    [service] = settings(tmp_path, "").catalog().services
    assert service.people == People()


NAMES = ("@ada", "ada", "<@U0ADA0001>", "sre", "ada@example.com", "u0ada0001", "U1", "cli:ada", "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["approve", "break_glass"])
def test_a_name_is_refused_with_what_to_write_instead(tmp_path: Path, key: str, name: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        settings(tmp_path, f'[services.people]\n{key} = ["U0ADA0001", "{name}"]\n')
    told = f"services[0].people.{key}[1]: {name!r} is no id. Write a person's member id (U012AB3CD)"
    assert told in str(refused.value)
