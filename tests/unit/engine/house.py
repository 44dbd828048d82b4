"""A runner on fakes, with playbooks made on the spot."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.run import Reply, Run, Source
from bot.domain.service import Catalog
from bot.domain.timeline import HOUSE, Entry, Kind, Person
from bot.engine.admission import Admission, Command
from bot.engine.playbook import Params, Playbook
from bot.engine.runner import Runner
from bot.engine.tools import Tools
from bot.ports import Answer
from tests.fakes import FakeDirectory, FakeStore, FakeSurfaces, fake_ports

ANN = Person("U1", "Ann")
Act = Callable[..., Awaitable[Any]]


class Words(Params):
    text: str = ""


@dataclass
class House:
    """A runner on fakes, with playbooks made on the spot."""

    registry: dict[str, Playbook] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    catalog: Catalog = field(default=Catalog())

    def __post_init__(self) -> None:
        self.ports = fake_ports(self.catalog)
        assert isinstance(self.ports.directory, FakeDirectory)
        self.directory = self.ports.directory
        self._ids = (f"r{n}" for n in range(1, 99))
        self.use()

    def use(self, **parts: Any) -> None:
        """Go on with other ports, as after a restart."""
        self.ports = replace(self.ports, **parts)
        self.runner = Runner(self.registry, self.ports)
        self.admission = Admission(self.registry, self.ports, self._ids.__next__)

    def book(self, *steps: Act, name: str = "demo", needs_incident: bool = False, **options: Any) -> Playbook:
        playbook = Playbook(name, "A demo.", Words, needs_incident=needs_incident)
        for step in steps:
            playbook.step(step.__name__.capitalize(), **options)(step)
        self.registry[name] = playbook
        return playbook

    async def admit(self, playbook: str = "demo", **asked: Any) -> str:
        command = Command(playbook, {"text": "hi"}, ANN, asked.pop("source", Source()), **asked)
        return (await self.admission.admit(command)).run_id

    async def execute(self, playbook: str = "demo", **asked: Any) -> Run:
        run_id = await self.admit(playbook, **asked)
        ended = await self.runner.execute(run_id)
        assert ended is not None
        return ended

    async def incident(self, channel: str = "") -> str:
        async def open_(tools: Tools, params: Words) -> Reply:
            await tools.open_incident(title=params.text, severity="SEV2", service="")
            if channel:
                tools.record(Kind.CHANNEL_OPENED, channel=channel, name="x")
            return Reply("open")

        self.book(open_, name="open")
        return (await self.execute("open")).incident_id

    @property
    def state(self) -> Any:
        assert isinstance(self.ports.store, FakeStore)
        return self.ports.store.now

    def chain(self, name: str = HOUSE) -> list[Entry]:
        return self.state.chains.get(name, [])  # type: ignore[no-any-return]

    def told(self, name: str = HOUSE) -> list[str]:
        return [entry.kind for entry in self.chain(name)]

    def answers(self) -> list[Answer]:
        return FakeSurfaces().owed(self.state, 99)


async def say(tools: Tools, params: Words) -> Reply:
    del tools
    return Reply(f"said {params.text}")
