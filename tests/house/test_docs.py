"""The docs name what is there: every make target, command, verb, setting, and nothing else."""

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

import playbooks
from bot.engine.grammar import usage
from bot.engine.playbook import load
from tests.house.tree import ROOT

DOCS = ("README.md", "CONTRIBUTING.md", "docs")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def pages() -> list[Path]:
    """Give every page that a reader is sent to."""
    return sorted(page for name in DOCS for page in [ROOT / name, *(ROOT / name).rglob("*.md")] if page.is_file())


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code() -> Iterator[str]:
    """Give what stands in code spans and code blocks, line by line."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for _, block in FENCED.findall(text):
            yield from block.splitlines()
        yield from re.findall(r"`([^`\n]+)`", FENCED.sub("", text))


def named(pattern: str) -> set[str]:
    """Give what the first group of a pattern finds at the start of a piece of code."""
    return {found[1] for line in code() if (found := re.match(pattern, line.strip()))}


def listed(page: str, start: str) -> list[str]:
    """Give the lines of a page's list whose items begin with something."""
    return [line for line in read(page).splitlines() if line.startswith(f"- `{start}")]


def test_links_between_the_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages()
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_make_targets_are_those_of_the_makefile() -> None:
    offered = set(re.findall(r'@echo "make ([a-z-]+)', read("Makefile")))
    assert offered <= set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert named(r"make ([a-z][a-z-]*)") == offered


def test_verbs_are_documented_as_help_shows_them() -> None:
    expected = [f"- `{usage(verb)}`: {verb.summary}" for _, verb in sorted(load(playbooks).items())]
    assert listed("docs/playbooks.md", "/incident ") == expected, "\n".join(expected)


def test_no_page_names_a_verb_that_is_not_there() -> None:
    assert named(r"/incident ([a-z]+(?:-[a-z]+)*)") - set(load(playbooks)) == set()


def test_the_playbook_that_contributors_are_shown_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = [block for language, block in FENCED.findall(read("CONTRIBUTING.md")) if language == "python"]
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "__init__.py").touch()
    (tmp_path / "shown" / "count.py").write_text(shown)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(load(importlib.import_module("shown"))) == ["count"]


def commands() -> dict[str, str]:
    """Give each command of `firstfive`, with the first line of its help."""
    app = importlib.import_module("bot.cli").app
    found: dict[str, str] = {}
    for command in app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")
        found[name] = (inspect.getdoc(command.callback) or "").splitlines()[0]
    return found


def test_commands_are_documented_as_help_shows_them() -> None:
    expected = [f"- `firstfive {name}`: {help_}" for name, help_ in sorted(commands().items())]
    assert listed("docs/install.md", "firstfive ") == expected, "\n".join(expected)
    assert named(r"(?:\S*/)?firstfive ([a-z-]+)") - set(commands()) == set()


def settings_rows(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Give each key that the file may have, and its default as TOML would write it."""
    for field, info in model.model_fields.items():
        key = info.alias or field
        tables = [part for part in get_args(info.annotation) if is_table(part)]
        kinds = {table: get_args(table.model_fields["kind"].annotation) for table in tables if len(tables) > 1}
        if kinds:
            yield f"{above}{key}.kind", "required"
            for table, (kind,) in kinds.items():
                rows = settings_rows(table, f"{above}{key}({kind}).")
                yield from (row for row in rows if not row[0].endswith(").kind"))
        elif tables:
            several = "[]" if get_origin(info.annotation) is tuple else ""
            yield from settings_rows(tables[0], f"{above}{key}{several}.")
        elif isinstance(info.annotation, type) and is_table(info.annotation):
            yield from settings_rows(info.annotation, f"{above}{key}.")
        else:
            yield f"{above}{key}", "required" if info.is_required() else f"`{as_toml(info.default)}`"


def is_table(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def as_toml(value: Any) -> str:
    return "none" if value is None else json.dumps(list(value) if isinstance(value, tuple) else value)


def table_rows(page: str) -> Iterator[list[str]]:
    for line in read(page).splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_settings_are_documented_with_their_defaults() -> None:
    settings = importlib.import_module("bot.settings")
    rows = dict(settings_rows(settings.Settings))
    expected = {key: default for key, default in rows.items() if key not in settings.SECRETS}
    found = {
        cells[0].strip("`"): cells[1] for cells in table_rows("docs/configuration.md") if not cells[0][1].isupper()
    }
    assert found == expected


def test_scopes_are_documented_with_what_they_are_for() -> None:
    scopes = importlib.import_module("bot.adapters.slack.manifest").SCOPES
    expected = [[f"`{name}`", why] for name, why in scopes.items()]
    found = [[cell.rstrip(" |") for cell in cells] for cells in table_rows("docs/slack.md")]
    assert found == expected, "\n".join(f"| {name} | {why} |" for name, why in expected)


def test_environment_variables_are_documented() -> None:
    expected = {"FIRSTFIVE_CONFIG", *importlib.import_module("bot.settings").FROM_ENVIRONMENT.values()}
    found = {cells[0].strip("`") for cells in table_rows("docs/configuration.md") if cells[0][1].isupper()}
    assert found == expected


def test_the_configurations_shown_are_accepted(tmp_path: Path) -> None:
    blocks = [block for page in pages() for language, block in FENCED.findall(page.read_text()) if language == "toml"]
    assert blocks
    file = tmp_path / "firstfive.toml"
    for block in blocks:
        file.write_text(block, encoding="utf-8")
        assert importlib.import_module("bot.settings").read({"FIRSTFIVE_CONFIG": str(file)}).services


def test_operations_and_problems_of_the_api_are_documented() -> None:
    application = importlib.import_module("handlers.api.application")
    problems = importlib.import_module("handlers.api.problems")
    house = importlib.import_module("tests.unit.web.story").ports_with()
    paths = application.application(None, house, {}).openapi()["paths"]
    operations = {f"{method.upper()} {application.AT}{path}" for path, item in paths.items() for method in item}
    documented = {cells[0].strip("`") for cells in table_rows("docs/api.md")}
    assert documented == operations | {trouble.type for trouble in problems.Trouble}
