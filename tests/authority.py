"""An authority of our own for tests: a root, an intermediate, and leaves that are as wrong as one wants them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate as a file has it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The key as a file has it."""
        kind = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()

    def file(self, folder: Path, name: str, chain: "Sequence[Signed]" = ()) -> Path:
        """Write key, certificate and what is served after it into one file."""
        place = folder / f"{name}.pem"
        place.write_text(self.key_pem + self.pem + "".join(each.pem for each in chain))
        return place


def root(name: str = "Test Root") -> Signed:
    """Make an authority that only itself has signed."""
    return _signed(name, None, authority=True)


def intermediate(by: Signed, name: str = "Test Intermediate", ends: timedelta = 3650 * DAY) -> Signed:
    """Make an authority that another has signed; `ends` is from now."""
    return _signed(name, by, authority=True, begins=-9 * DAY, ends=ends)


def leaf(
    by: Signed | None,
    names: Sequence[str] = ("checkout.internal",),
    *,
    begins: timedelta = -DAY,
    ends: timedelta = 30 * DAY,
    traced: bool = False,
) -> Signed:
    """Make a server's certificate; signed by nobody else, it is its own authority. Times are from now."""
    return _signed(names[0], by, names=names, begins=begins, ends=ends, traced=traced)


def _signed(
    name: str,
    by: Signed | None,
    *,
    authority: bool = False,
    names: Sequence[str] = (),
    begins: timedelta = -DAY,
    ends: timedelta = 3650 * DAY,
    traced: bool = False,
) -> Signed:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = x509.CertificateBuilder(
        issuer_name=by.certificate.subject if by else subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now + begins,
        not_valid_after=now + ends,
    ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        built = built.add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
    if traced:
        at = x509.UniformResourceIdentifier("http://ca.test/intermediate.der")
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, at)
        built = built.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return Signed(built.sign(by.key if by else key, hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
