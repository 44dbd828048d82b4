"""A name server on the loopback: it answers what it was given, over UDP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Records = Mapping[tuple[str, str], Sequence[str]]
"""By name and type, as zone files write them; a name that is nowhere is not known."""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, records: Records) -> None:
        self._records = records
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype.name
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if name not in {known for known, _ in self._records}:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif found := self._records.get((name, kind)):
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        assert self._transport is not None
        self._transport.sendto(reply.to_wire(), addr)


class _Silent(asyncio.DatagramProtocol):
    pass


@asynccontextmanager
async def name_server(records: Records | None) -> AsyncIterator[str]:
    """Answer at the address that is given; None: hear everything and say nothing."""
    make: Callable[[], asyncio.DatagramProtocol] = _Silent if records is None else partial(_Server, records)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(make, local_addr=("127.0.0.1", 0))
    try:
        host, port = transport.get_extra_info("sockname")
        yield f"{host}:{port}"
    finally:
        transport.close()
        await asyncio.sleep(0)
