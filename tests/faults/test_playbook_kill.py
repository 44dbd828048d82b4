"""kill -9 before, inside and after every step of every playbook, on every engine: the run ends as if nothing was.

Cases are made from the registry: a new playbook has its own as soon as it is there.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import playbooks
from bot.engine.playbook import Params, Playbook, load
from tests.databases import fresh_postgres, fresh_sqlite
from tests.faults.killing.examples import REFUSES, NoExample, example
from tests.faults.killing.history import History, check, read
from tests.faults.killing.log import EVERY_COMMIT, EVERY_EFFECT
from tests.faults.killing.process import DISTRIBUTED, Birth, spoken

SQLITE, POSTGRES = "sqlite", "postgres"
ENGINES = [
    SQLITE,
    pytest.param(POSTGRES, marks=pytest.mark.postgres),
    pytest.param(DISTRIBUTED, marks=pytest.mark.postgres),
]
# As many lives as there are effects, or commits: each kind on each database, and on each engine.
AGAIN_AND_AGAIN = [
    pytest.param(SQLITE, EVERY_EFFECT, id="effects on sqlite"),
    pytest.param(SQLITE, EVERY_COMMIT, id="commits on sqlite"),
    pytest.param(POSTGRES, EVERY_COMMIT, id="commits on postgres", marks=pytest.mark.postgres),
    pytest.param(DISTRIBUTED, EVERY_EFFECT, id="effects on distributed", marks=pytest.mark.postgres),
]
REGISTRY = load(playbooks)
STEPS = [
    pytest.param(name, f"{when} {name}.{step}", id=f"{when} {name}.{step}")
    for name, playbook in REGISTRY.items()
    for step in playbook.step_names
    for when in ("before", "inside", "after")
]
_KILLED = -9
_MOST_LIVES = 200


class Births:
    """Histories, told by processes that one process has given birth to."""

    def __init__(self, mother: "subprocess.Popen[str]", folder: Path) -> None:
        self._mother = mother
        self._folder = folder
        self._without: dict[str, History] = {}

    def without(self, playbook: str) -> History:
        """Give the history in which nobody dies."""
        if playbook not in self._without:
            folder = self._folder / playbook
            folder.mkdir()
            self._without[playbook] = self.tell(Birth(SQLITE, fresh_sqlite(folder), str(folder), playbook))
        return self._without[playbook]

    def compare(self, engine: str, folder: Path, playbook: str, fate: str) -> None:
        """Hold the history with deaths to the one without."""
        with ExitStack() as stack:
            url = fresh_sqlite(folder) if engine == SQLITE else stack.enter_context(fresh_postgres())
            history = self.tell(Birth(engine, url, str(folder), playbook, fate))
        check(history, fate, self.without(playbook))

    def tell(self, birth: Birth) -> History:
        """Let one process live after the other until one is not killed."""
        lives = 1
        while (code := self._live(birth)) == _KILLED and lives < _MOST_LIVES:
            lives += 1
        assert code == 0, f"life {lives} ended with {code}. {(Path(birth.folder) / 'said').read_text()}"
        return read(Path(birth.folder))

    def _live(self, birth: Birth) -> int:
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.write(spoken(birth))
        self._mother.stdin.flush()
        return int(self._mother.stdout.readline())


@pytest.fixture(scope="module")
def births(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Births]:
    program = [sys.executable, "-m", "tests.faults.killing.process"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(program, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mother:
        yield Births(mother, tmp_path_factory.mktemp("without"))


@pytest.mark.matrix(sample=16)
@pytest.mark.parametrize("playbook", REGISTRY)
def test_without_a_death_every_playbook_comes_to_its_end(births: Births, playbook: str) -> None:
    without = births.without(playbook)
    ended = {how for name, how, _ in without.account["runs"].values() if name == playbook}
    assert ended == {"refused" if playbook in REFUSES else "done"}, without.account["runs"]
    check(without, "", without)


def test_a_diagnosis_names_a_fault_and_draws_what_proves_it(births: Births) -> None:
    entries = births.without("diagnose").account["entries"].values()
    (verdict,) = [line for told in entries for line in told if line.startswith("verdict ")]
    assert '"verdict": "goroutine-leak"' in verdict
    assert re.search(r'"picture": "[0-9a-f]{64}"', verdict)


@pytest.mark.matrix(sample=6)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("playbook", "fate"), STEPS)
def test_killed_at_any_step_a_run_ends_as_if_nothing_was(
    births: Births, tmp_path: Path, engine: str, playbook: str, fate: str
) -> None:
    births.compare(engine, tmp_path, playbook, fate)


@pytest.mark.matrix(sample=1)
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("engine", "fate"), AGAIN_AND_AGAIN)
@pytest.mark.parametrize("playbook", REGISTRY)
def test_killed_again_and_again_a_run_still_ends_as_if_nothing_was(
    births: Births, tmp_path: Path, engine: str, playbook: str, fate: str
) -> None:
    births.compare(engine, tmp_path, playbook, fate)


def test_a_playbook_that_nobody_can_ask_for_is_found_out() -> None:
    class Unheard(Params):
        colour: float

    with pytest.raises(NoExample, match="unheard: add an example for field colour"):
        example(Playbook("unheard", "x", Unheard))
