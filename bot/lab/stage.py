"""The stage: the lab's targets as processes that an act may end, or start again as something else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bot.lab import illness
from bot.lab.processes import Child
from bot.lab.releases import Releases
from bot.lab.supervisor import Supervisor


@dataclass(frozen=True)
class Role:
    """A target of the lab: the program that it runs, and where it answers operators (`admin`) and users (`url`).

    `https` is where it serves users over TLS, by the name `server_name`; who trusts `ca` (a file) trusts it.
    `binary` is where its program is deployed to: a link to it. `environment`: its own variables, beside those of ours.
    """

    name: str
    program: Path
    admin: str
    url: str
    https: str
    ca: str
    server_name: str
    binary: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        """What starts it where it answers."""
        admin, users, secure = (urlsplit(url).netloc for url in (self.admin, self.url, self.https))
        words = ["-admin", admin, "-listen", users, "-secure", secure, "-ca", self.ca]
        return [self.binary, *words, "-name", self.name, "-follow-stdin"]


@dataclass
class Stage:
    """What an act may use: programs, targets and more processes by name, and a folder of its own.

    `star` is the target that acts are for. `router` is where the router answers its operators, "" without one. `pods`
    are the targets that are supervised. `illnesses` are faults that targets have from their start: who is started
    again has it still, unless it was switched off before.
    """

    releases: Releases
    logs: Path
    folder: Path
    star: str
    router: str = ""
    roles: dict[str, Role] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    pods: dict[str, Supervisor] = field(default_factory=dict)
    illnesses: dict[str, str] = field(default_factory=dict)

    def play(self, name: str, command: list[str], environment: Mapping[str, str] | None = None) -> Child:
        """Start a process; one of the same name ends first.

        :raises OSError: there is no such program here, or none that this machine can run.
        """
        self.end(name)
        self.children[name] = child = Child(name, command, self.logs / f"{name}.log", environment)
        return child

    def play_target(
        self,
        name: str,
        program: Path,
        ports: tuple[int, int],
        environment: Mapping[str, str] | None = None,
        secure: int = 0,
    ) -> Role:
        """Deploy a target (ports of operators and users, `secure`: users over TLS), and wait until it says where it is.

        :raises TargetFailed: it did not start.
        :raises OSError: there is no such program here, or none that this machine can run.
        """
        admin, url, https = (f"http://127.0.0.1:{port}" for port in (*ports, secure))
        binary = self._deploy(name, program)
        wanted = Role(name, program, admin, url, https, str(self.folder / f"{name}-ca.pem"), "", binary)
        told = self.play(name, wanted.command, environment).announcement()
        self.roles[name] = role = Role(program=program, binary=binary, environment=environment or {}, **told)
        return role

    def _deploy(self, name: str, program: Path) -> str:
        """Let the link that a target is started by lead to a program."""
        binary = self.folder / "deployed" / name / "checkout"
        binary.parent.mkdir(parents=True, exist_ok=True)
        binary.unlink(missing_ok=True)
        binary.symlink_to(program)
        return str(binary)

    def recast(self, name: str, program: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Start a target again where it answered, as another program or in another environment; or as it was."""
        role = self.roles[name]
        self._deploy(name, program or role.program)
        self.play(name, role.command, {**role.environment, **(environment or {})}).announcement()
        if name in self.illnesses:
            illness.turn_on(role.admin, self.illnesses[name])

    def end(self, name: str) -> None:
        """End a process if it runs; that is no accident, and nobody is told."""
        if (child := self.children.pop(name, None)) is None:
            return
        if name in self.illnesses and illness.is_on(self.roles[name].admin, self.illnesses[name]) is False:
            del self.illnesses[name]
        child.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for name in list(self.children):
            self.end(name)
