"""Asks a checksum database what modules are, and believes only what its key and its tree prove."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.domain.errors import FirstFiveError
from bot.domain.sumdb import tiles, tree
from bot.domain.sumdb.notes import MAX_NOTE_BYTES, Key, NoteRefused, opened
from bot.domain.sumdb.records import Record, RecordRefused, Sums, lookup_path, merged, read_record
from bot.domain.sumdb.source import Source
from bot.domain.sumdb.tiles import FULL, Tile
from bot.domain.sumdb.tree import Head, Node, ProofRefused

WAIT_S = 20.0
"""For everything that one audit asks."""
AT_ONCE = 16
_GONE = {httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.FORBIDDEN}
_REASON = 120

Module = tuple[str, str]


class Unanswered(FirstFiveError):
    """The database did not answer; says why."""


class Unknown(Unanswered):
    """It answered that it does not have this."""


@dataclass(frozen=True)
class Verified:
    """What a database was proven to say, by `path@version`, in a tree of so many records.

    `unknown` says of which modules it has no record, `unanswered` of which it did not tell; `refused` what it tells
    that cannot be true.
    """

    sums: Sums = field(default_factory=dict)
    size: int = 0
    unknown: Mapping[str, str] = field(default_factory=dict)
    unanswered: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


class SumDatabase:
    """One database. The last head that was proven is kept in a folder, so that a rewritten history is found out."""

    def __init__(self, source: Source, folder: Path, wait_s: float = WAIT_S) -> None:
        self.source = source
        self._latest = folder / source.key.name.replace("/", "_") / "latest"
        self._wait_s = wait_s

    async def verify(self, modules: Sequence[Module]) -> Verified:
        """Look modules (path, version) up and prove what is said of them; never raises for what the other side does."""
        try:
            async with (
                asyncio.timeout(self._wait_s),
                httpx.AsyncClient(trust_env=False, timeout=self._wait_s) as client,
            ):
                return await self._verify(_Asking(client, self.source.url), modules)
        except TimeoutError:
            late = f"it did not tell in {self._wait_s:g} s"
        except Unanswered as error:
            late = str(error)
        return Verified(unanswered={f"{path}@{version}": late for path, version in modules})

    async def _verify(self, asking: "_Asking", modules: Sequence[Module]) -> Verified:
        found = dict(zip(modules, await asyncio.gather(*(_told(asking, *each) for each in modules)), strict=True))
        records = {each: told for each, told in found.items() if isinstance(told, Record)}
        heads, refused = self._heads(records)
        before = self._remembered()
        notes = {**heads, **({before[0]: before[1]} if before else {})}
        try:
            await _prove_growth(asking, sorted(notes, key=lambda head: head.size))
        except ProofRefused as error:
            return Verified(refused=(*refused, str(error)))
        sums: Sums = {}
        lies: list[str] = []
        if heads:
            latest = max(notes, key=lambda head: head.size)
            sums, lies = await _prove_records(asking, latest, records)
            await asyncio.to_thread(self._remember, notes[latest])
        return Verified(
            sums,
            max((head.size for head in heads), default=0),
            {_name(each): str(told) for each, told in found.items() if isinstance(told, Unknown)},
            {
                _name(each): str(told)
                for each, told in found.items()
                if isinstance(told, Unanswered) and not isinstance(told, Unknown)
            },
            (*refused, *(str(told) for told in found.values() if isinstance(told, RecordRefused)), *lies),
        )

    def _heads(self, records: dict[Module, Record]) -> tuple[dict[Head, bytes], tuple[str, ...]]:
        """Give the signed heads that came with records; a record whose head is none is taken out."""
        heads, refused = {}, []
        for each, record in list(records.items()):
            try:
                heads[_head(record.note, self.source.key)] = record.note
            except (NoteRefused, ProofRefused) as error:
                refused.append(f"{_name(each)}: its tree head is refused: {error}")
                del records[each]
        return heads, tuple(refused)

    def _remembered(self) -> tuple[Head, bytes] | None:
        """Give the head that was kept; one that is damaged, or signed by another key, is none."""
        try:
            note = self._latest.read_bytes()
            return _head(note, self.source.key), note
        except (OSError, NoteRefused, ProofRefused):
            return None

    def _remember(self, note: bytes) -> None:
        """Keep a head; a full disk costs the next audit a comparison, and this one nothing."""
        with suppress(OSError):
            self._latest.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._latest.parent, delete=False) as fresh:
                fresh.write(note)
            Path(fresh.name).replace(self._latest)


class _Asking:
    """One audit's conversation: few questions at once, bounded answers, no tile asked for twice."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tiles: dict[Tile, bytes] = {}

    async def get(self, path: str) -> bytes:
        """Ask for a path below the database's address.

        :raises Unanswered: there is no answer to be used.
        """
        try:
            async with self._turns, self._client.stream("GET", f"{self._url}/{path}") as response:
                body = await _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unanswered(f"it does not answer: {str(error)[:_REASON] or type(error).__name__}") from error
        if response.status_code in _GONE:
            raise Unknown(_line(body) or f"it answers {response.status_code}")
        if response.status_code != httpx.codes.OK:
            raise Unanswered(f"it answers {response.status_code}")
        return body

    async def hashes(self, nodes: Iterable[Node], size: int) -> dict[Node, bytes]:
        """Give the hashes of nodes.

        :raises ProofRefused: a tile is malformed.
        """
        wanted = tuple(nodes)
        missing = [tile for tile in tiles.tiles_of(wanted, size) if tile not in self._tiles]
        self._tiles |= dict(zip(missing, await asyncio.gather(*map(self._tile, missing)), strict=True))
        return tiles.hashes(wanted, size, self._tiles)

    async def _tile(self, tile: Tile) -> bytes:
        try:
            return await self.get(tile.path)
        except Unknown:
            if tile.width == FULL:
                raise
        return await self.get(tile.full.path)


