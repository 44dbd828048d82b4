import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import playbooks
from bot.domain.errors import CommandRejected
from bot.domain.run import Missing
from bot.engine.playbook import Danger, Params, Playbook, PlaybookRefused, check, load, plan_of
from bot.engine.tools import Tools


class Words(Params):
    text: str
    times: int = 1


def book(name: str = "demo", *, approvals: int = 0) -> Playbook:
    return Playbook(name, "A demo.", Words, approvals=approvals)


async def number(tools: Tools, params: Words) -> int:
    raise NotImplementedError(tools, params)


async def another_number(tools: Tools, params: Words) -> int:
    raise NotImplementedError(tools, params)


async def word(tools: Tools, params: Words) -> str:
    raise NotImplementedError(tools, params)


async def takes_number(tools: Tools, params: Words, found: int) -> str:
    raise NotImplementedError(tools, params, found)


async def takes_number_or_missing(tools: Tools, params: Words, found: int | Missing) -> str:
    raise NotImplementedError(tools, params, found)


async def gives_nothing(tools: Tools, params: Words):  # type: ignore[no-untyped-def]  # noqa: ANN201 - that is the case
    raise NotImplementedError(tools, params)


def test_steps_that_fit_together_are_taken() -> None:
    demo = book()
    demo.step("Count")(number)
    demo.step("Say")(takes_number)
    check(demo)
    assert demo.step_names == ("number", "takes_number")
    assert demo.narrated


def test_refuses_a_playbook_without_steps() -> None:
    with pytest.raises(PlaybookRefused, match="no steps"):
        check(book())


def test_refuses_a_step_that_takes_what_none_gives() -> None:
    demo = book()
    demo.step("Say")(takes_number)
    demo.step("Count")(number)
    with pytest.raises(PlaybookRefused, match="takes found, which no earlier step gives"):
        check(demo)


def test_refuses_a_step_that_takes_what_two_give() -> None:
    demo = book()
    for act in (number, another_number, takes_number):
        demo.step("Count")(act)
    with pytest.raises(PlaybookRefused, match="more than one earlier step gives"):
        check(demo)


@pytest.mark.parametrize(("optional", "budget_s"), [(True, None), (False, 5.0)])
def test_what_may_be_missing_must_be_expected(optional: bool, budget_s: float | None) -> None:  # noqa: FBT001 - a case
    demo = book()
    demo.step("Count", optional=optional, budget_s=budget_s)(number)
    demo.step("Say")(takes_number)
    with pytest.raises(PlaybookRefused, match="may be Missing"):
        check(demo)
    patient = book()
    patient.step("Count", optional=optional, budget_s=budget_s)(number)
    patient.step("Say")(takes_number_or_missing)
    check(patient)


def test_refuses_one_step_twice() -> None:
    demo = book()
    demo.step("Say")(word)
    demo.step("Say again")(word)
    with pytest.raises(PlaybookRefused, match="two steps have one name"):
        check(demo)


def test_refuses_a_step_that_does_not_say_what_it_gives() -> None:
    demo = book()
    demo.step("Say")(gives_nothing)
    with pytest.raises(PlaybookRefused, match="return annotation"):
        check(demo)


def test_a_mutating_step_needs_approvals() -> None:
    demo = book()
    demo.step("Break", danger=Danger.MUTATING)(word)
    with pytest.raises(PlaybookRefused, match="approvals"):
        check(demo)
    approved = book(approvals=1)
    approved.step("Break", danger=Danger.MUTATING)(word)
    check(approved)
    assert approved.danger is Danger.MUTATING


def test_a_playbook_is_as_dangerous_as_its_worst_step() -> None:
    demo = book()
    demo.step("Count")(number)
    demo.step("Say", danger=Danger.INTRUSIVE)(word)
    assert demo.danger is Danger.INTRUSIVE
    assert demo.before_changes == demo.steps


def test_what_costs_a_target_waits_for_approval_where_the_playbook_declares_one() -> None:
    demo = book(approvals=1)
    demo.step("Look")(word)
    demo.step("Disturb", danger=Danger.INTRUSIVE)(word)

    assert [step.title for step in demo.before_changes] == ["Look"]
    assert [demo.asks(step) for step in demo.steps] == [False, True]


def test_deadlines_add_up_and_early_time_is_passed_on() -> None:
    demo = book()
    demo.step("Count", budget_s=10)(number)
    demo.step("Between")(another_number)
    demo.step("Say", budget_s=5)(word)
    assert [demo.deadline_s(step) for step in demo.steps] == [10, 10, 15]


GOOD = """
from bot.engine import Params, Playbook, Tools
class Words(Params):
    text: str = ""
playbook = Playbook("{name}", "x", Words)
@playbook.step("Say")
async def say(tools: Tools, params: Words) -> str:
    return params.text
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "written").mkdir()
    (tmp_path / "written" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "written"
    for name in [name for name in sys.modules if name.partition(".")[0] == "written"]:
        del sys.modules[name]


def package() -> ModuleType:
    return __import__("written")


def test_loads_every_file_of_a_folder(folder: Path) -> None:
    (folder / "one.py").write_text(GOOD.format(name="one"))
    (folder / "two.py").write_text(GOOD.format(name="two"))
    registry = load(package())
    assert sorted(registry) == ["one", "two"]
    with pytest.raises(TypeError):
        registry["three"] = registry["one"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"one": GOOD.format(name="x"), "two": GOOD.format(name="x")}, "the name 'x' is taken"),
        ({"one": "x = 1"}, "exactly one playbook, has 0"),
        ({"one": GOOD.format(name="x") + "another = Playbook('y', 'x', Words)"}, "exactly one playbook, has 2"),
    ],
)
def test_refuses_a_folder_with_a_wrong_file(folder: Path, files: dict[str, str], why: str) -> None:
    for name, source in files.items():
        (folder / f"{name}.py").write_text(source)
    with pytest.raises(PlaybookRefused, match=why):
        load(package())


def test_every_shipped_playbook_loads() -> None:
    registry = load(playbooks)
    assert {"start", "sop", "note", "help"} <= set(registry)


def test_plans_name_steps_and_hold_checked_params() -> None:
    demo = book()
    demo.step("Count")(number)
    demo.step("Say")(takes_number)
    plan = plan_of({"demo": demo}, "demo", {"text": "x", "times": "3"})
    assert (plan.steps, plan.params) == (("number", "takes_number"), {"text": "x", "times": 3})
    assert plan_of({"demo": demo}, "demo", {"text": "half \ud800 nul \0"}).params["text"] == "half ? nul \ufffd"


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("nope", {}, "no playbook 'nope'"),
        ("demo", {}, "text is missing"),
        ("demo", {"text": "x", "colour": 1}, "colour is not one of its params"),
        ("demo", {"text": "x", "times": "many"}, "times is wrong"),
    ],
)
def test_wrong_params_are_named(name: str, params: dict[str, object], told: str) -> None:
    with pytest.raises(CommandRejected, match=told):
        plan_of({"demo": book()}, name, params)
