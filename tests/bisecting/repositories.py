"""A small repository, commit by commit."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

GO_MOD = "module example.com/m\n\ngo 1.21\n"


@dataclass(frozen=True)
class Small:
    """A repository with files in it; paths lead from its root."""

    folder: Path

    @classmethod
    def new(cls, folder: Path) -> "Small":
        folder.mkdir(parents=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    def commit(self, files: dict[str, str | None], message: str = "Change it") -> str:
        """Write files, or take them away, and commit everything; give the commit."""
        for path in [path for path, content in files.items() if content is None]:
            self.git("rm", "--quiet", "--", path)
        for path, content in files.items():
            if content is not None:
                place = self.folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(content, encoding="utf-8")
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str, given: bytes = b"") -> str:
        person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.folder), *person, *words]
        return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def go_test(body: str, imports: tuple[str, ...] = (), name: str = "TestIt", package: str = "m") -> str:
    """Write a test file with one test."""
    needs = "".join(f'import "{path}"\n' for path in ("testing", *imports))
    return f"package {package}\n\n{needs}\nfunc {name}(t *testing.T) {{\n{body}\n}}\n"