async def _told(asking: _Asking, path: str, version: str) -> Record | Unanswered | RecordRefused:
    try:
        return read_record(await asking.get(f"lookup/{lookup_path(path, version)}"))
    except RecordRefused as refused:
        return RecordRefused(f"{path}@{version}: {refused}")
    except Unanswered as error:
        return error


async def _prove_growth(asking: _Asking, heads: Sequence[Head]) -> None:
    """Prove that each head is the one before it grown.

    :raises ProofRefused: one is not.
    """
    for old, new in pairwise(heads):
        steps = tree.consistency_nodes(old.size, new.size) if 0 < old.size < new.size else ()
        known = await asking.hashes((node for step in steps for node in step), new.size)
        tree.check_consistency(old, new, tree.proof(steps, known))


async def _prove_records(asking: _Asking, head: Head, records: Mapping[Module, Record]) -> tuple[Sums, list[str]]:
    """Give what is written of modules in a tree, and what was told of them that is not in it."""
    found, lies = [], []
    steps = {
        each: tree.inclusion_nodes(record.number, head.size) if record.number < head.size else ()
        for each, record in records.items()
    }
    known = await asking.hashes((node for each in steps.values() for step in each for node in step), head.size)
    for each, record in records.items():
        try:
            tree.check_inclusion(tree.record_hash(record.text), record.number, head, tree.proof(steps[each], known))
        except ProofRefused as error:
            lies.append(f"{_name(each)}: {error}")
        else:
            found.append(_own(record.sums, each))
            if not found[-1]:
                lies.append(f"{_name(each)}: it gives the record of another module")
    return merged(found), lies


def _own(sums: Sums, module: Module) -> Sums:
    return {name: hashes for name, hashes in sums.items() if name in {_name(module), f"{_name(module)}/go.mod"}}


def _head(note: bytes, key: Key) -> Head:
    return tree.read_head(opened(note, key, is_signed))


def is_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """Tell whether an Ed25519 signature is good."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        return False
    return True


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_NOTE_BYTES:
            raise Unanswered(f"it answers more than {MAX_NOTE_BYTES} bytes")
    return bytes(body)


def _name(module: Module) -> str:
    return f"{module[0]}@{module[1]}"


def _line(body: bytes) -> str:
    line = next(iter(body.decode("utf-8", "replace").splitlines()), "")
    return "".join(sign for sign in line if sign.isprintable())[:_REASON]
