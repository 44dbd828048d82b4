"""Bills of materials: CycloneDX and SPDX (2.x) in JSON. Both are told in the same few words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from bot.domain.gate.evidence import Component, Sbom

_DEEP, _MOST = 50, 50_000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")


class SbomRefused(ValueError):
    """A document is no bill of materials that can be read; says why."""


def read_sbom(document: Any) -> Sbom:
    """Read a bill of materials; nobody has vouched for it yet.

    :raises SbomRefused: it is of neither format, or a component of it has no name.
    """
    if not isinstance(document, Mapping):
        raise SbomRefused("a bill of materials is no JSON object")
    if document.get("bomFormat") == "CycloneDX":
        found = _cyclonedx(document)
    elif str(document.get("spdxVersion", "")).startswith("SPDX-2."):
        found = _spdx(document)
    else:
        raise SbomRefused("a bill of materials is neither CycloneDX nor SPDX 2 in JSON")
    if len(found.components) > _MOST:
        raise SbomRefused(f"a bill of materials names more than {_MOST} components")
    return found


def _cyclonedx(document: Mapping[str, Any]) -> Sbom:
    about = _object(_object(document.get("metadata")).get("component"))
    hashes = (each.get("content") for each in _objects(about.get("hashes")) if each.get("alg") == "SHA-256")
    named = (about.get("version"), about.get("purl"), about.get("bom-ref"))
    itself = (_part(_text(about.get("name")), about),) if about else ()
    return Sbom("", _digests(hashes, named), (*_parts(about, 0), *_parts(document, 0)), about=itself)


def _parts(holder: Mapping[str, Any], deep: int) -> Iterator[Component]:
    if deep > _DEEP:
        raise SbomRefused(f"components of a bill of materials are nested more than {_DEEP} deep")
    for each in _objects(holder.get("components")):
        yield _part(_named(each.get("name")), each)
        yield from _parts(each, deep + 1)


def _part(name: str, told: Mapping[str, Any]) -> Component:
    return Component(name, *(_text(told.get(key)) for key in ("version", "purl", "group")))


def _spdx(document: Mapping[str, Any]) -> Sbom:
    packages = _objects(document.get("packages"))
    told = document.get("documentDescribes")
    described = {each for each in told if isinstance(each, str)} if isinstance(told, list) else set()
    for each in _objects(document.get("relationships")):
        if each.get("relationshipType") == "DESCRIBES":
            described.add(_text(each.get("relatedSpdxElement")))
    about = [each for each in packages if _text(each.get("SPDXID")) in described - {""}]
    hashes = [
        each.get("checksumValue")
        for package in about
        for each in _objects(package.get("checksums"))
        if each.get("algorithm") == "SHA256"
    ]
    named = [name for package in about for name in (package.get("versionInfo"), *_purls(package))]
    parts = (
        Component(_named(each.get("name")), _text(each.get("versionInfo")), purl)
        for each in packages
        for purl in _purls(each)
    )
    return Sbom("", _digests(hashes, named), tuple(parts))


def _purls(package: Mapping[str, Any]) -> tuple[str, ...]:
    """Give every package URL of a package; "" where it has none."""
    refs = _objects(package.get("externalRefs"))
    return tuple(_text(each.get("referenceLocator")) for each in refs if each.get("referenceType") == "purl") or ("",)


def _digests(hashes: Iterable[Any], named: Iterable[Any]) -> tuple[str, ...]:
    """Give which artifacts it is about: by hash, or by what is named with a digest in it."""
    hexes = [_text(each).lower() for each in hashes]
    found = [f"sha256:{each}" for each in hexes if _HEX.fullmatch(each)]
    found += [digest for each in named for digest in _DIGEST.findall(unquote(_text(each)))]
    return tuple(dict.fromkeys(found))


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise SbomRefused("a component of a bill of materials has no name")
    return name


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """Give the objects of a list.

    :raises SbomRefused: it is no list of objects; what cannot be read cannot be passed over.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise SbomRefused("a bill of materials has something else where a list of objects belongs")
    return value
