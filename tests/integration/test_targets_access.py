"""Real pprof addresses behind a token or client certificates: what is shown, what is said when it is not enough."""

import asyncio
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bot.adapters.targets import HttpTargets
from bot.domain.access import Access, Tls
from bot.domain.profile import decode, inflate
from bot.domain.service import Target
from bot.domain.snapshot import CHEAP_PARTS, DUMP, GOROUTINE, HEAP, Captured, PartStatus
from tests.unit.adapters.hostile import Answer, serving, whole
from tests.unit.domain.captures import IDLE, goroutines, heap
from tests.unit.domain.go_profiles import GOROUTINE as GOROUTINE_TYPES
from tests.unit.domain.go_profiles import main_frame, profile

TOKEN = "Bearer q7w8e9-r0t1y2u3i4"
SECRET = "q7w8e9-r0t1y2u3i4"
HEAP_BYTES = heap(((main_frame("cache"),), 5))
GOOD: Mapping[str, Answer] = {
    "/debug/pprof/goroutine": whole(goroutines(*IDLE)),
    "/debug/pprof/heap": whole(HEAP_BYTES),
}
HEADERS = Access((("Authorization", "CHECKOUT_PPROF_TOKEN"),))


@dataclass(frozen=True)
class Authority:
    """Signs certificates into a folder: files that hold certificate and key."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> str:
        path = self.folder / f"{self.name}.ca.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def issue(self, common: str, *, days: float = 1, password: bytes = b"") -> tuple[str, str]:
        """Give the files of a certificate and of its key; `days` below 0: it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _signed(common, key, self.name, self.key, days).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(common)]), critical=False
        )
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = made.add_extension(uses, critical=False).sign(self.key, hashes.SHA256())
        stem = self.folder / f"{self.name}-{common}-{days}{len(password)}"
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        stem.with_suffix(".pem").write_bytes(certificate.public_bytes(pem))
        stem.with_suffix(".key").write_bytes(key.private_bytes(pem, pkcs8, locked))
        return str(stem.with_suffix(".pem")), str(stem.with_suffix(".key"))


