"""Declare a playbook; load the folder of them into a frozen registry."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum
from functools import cache
from itertools import takewhile
from types import MappingProxyType, ModuleType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.domain.errors import CommandRejected, ParamRejected
from bot.domain.run import Missing, Plan
from bot.domain.timeline import storable

Act = TypeVar("Act", bound=Callable[..., Awaitable[Any]])
Ease = TypeVar("Ease", bound=Callable[..., Awaitable[bool]])


class Params(BaseModel):
    """What a playbook is asked to do; usage, help, forms and the command line come from its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Danger(IntEnum):
    """How much a step can hurt what it touches."""

    READ_ONLY = 0
    INTRUSIVE = 1
    MUTATING = 2


class PlaybookRefused(TypeError):
    """A playbook is not declared as it must be; says where and why."""


@dataclass(frozen=True)
class Step:
    """One step: what it is called, what it takes, what it leaves.

    `budget_s`: seconds; the steps of a run share one clock, so a step must end by the sum of the budgets up to it after
    the run's start, and time that an early step leaves is passed on.
    """

    name: str
    title: str
    act: Callable[..., Awaitable[Any]]
    danger: Danger
    budget_s: float | None
    optional: bool

    def hints(self) -> tuple[Mapping[str, Any], Any]:
        """Give the types it takes by argument name (without tools and params), and the type it gives."""
        return _hints(self.act)

    @property
    def may_miss(self) -> bool:
        """Tell whether later steps must be ready for `Missing` instead of its result."""
        return self.optional or self.budget_s is not None


@cache
def _hints(act: Callable[..., Any]) -> tuple[Mapping[str, Any], Any]:
    hints = get_type_hints(act, include_extras=True)
    gives = hints.pop("return", None)
    return {name: hint for name, hint in hints.items() if name not in {"tools", "params"}}, gives


class Playbook:
    """A verb: a name, one line of help, a params model and its steps, in the order they are declared."""

    def __init__(  # noqa: PLR0913 - all that may be left out is said by name
        self,
        name: str,
        summary: str,
        params: type[Params],
        *,
        needs_incident: bool = False,
        approvals: int = 0,
        quiet: bool = False,
        form: str = "",
        break_glass: str = "",
        standing: bool = False,
        freezable: bool = True,
    ) -> None:
        """`form` is the title of its form, which is then also opened when nothing was typed and nothing is needed.

        `break_glass` is the yes/no param by which one person with a `reason` does it alone. `standing`: what FirstFive
        itself asks for is let through by a standing approval. A `freezable` one leaves a frozen service alone.
        """
        self.name = name
        self.summary = summary
        self.params = params
        self.needs_incident = needs_incident
        self.approvals = approvals
        self.quiet = quiet
        self.form = form
        self.break_glass = break_glass
        self.standing = standing
        self.freezable = freezable
        self.eases: Callable[..., Awaitable[bool]] | None = None
        self.steps: list[Step] = []
        self.gates: list[Callable[..., Awaitable[None]]] = []

    def gate(self, act: Act) -> Act:
        """Declare what must hold for a run to begin; it raises why not, and then nothing is on the timeline."""
        self.gates.append(act)
        return act

    def alone(self, act: Ease) -> Ease:
        """Declare when one person is enough: for what only takes back, such as a veto."""
        self.eases = act
        return act

    def step(
        self,
        title: str,
        *,
        danger: Danger = Danger.READ_ONLY,
        budget_s: float | None = None,
        optional: bool = False,
    ) -> Callable[[Act], Act]:
        """Declare the next step; its name is the function's."""

        def declare(act: Act) -> Act:
            self.steps.append(Step(act.__name__, title, act, danger, budget_s, optional))
            return act

        return declare

    @property
    def danger(self) -> Danger:
        """The worst of its steps."""
        return max((step.danger for step in self.steps), default=Danger.READ_ONLY)

    def asks(self, step: Step) -> bool:
        """Tell whether a second person must agree first: to a change; and, with approvals, to what costs a target."""
        return step.danger is Danger.MUTATING or (self.approvals > 0 and step.danger is Danger.INTRUSIVE)

    @property
    def narrated(self) -> bool:
        """Tell whether its run and steps get entries of their own; a single step's entries speak for themselves.

        A `quiet` playbook, run by the clock day and night, leaves only what its steps record.
        """
        return len(self.steps) > 1 and not self.quiet

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of its steps, in order."""
        return tuple(step.name for step in self.steps)

    @property
    def before_changes(self) -> list[Step]:
        """The steps up to the first that approval is asked for."""
        return list(takewhile(lambda step: not self.asks(step), self.steps))

    def deadline_s(self, step: Step) -> float:
        """Seconds until a step with a budget must end: from the run's start, or its approval if that came before it."""
        at, changes = self.steps.index(step), len(self.before_changes)
        return sum(earlier.budget_s or 0.0 for earlier in self.steps[changes if at >= changes else 0 : at + 1])


