"""Does configured actions: a program without a shell, or a POST; what it said is kept short and without secrets."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress

import httpx

from bot.domain.configured_actions import Call, Done
from bot.domain.redaction import redact_bytes

_MOST_BYTES = 65_536
_LAST_WORDS_S = 0.5
_HTTP_OK = range(200, 300)


class Doer:
    """The Doer port. `token` is shown to every address that is told."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    async def do(self, call: Call) -> Done:
        """Do it and wait for its end, no longer than it may take."""
        return await (self._run(call) if call.command else self._tell(call))

    async def _run(self, call: Call) -> Done:
        try:
            process = await asyncio.create_subprocess_exec(
                *call.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(call),
                start_new_session=True,
            )
        except OSError as error:
            return Done(ok=False, how=f"{call.command[0]} cannot be run: {error.strerror}")
        said = bytearray()
        hearing = asyncio.create_task(_hear(process, said))
        try:
            async with asyncio.timeout(call.timeout_s):
                code = await process.wait()
            # What it has started and left running may hold the pipe open for ever.
            await asyncio.wait([hearing], timeout=_LAST_WORDS_S)
        except TimeoutError:
            return Done(ok=False, how=f"killed after {call.timeout_s:g} s", output=redact_bytes(bytes(said)))
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                await process.wait()
            hearing.cancel()
        return Done(ok=code == 0, how=f"exit code {code}", output=redact_bytes(bytes(said)))

    async def _tell(self, call: Call) -> Done:
        headers = {"Idempotency-Key": call.key}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        body = {"action": call.action, "service": call.service, "params": dict(call.values), "key": call.key}
        said = bytearray()
        try:
            async with (
                asyncio.timeout(call.timeout_s),
                httpx.AsyncClient(timeout=call.timeout_s, trust_env=False) as client,
                client.stream("POST", call.url, json=body, headers=headers) as response,
            ):
                async for chunk in response.aiter_bytes():
                    said += chunk[: max(0, _MOST_BYTES - len(said))]
        except (TimeoutError, httpx.TimeoutException):
            return Done(ok=False, how=f"no answer within {call.timeout_s:g} s", output=redact_bytes(bytes(said)))
        except httpx.HTTPError as error:
            return Done(ok=False, how=f"no answer: {str(error) or type(error).__name__}")
        status = response.status_code
        return Done(ok=status in _HTTP_OK, how=f"HTTP {status}", output=redact_bytes(bytes(said)))


async def _hear(process: asyncio.subprocess.Process, said: bytearray) -> None:
    """Keep the beginning of what a program says, and let it say the rest."""
    stdout = process.stdout
    while stdout is not None and (chunk := await stdout.read(_MOST_BYTES)):
        said += chunk[: max(0, _MOST_BYTES - len(said))]


def _environment(call: Call) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "FIRSTFIVE_SERVICE": call.service,
        "FIRSTFIVE_KEY": call.key,
    }
