"""Does configured actions: a program without a shell, or a POST; what it said is kept short and without secrets."""

import asyncio

import httpx

from bot.domain.configured_actions import Call, Done
from bot.domain.redaction import redact_bytes
from bot.domain.run import Missing
from bot.processes import bare, run

_MOST_BYTES = 65_536
_HTTP_OK = range(200, 300)


class Doer:
    """The Doer port. `token` is shown to every address that is told."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    async def do(self, call: Call) -> Done:
        """Do it and wait for its end, no longer than it may take."""
        return await (self._run(call) if call.command else self._tell(call))

    async def _run(self, call: Call) -> Done:
        environment = {**bare(), "FIRSTFIVE_SERVICE": call.service, "FIRSTFIVE_KEY": call.key}
        ended = await run(
            call.command, seconds=call.timeout_s, environment=environment, most_bytes=_MOST_BYTES, together=True
        )
        if isinstance(ended, Missing):
            return Done(ok=False, how=ended.reason)
        how = f"killed after {ended.late_s:g} s" if ended.late_s else f"exit code {ended.code}"
        return Done(ok=not ended.why, how=how, output=redact_bytes(ended.out))

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
