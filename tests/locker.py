"""Takes one lock of an etcd and keeps it for as long as its lease can be renewed: over HTTP and JSON, with no library.

`python -m tests.locker TTL HOST:PORT ...` says on standard output what becomes of it, one JSON a line. It believes to
hold the lock until TTL seconds after it sent the last renewal that was answered, and not a moment longer.
"""

import base64
import http.client
import itertools
import json
import sys
import time
from typing import Any

KEY = base64.b64encode(b"lock/checkout").decode()
ANSWER_S = 0.5
LOOK_S = 0.05
RENEWALS = 3
"""In the time of a lease: two of them may be lost."""


def ask(address: str, path: str, sent: dict[str, Any]) -> dict[str, Any] | None:
    """Give what a node answers; None where it does not, or not well."""
    connection = http.client.HTTPConnection(address, timeout=ANSWER_S)
    try:
        connection.request("POST", path, json.dumps(sent))
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.readline())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return told if answer.status == http.client.OK else None


class Locker:
    """Goes on to the next node when one does not answer."""

    def __init__(self, ttl_s: int, nodes: list[str]) -> None:
        self._ttl_s = ttl_s
        self._nodes = itertools.cycle(nodes)
        self._node = next(self._nodes)

    def run(self) -> None:
        """Want the lock, keep it, and want it again when it was lost; for ever."""
        while True:
            asked_at = time.monotonic()
            if granted := self._ask("/v3/lease/grant", {"TTL": self._ttl_s}):
                self._want(granted["ID"], asked_at + self._ttl_s)

    def _want(self, lease: str, until: float) -> None:
        """Try to write the key unless it is there, and renew the lease meanwhile and after that."""
        create = {"key": KEY, "result": "EQUAL", "target": "VERSION", "version": "0"}
        put = {"compare": [create], "success": [{"requestPut": {"key": KEY, "value": "", "lease": lease}}]}
        held, renew_at = False, time.monotonic()
        while time.monotonic() < until:
            if not held and (told := self._ask("/v3/kv/txn", put)) and told.get("succeeded"):
                held = True
                self._say("held", until, token=int(told["header"]["revision"]))
            if time.monotonic() >= renew_at:
                sent_at = time.monotonic()
                if (kept := self._ask("/v3/lease/keepalive", {"ID": lease})) and "TTL" in kept.get("result", {}):
                    until, renew_at = sent_at + self._ttl_s, sent_at + self._ttl_s / RENEWALS
                    if held:
                        self._say("renewed", until)
            time.sleep(LOOK_S)
        if held:
            self._say("lost", until)

    def _ask(self, path: str, sent: dict[str, Any]) -> dict[str, Any] | None:
        told = ask(self._node, path, sent)
        if told is None:
            self._node = next(self._nodes)
        return told

    def _say(self, word: str, until: float, **more: int) -> None:
        print(json.dumps({"word": word, "at": time.monotonic(), "until": until, **more}), flush=True)  # noqa: T201 - its whole purpose


if __name__ == "__main__":
    Locker(int(sys.argv[1]), sys.argv[2:]).run()
