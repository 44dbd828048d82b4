"""What of an environment lets go take modules that nobody verified: the variables that `go help environment` lists."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

VARIABLES = frozenset(
    {"GOFLAGS", "GOINSECURE", "GONOPROXY", "GONOSUMCHECK", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB"}
)
RUNTIME = frozenset({"GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT"})
"""What changes how a program runs: the variables of package runtime."""
DEPLOYED = ("RUNTIME_ENV", "APP_ENV", "ENV")
"""What people call the environment that a program is deployed to; the first that is set counts."""
DEFAULT_SUMDB = "sum.golang.org"
_KNOWN_SUMDBS = {"", DEFAULT_SUMDB, "sum.golang.google.cn"}
_PUBLIC_HOSTS = {"github.com", "gitlab.com", "bitbucket.org", "golang.org", "google.golang.org", "gopkg.in", "k8s.io"}
_WORD = re.compile(r"[^\s'\"]+")


@dataclass(frozen=True)
class Opening:
    """A setting that lets something in: its name and value, what that allows, what would be better.

    `wide`: modules that everybody can publish are taken unverified.
    """

    name: str
    value: str
    allows: str
    better: str
    wide: bool = True


def openings(environment: Mapping[str, str]) -> tuple[Opening, ...]:
    """Give every setting that lets modules in unverified, the widest first."""
    found = [*_database(environment), *_exempt(environment), *_transport(environment), *_flags(environment)]
    return tuple(sorted(found, key=lambda each: not each.wide))


def unverified(environment: Mapping[str, str]) -> tuple[Opening, ...]:
    """Give what takes public modules unverified: each alone is enough for a changed module to come in."""
    return tuple(each for each in openings(environment) if each.wide)


def is_exempt(environment: Mapping[str, str], path: str) -> bool:
    """Tell whether a module is somebody's own, by GONOSUMDB or GOPRIVATE; what is too wide names nobody's own."""
    return any(_matches(pattern, path) for pattern in _own(environment))


def _database(environment: Mapping[str, str]) -> list[Opening]:
    value = environment.get("GOSUMDB", "").strip()
    if value == "off":
        better = f"unset it: {DEFAULT_SUMDB} is asked then"
        return [Opening("GOSUMDB", value, "no module is looked up in the checksum database", better)]
    name = value.partition("+")[0].split(" ")[0]
    if name in _KNOWN_SUMDBS:
        return []
    allows = "another checksum database decides what is genuine"
    return [Opening("GOSUMDB", value, allows, f"make sure that {name} is yours, or unset it", wide=False)]


def _exempt(environment: Mapping[str, str]) -> list[Opening]:
    found = []
    for name in ("GONOSUMDB", "GOPRIVATE", "GOINSECURE"):
        wide = [pattern for pattern in _split(environment.get(name, "")) if is_wide(pattern)]
        if wide and not (name == "GOPRIVATE" and environment.get("GONOSUMDB")):
            allows = f"{', '.join(wide)} matches modules that everybody can publish; they are "
            allows += "fetched from anybody who answers" if name == "GOINSECURE" else "not looked up"
            better = "name only your own modules, such as git.example.com/team"
            found.append(Opening(name, environment[name], allows, better))
    if (value := environment.get("GONOSUMCHECK", "")) not in {"", "0"}:
        allows = "somebody wanted no checks; no release of Go since 1.13 reads it"
        found.append(Opening("GONOSUMCHECK", value, allows, "unset it", wide=False))
    return found


def _transport(environment: Mapping[str, str]) -> list[Opening]:
    found = []
    for proxy in re.split(r"[,|]", environment.get("GOPROXY", "")):
        url = urlsplit(proxy.strip()) if "[" not in proxy else None
        if url is not None and url.scheme == "http":
            allows = f"modules come from {url.hostname} in clear"
            found.append(Opening("GOPROXY", proxy.strip(), allows, "use https", wide=False))
    return found


def _flags(environment: Mapping[str, str]) -> list[Opening]:
    found = []
    for flag in _WORD.findall(environment.get("GOFLAGS", "")):
        name, _, value = flag.lstrip("-").partition("=")
        if (name, value) == ("mod", "mod"):
            allows, better = "a build writes go.sum itself where a line is missing", "use -mod=readonly, the default"
        elif name == "modfile":
            allows, better = "builds use another go.mod and go.sum than those of the commit", "leave it out"
        elif name == "insecure":
            allows, better = "modules were fetched from anybody; Go refuses it since 1.17", "leave it out"
        elif name == "modcacherw":
            allows, better = "the module cache can be changed after it was verified", "leave it out"
        else:
            continue
        found.append(Opening("GOFLAGS", flag, allows, better, wide=False))
    return found


def is_wide(pattern: str) -> bool:
    """Tell whether a pattern of module paths takes in what everybody can publish."""
    host, *rest = pattern.split("/")
    if any(part.strip("*?") for part in rest):
        return False
    labels = [label for label in host.split(".") if label.strip("*?")]
    return len(labels) < 2 or host in _PUBLIC_HOSTS  # noqa: PLR2004 - a name and its domain


def _own(environment: Mapping[str, str]) -> list[str]:
    """Give the patterns of modules that are not looked up; Go takes those of GOPRIVATE where GONOSUMDB is not set."""
    patterns = _split(environment.get("GONOSUMDB") or environment.get("GOPRIVATE", ""))
    return [pattern for pattern in patterns if not is_wide(pattern)]


def _split(patterns: str) -> list[str]:
    return [pattern for each in patterns.split(",") if (pattern := each.strip().rstrip("/"))]


def _matches(pattern: str, path: str) -> bool:
    """Match as module.MatchPrefixPatterns does: a glob (path.Match) over as many elements as the pattern has."""
    depth = pattern.count("/") + 1
    beginning = path.split("/")[:depth]
    return len(beginning) == depth and all(
        re.fullmatch(_glob(glob), element) for glob, element in zip(pattern.split("/"), beginning, strict=True)
    )


def _glob(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern[:200])
