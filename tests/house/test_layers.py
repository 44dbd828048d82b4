"""Each contract of the layers breaks when it should: a forbidden import is planted in a copy."""

import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tests.house.tree import PRODUCT, ROOT, python_files

PLANTS = [
    ("corridor", "bot/domain/planted.py", "import bot.engine.playbook"),
    ("corridor", "handlers/planted.py", "import playbooks.status"),
    ("corridor", "bot/adapters/planted.py", "import bot.settings"),
    ("corridor", "bot/engine/planted.py", "import bot.adapters.clock"),
    ("rooms", "bot/planted.py", ""),
    ("adapters", "bot/adapters/planted.py", "import bot.adapters.planted_too"),
    ("playbooks", "playbooks/planted.py", "import playbooks.status"),
    ("facade", "playbooks/planted.py", "import bot.domain.incident"),
    ("outside", "bot/lab/planted.py", "import bot.domain.incident"),
    ("outside", "bot/emulator/planted.py", "import bot.settings"),
    ("emulator", "bot/engine/planted.py", "import bot.emulator"),
    ("lab", "handlers/planted.py", "import bot.lab"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("copy")
    for path in (*python_files(*PRODUCT), Path("pyproject.toml")):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, place / path)
    (place / "bot/adapters/planted_too.py").touch()
    return place


def lint_imports(place: Path, contract: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-P", "-c", program, "--no-logo", "--no-cache", "--contract", contract]
    return subprocess.run(command, cwd=place, capture_output=True, check=False, text=True)


@pytest.mark.parametrize(("contract", "name", "line"), PLANTS)
def test_a_contract_breaks_on_a_planted_import(contract: str, name: str, line: str, copy: Path) -> None:
    planted = copy / name
    planted.write_text(line)
    try:
        broken = lint_imports(copy, contract)
    finally:
        planted.unlink()
    assert broken.returncode == 1
    assert "planted" in broken.stdout


def test_the_outsiders_are_kept_from_every_module() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [outside] = [one for one in contracts if one["id"] == "outside"]
    modules = {f"bot.{path.stem}" for path in (ROOT / "bot").glob("[!_]*") if (path / "__init__.py").exists()}
    modules |= {f"bot.{path.stem}" for path in (ROOT / "bot").glob("[!_]*.py")}
    assert set(outside["forbidden_modules"]) >= modules - set(outside["source_modules"])


def test_no_module_takes_a_name_that_its_package_gives() -> None:
    # Once the module is imported, the package's attribute of its name is the module.
    given = [
        (path.parent, name)
        for path in (ROOT / "bot").rglob("__init__.py")
        for name in getattr(import_module(".".join(path.parent.relative_to(ROOT).parts)), "__all__", ())
    ]
    assert {"running", "Tools"} <= {name for _, name in given}
    assert [name for folder, name in given if (folder / f"{name}.py").exists() or (folder / name).is_dir()] == []
