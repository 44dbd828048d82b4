"""The lab's own switches, over HTTP on loopback, asked as those of a target: GET and POST below /debug/faults."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread, Timer
from types import TracebackType
from typing import Any, Self

from bot.lab import cluster
from bot.lab.acts import Act
from bot.lab.errors import LabError
from bot.lab.stage import Stage
from bot.lab.terminal import progress

SIZES = {"small": "small", "": "medium", "medium": "medium", "large": "large"}
ON_S, LONGEST_S = 3_600, 86_400
"""How long an act is on if nobody says how long, and at most: whoever switched it on may never come back."""
_AGAIN_S = 60
_LONGEST = 1024
_USAGE = (
    'send {"on": true} or {"on": false}, and with true, if you like, "size": "small", "medium" or "large", '
    f'and "for_s": 1 to {LONGEST_S} seconds'
)


class Switchboard:
    """Acts that are on or off; what is on when it is closed ends then."""

    def __init__(self, acts: Sequence[Act], stage: Stage, port: int = 0) -> None:
        """`port`: of loopback; 0 is any free one.

        :raises OSError: the port is in use.
        """
        self._acts = {act.name: act for act in acts}
        self._stage = stage
        self._on: dict[str, Callable[[], None]] = {}
        self._ends: dict[str, Timer] = {}
        self._turning = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, self))
        self._serving = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def pods(self) -> tuple[cluster.Told, ...]:
        """What a cluster would tell of."""
        return tuple(cluster.pods(self._stage))

    def list(self) -> list[dict[str, Any]]:
        """Give every switch as it is."""
        return [
            {"name": act.name, "title": act.title, "class": act.fault, "on": act.name in self._on}
            for act in self._acts.values()
        ]

    def turn(self, name: str, size: str | None, for_s: float = ON_S) -> bool:
        """Switch an act on at a size, or off without one; False when there is none of this name.

        On again, nothing changes but its end.

        :raises LabError, OSError: it could not be done; it is as it was.
        """
        with self._turning:
            if name not in self._acts:
                return False
            if size is None:
                self._end(name)
                return True
            if name not in self._on:
                self._on[name] = self._acts[name].begin(self._stage, size)
            self._end_after(name, for_s)
            return True

    def _end(self, name: str) -> None:
        if name in self._on:
            self._on[name]()
            del self._on[name]
            self._ends.pop(name).cancel()

    def _end_after(self, name: str, for_s: float) -> None:
        """Give what is on its end, in the place of an earlier one."""
        if name in self._ends:
            self._ends[name].cancel()
        self._ends[name] = end = Timer(for_s, lambda: self._end_left(name, end))
        end.daemon = True
        end.start()

    def _end_left(self, name: str, end: Timer) -> None:
        """End what nobody has switched since; what cannot be ended now is tried again."""
        with self._turning:
            if self._ends.get(name) is not end:
                return
            progress(f"nobody switched {name} off in time: it ends now")
            try:
                self._end(name)
            except (LabError, OSError) as error:
                progress(f"{name} could not be ended: {error}")
                self._end_after(name, _AGAIN_S)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        for name in list(self._on):
            with suppress(LabError, OSError):
                self.turn(name, None)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    def __init__(self, board: Switchboard, *connection: Any) -> None:
        self._board = board
        super().__init__(*connection)

    def do_GET(self) -> None:
        if self.path == "/debug/faults":
            self._say(HTTPStatus.OK, self._board.list())
        elif (told := cluster.answer(self.path, self._board.pods)) is not None:
            self._say(HTTPStatus.OK, told)
        else:
            self._say(HTTPStatus.NOT_FOUND, {"error": "GET /debug/faults lists what there is"})

    def do_POST(self) -> None:
        try:
            size, for_s = self._wanted()
        except (ValueError, KeyError, TypeError):
            return self._say(HTTPStatus.BAD_REQUEST, {"error": _USAGE})
        name = self.path.removeprefix("/debug/faults/")
        try:
            known = self._board.turn(name, size, for_s)
        except (LabError, OSError) as error:
            return self._say(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)})
        if not known:
            return self._say(HTTPStatus.NOT_FOUND, {"error": "no such fault; GET /debug/faults lists them"})
        return self._say(HTTPStatus.OK, next(one for one in self._board.list() if one["name"] == name))

    def _wanted(self) -> tuple[str | None, int]:
        """Read the size, None for off, and for how long."""
        wanted = json.loads(self.rfile.read(min(int(self.headers["Content-Length"]), _LONGEST)))
        is_on, for_s = wanted["on"], wanted.get("for_s", ON_S)
        if not isinstance(is_on, bool) or type(for_s) is not int or not 1 <= for_s <= LONGEST_S:
            raise TypeError
        return SIZES[wanted.get("size") or ""] if is_on else None, for_s

    def _say(self, status: HTTPStatus, told: object) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal of each request."""