def _signed(
    common: str, key: ec.EllipticCurvePrivateKey, by: str, by_key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    ends = datetime.now(UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(_name(by), _name(common), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(ends - timedelta(days=30)).not_valid_after(ends)
    return builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def authority(folder: Path, name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    made = _signed(name, key, name, key, 10).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return Authority(folder, name, key, made.add_extension(usage, critical=True).sign(key, hashes.SHA256()))


class Profiles(BaseHTTPRequestHandler):
    """Serves a profile. The handshake is made here, in a thread, as asyncio keeps the alert of a failed one back."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Refuse as a patient server does: say why, and read what comes until the other side closes."""
        try:
            super().handle()
        except ssl.SSLError:
            with suppress(OSError):
                socket.socket.shutdown(self.request, socket.SHUT_WR)
                while socket.socket.recv(self.request, 4096):
                    pass

    def do_GET(self) -> None:
        body = HEAP_BYTES if self.path == HEAP.path else b"no"
        self.send_response(200 if self.path == HEAP.path else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def behind_tls(house: Authority, cert: tuple[str, str]) -> Iterator[str]:
    """Serve profiles to whoever shows a certificate of the house, as Go's tls.RequireAndVerifyClientCert does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=house.file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*cert)
    with ThreadingHTTPServer(("127.0.0.1", 0), Profiles) as server:
        server.daemon_threads = False
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


def asked(base: str, access: Access) -> Target:
    return Target("checkout-1", "checkout", base, access=access)


async def captured(base: str, tls: Tls) -> Captured:
    (found,) = await HttpTargets().capture(asked(base, Access(tls=tls)), [HEAP])
    return found


def joined(cert: str, key: str) -> str:
    both = Path(cert).with_suffix(".both")
    both.write_bytes(Path(cert).read_bytes() + Path(key).read_bytes())
    return str(both)


@pytest.fixture
def house(tmp_path: Path) -> Authority:
    return authority(tmp_path, "house")


async def test_who_shows_a_certificate_of_the_house_is_let_in_under_another_name(house: Authority) -> None:
    cert, key = house.issue("firstfive")
    with behind_tls(house, house.issue("checkout.internal")) as base:
        tls = Tls(house.file, cert, key, "checkout.internal")
        fine = await captured(base, tls)
        of_one_file = await captured(base, Tls(house.file, joined(cert, key), "", "checkout.internal"))
    assert (fine.status, fine.content) == (PartStatus.OK, HEAP_BYTES)
    assert of_one_file.status is PartStatus.OK


async def test_a_renewed_certificate_is_taken_without_a_restart(house: Authority) -> None:
    old, new = house.issue("firstfive", days=-1), house.issue("firstfive", days=1)
    targets = HttpTargets()
    with behind_tls(house, house.issue("checkout")) as base:
        target = asked(base, Access(tls=Tls(house.file, *old, "checkout")))
        (before,) = await targets.capture(target, [HEAP])
        for path, by in zip(old, new, strict=True):
            shutil.copyfile(by, path)
        (after,) = await targets.capture(target, [HEAP])
    assert (before.status, after.status) == (PartStatus.FAILED, PartStatus.OK)
    assert "has expired on" in before.error


async def test_each_wrong_certificate_has_its_sentence(house: Authority, tmp_path: Path) -> None:
    stranger = authority(tmp_path, "stranger")
    mine, theirs = house.issue("firstfive"), stranger.issue("firstfive")
    missing = str(tmp_path / "none.pem")
    (tmp_path / "words.pem").write_text("hello")
    words = str(tmp_path / "words.pem")
    wrong = {
        Tls(house.file, server_name="checkout"): "it wants a certificate: give `tls.cert`",
        Tls(house.file, *house.issue("firstfive", days=-2), "checkout"): "has expired on ",
        Tls(house.file, *theirs, "checkout"): "does not accept our certificate",
        Tls(stranger.file, *mine, "checkout"): "who signed its certificate is not known here: give `tls.ca`",
        Tls("", *mine, "checkout"): "who signed its certificate is not known here: give `tls.ca`",
        Tls(house.file, *mine): "is for another name: give that as `tls.server_name`",
        Tls(house.file, *mine, "payment"): "is for another name: give that as `tls.server_name`",
        Tls(house.file, missing, mine[1]): f"tls.cert {missing} cannot be read: No such file",
        Tls(house.file, mine[0], missing): f"tls.key {missing} cannot be read: No such file",
        Tls(missing): f"tls.ca {missing} cannot be read: No such file",
        Tls(words, *mine): f"tls.ca {words} holds no certificate that can be read",
        Tls(house.file, words, mine[1]): "are not both there as PEM",
        Tls(house.file, mine[0]): "are not both there as PEM",
        Tls(house.file, mine[0], theirs[1]): f"tls.key {theirs[1]} is not the key of tls.cert {mine[0]}",
        Tls(house.file, *house.issue("locked", password=b"no")): "without a password",
    }
    with behind_tls(house, house.issue("checkout")) as base:
        found = {tls: await captured(base, tls) for tls in wrong}
    assert {found[tls].error: said in found[tls].error for tls, said in wrong.items()} == {
        found[tls].error: True for tls in wrong
    }
    assert {each.status for each in found.values()} == {PartStatus.FAILED}
    assert all(each.error.startswith("checkout-1: ") for each in found.values())


async def test_a_target_whose_own_certificate_has_expired_is_told_of(house: Authority) -> None:
    with behind_tls(house, house.issue("checkout", days=-1)) as base:
        found = await captured(base, Tls(house.file, *house.issue("firstfive"), "checkout"))
    assert "its certificate has expired: renew it there" in found.error


@pytest.mark.parametrize(
    ("shown", "asked_about"),
    [("firstfive", "is `tls.cert` signed by whom it trusts?"), ("", "does it want a certificate")],
)
async def test_whoever_hangs_up_in_the_handshake_is_asked_about_it(
    house: Authority, shown: str, asked_about: str
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*house.issue("checkout"))
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    mine = house.issue("firstfive") if shown else ("", "")
    found = await captured(
        f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", Tls(house.file, *mine, "checkout")
    )
    server.close()
    await server.wait_closed()
    assert f"closed the connection before it answered: {asked_about}" in found.error


async def test_one_refused_certificate_is_one_loss_and_not_one_for_each_part(house: Authority) -> None:
    with behind_tls(house, house.issue("checkout")) as base:
        target = asked(base, Access(tls=Tls(house.file, server_name="checkout")))
        done = await HttpTargets().capture(target, CHEAP_PARTS)
    assert [each.part for each in done if each.status is PartStatus.FAILED] == [GOROUTINE.name]


def guarded(page: bytes) -> Answer:
    """Let in whoever has the token; tell everybody else a page."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        await whole(page, "401 Unauthorized")(writer)

    return answer


async def test_a_header_comes_from_the_environment_and_goes_to_pprof_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKOUT_PPROF_TOKEN", TOKEN)
    seen: list[str] = []
    async with serving(GOOD, seen=seen) as base:
        target = Target("checkout-1", "checkout", base, f"{base}/", access=HEADERS)
        targets = HttpTargets()
        (fine,) = await targets.capture(target, [HEAP])
        shown, seen[:] = list(seen), []
        await targets.probe(target, 1)
    assert fine.status is PartStatus.OK
    assert f"Authorization: {TOKEN}\r\n" in shown[0]
    assert seen
    assert not [head for head in seen if "Authorization" in head]


async def test_who_was_found_is_shown_no_header_in_clear_but_on_this_machine() -> None:
    targets = HttpTargets(environ={"CHECKOUT_PPROF_TOKEN": TOKEN})
    found = replace(HEADERS, in_clear=False)
    elsewhere = Target("checkout-1", "checkout", "http://10.1.2.3:6060", allow=("10.0.0.0/8",), access=found)
    seen: list[str] = []
    async with serving(GOOD, seen=seen) as base:
        (here,) = await targets.capture(asked(base, found), [HEAP])
        (refused,) = await targets.capture(elsewhere, [HEAP])
    assert here.status is PartStatus.OK
    assert f"Authorization: {TOKEN}\r\n" in seen[0]
    assert "checkout-1: http://10.1.2.3:6060 was found and not named, and CHECKOUT_PPROF_TOKEN would" in refused.error
    assert SECRET not in refused.error


async def test_without_its_variable_nothing_is_asked_and_the_variable_is_named() -> None:
    seen: list[str] = []
    async with serving(GOOD, seen=seen) as base:
        done = await HttpTargets(environ={}).capture(asked(base, HEADERS), CHEAP_PARTS)
    assert not seen
    assert {each.error for each in done} == {
        "checkout-1: CHECKOUT_PPROF_TOKEN is not set in FirstFive's environment: the header Authorization comes from it"
    }


async def test_a_value_that_is_not_taken_is_said_by_its_variable() -> None:
    async with serving({"/debug/pprof/heap": guarded(b"no")}) as base:
        targets = HttpTargets(environ={"CHECKOUT_PPROF_TOKEN": TOKEN})
        (refused,) = await targets.capture(asked(base, HEADERS), [HEAP])
        (unasked,) = await targets.capture(asked(base, Access()), [HEAP])
    assert "answered 401: it does not take what CHECKOUT_PPROF_TOKEN holds: is that still valid?" in refused.error
    assert "answered 401: it wants credentials: give this target `headers`" in unasked.error


@pytest.mark.parametrize("said", [TOKEN, SECRET, f"Authorization={TOKEN}", "x" * 390 + SECRET])
async def test_a_target_that_repeats_the_secret_gives_it_to_nobody(said: str) -> None:
    pieces = [said[: len(said) // 2], said[len(said) // 2 :]]

    async def telling(writer: asyncio.StreamWriter) -> None:
        length = len(_STACK) + len(said)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{_STACK}".encode())
        for piece in pieces:
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(piece.encode())

    answers = {
        "/debug/pprof/goroutine": whole(goroutines(*IDLE)),
        "/debug/pprof/goroutine?debug=2": telling,
        "/debug/pprof/heap": whole(f"what is {said}?".encode(), "500 Internal Server Error"),
        "/debug/pprof/mutex": whole(b"", "302 Found", Location=f"/login?t={said}"),
    }
    async with serving(answers) as base:
        targets = HttpTargets(environ={**os.environ, "CHECKOUT_PPROF_TOKEN": TOKEN})
        done = await targets.capture(asked(base, HEADERS), [*CHEAP_PARTS, DUMP])
    dumped = next(each for each in done if each.part == DUMP.name)
    assert dumped.usable
    assert not [each for each in done if SECRET.encode() in each.content or SECRET in each.error]
    assert SECRET not in repr(done)


async def test_a_secret_inside_of_a_compressed_profile_is_given_to_nobody() -> None:
    told = profile(GOROUTINE_TYPES, [((main_frame(SECRET),), (1,), {"header": TOKEN, "route": "/pay"})])
    async with serving({"/debug/pprof/goroutine": whole(told), "/debug/pprof/heap": whole(HEAP_BYTES)}) as base:
        targets = HttpTargets(environ={**os.environ, "CHECKOUT_PPROF_TOKEN": TOKEN})
        found, untouched = await targets.capture(asked(base, HEADERS), [GOROUTINE, HEAP])

    (sample,) = decode(found.content).samples
    assert dict(sample.labels) == {"header": "*" * len(TOKEN), "route": "/pay"}
    assert SECRET.encode() not in inflate(found.content)
    assert untouched.content == HEAP_BYTES


_STACK = "goroutine 1 [select]:\nmain.f()\n\t/src/a.go:1 +0x1\n\n"
