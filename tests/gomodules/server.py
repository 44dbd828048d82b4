"""A module proxy and a checksum database behind one loopback address, as GOPROXY and GOSUMDB take them."""

import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

from tests.gomodules.log import FULL, Log

INFO = '{{"Version":"{}","Time":"2026-03-01T12:00:00Z"}}'


@dataclass(frozen=True)
class Module:
    """A module as its author wrote it: path, version, files by name (go.mod is added)."""

    path: str
    version: str
    files: Mapping[str, str]

    @property
    def contents(self) -> dict[str, bytes]:
        plain = {"go.mod": f"module {self.path}\n\ngo 1.21\n", **self.files}
        return {f"{self.path}@{self.version}/{name}": text.encode() for name, text in plain.items()}

    @property
    def zip(self) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
            for name, content in self.contents.items():
                out.writestr(zipfile.ZipInfo(name), content)
        return made.getvalue()

    @property
    def sum(self) -> str:
        return h1(self.contents)

    @property
    def mod_sum(self) -> str:
        return h1({"go.mod": self.contents[f"{self.path}@{self.version}/go.mod"]})


def h1(contents: Mapping[str, bytes]) -> str:
    """Hash as `find . -type f | sort | xargs sha256sum | sha256sum` would, which is what Go's hash is."""
    lines = "".join(f"{sha256(contents[name]).hexdigest()}  {name}\n" for name in sorted(contents))
    return f"h1:{b64encode(sha256(lines.encode()).digest()).decode()}"


@dataclass
class Town:
    """What is served. `served` may differ from what was recorded: that is the poison."""

    log: Log
    served: dict[str, Module] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: int = 0
    """A status that everything is answered with, 0 for none."""

    def publish(self, module: Module) -> None:
        """Serve a module and record it."""
        self.served[f"{module.path}@{module.version}"] = module
        self.log.add(module.path, module.version, module.sum, module.mod_sum)

    def answer(self, path: str) -> bytes | None:
        """Give what is at a path."""
        if found := re.fullmatch(r"/lookup/(.+)@(.+)", path):
            return self.log.answer(_plain(found[1]), _plain(found[2]))
        if path == "/latest":
            return self.log.note()
        if found := re.fullmatch(r"/tile/8/(\d+)/((?:x\d{3}/)*\d{3})(?:\.p/(\d+))?", path):
            index = int(found[2].replace("x", "").replace("/", ""))
            return self.log.tile(int(found[1]), index, int(found[3] or FULL))
        if found := re.fullmatch(r"/(.+)/@v/(.+)\.(info|mod|zip)", path):
            return self._file(_plain(found[1]), _plain(found[2]), found[3])
        return None

    def _file(self, path: str, version: str, kind: str) -> bytes | None:
        module = self.served.get(f"{path}@{version}")
        if module is None:
            return None
        if kind == "zip":
            return module.zip
        return INFO.format(version).encode() if kind == "info" else module.contents[f"{path}@{version}/go.mod"]


def _plain(escaped: str) -> str:
    return re.sub("!([a-z])", lambda found: found[1].upper(), escaped)


@contextmanager
def serving(town: Town) -> Iterator[str]:
    """Give the address of a town."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            town.asked.append(self.path)
            body = None if town.broken else town.answer(unquote(self.path))
            self.send_response(town.broken or (404 if body is None else 200))
            content = body or b"not found: no such module\n"
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