Registry = Mapping[str, Playbook]


def plan_of(registry: Registry, playbook: str, params: Mapping[str, Any]) -> Plan:
    """Plan a run of a playbook; params are checked against its model.

    :raises CommandRejected: there is no such playbook, or a param is wrong.
    """
    known = registry.get(playbook)
    if known is None:
        raise CommandRejected(f"There is no playbook {playbook!r}. `firstfive playbooks` lists them.")
    try:
        words = {key: storable(value) if isinstance(value, str) else value for key, value in params.items()}
        checked = known.params.model_validate(words)
    except ValidationError as error:
        raise _rejected(known, error) from error
    return Plan(playbook, checked.model_dump(mode="json"), known.step_names)


def _rejected(known: Playbook, error: ValidationError) -> ParamRejected:
    """Say in a line what is wrong with the params of a playbook, and with which."""
    # A word that is not known explains why another one is missing.
    first = min(error.errors(include_url=False), key=lambda flaw: flaw["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"]) or "it"
    if first["type"] == "extra_forbidden":
        names = ", ".join(known.params.model_fields) or "none"
        said = f"{known.name}: {where} is not one of its params ({names})."
    elif first["type"] == "missing":
        said = f"{known.name}: {where} is missing."
    else:
        said = f"{known.name}: {where} is wrong: {first['msg'].removeprefix('Value error, ')}."
    return ParamRejected(said, where)


def load(package: ModuleType) -> Registry:
    """Import every module of a package and freeze their playbooks by name.

    :raises PlaybookRefused: a module without exactly one playbook, a name twice, no steps, a mutating step without
        approvals, a step that takes what no earlier step gives or what two give.
    """
    found: dict[str, Playbook] = {}
    for module in pkgutil.iter_modules(package.__path__):
        playbook = _only_playbook(importlib.import_module(f"{package.__name__}.{module.name}"))
        if playbook.name in found:
            raise PlaybookRefused(f"{package.__name__}.{module.name}: the name {playbook.name!r} is taken")
        check(playbook)
        found[playbook.name] = playbook
    return MappingProxyType(found)


def _only_playbook(module: ModuleType) -> Playbook:
    playbooks = [value for value in vars(module).values() if isinstance(value, Playbook)]
    if len(playbooks) != 1:
        raise PlaybookRefused(f"{module.__name__}: needs exactly one playbook, has {len(playbooks)}")
    return playbooks[0]


def check(playbook: Playbook) -> None:
    """Refuse a playbook whose steps do not fit together (see `load`)."""
    if not playbook.steps:
        raise PlaybookRefused(f"{playbook.name}: has no steps")
    if playbook.danger is Danger.MUTATING and playbook.approvals < 1:
        raise PlaybookRefused(f"{playbook.name}: has a mutating step, so it must declare approvals")
    if playbook.approvals > 1:
        raise PlaybookRefused(f"{playbook.name}: one approval is the most there is, by a second person")
    if playbook.break_glass and not {playbook.break_glass, "reason", "service"} <= set(playbook.params.model_fields):
        raise PlaybookRefused(f"{playbook.name}: who breaks the glass needs its param, a service and a reason")
    if len(set(playbook.step_names)) != len(playbook.steps):
        raise PlaybookRefused(f"{playbook.name}: two steps have one name")
    given: list[tuple[Any, bool]] = []
    for step in playbook.steps:
        takes, gives = step.hints()
        for argument, hint in takes.items():
            _check_argument(f"{playbook.name}.{step.name}", argument, hint, given)
        if gives is None or inspect.iscoroutine(gives):
            raise PlaybookRefused(f"{playbook.name}.{step.name}: needs a return annotation")
        given.append((gives, step.may_miss))


def _check_argument(where: str, argument: str, hint: Any, given: Iterable[tuple[Any, bool]]) -> None:
    wanted = wanted_type(hint)
    fitting = [may_miss for gives, may_miss in given if gives == wanted]
    if len(fitting) != 1:
        how_many = "no earlier step gives" if not fitting else "more than one earlier step gives"
        raise PlaybookRefused(f"{where}: takes {argument}, which {how_many}")
    if fitting[0] and wanted == hint:
        raise PlaybookRefused(f"{where}: {argument} may be Missing; annotate it `| Missing`")


def wanted_type(hint: Any) -> Any:
    """Give the result type an argument asks for: `X` of `X | Missing`."""
    if get_origin(hint) in {Union, UnionType}:
        rest = [part for part in get_args(hint) if part is not Missing]
        if len(rest) == 1:
            return rest[0]
    return hint


def closest(word: str, among: Sequence[str], alike: float = 0.65) -> str:
    """Give the name that was probably meant, or "". `alike`: 0..1, how much of it must be the same."""
    found = get_close_matches(word.lower(), [name.lower() for name in among], n=1, cutoff=alike)
    return next((name for name in among if found and name.lower() == found[0]), "")
