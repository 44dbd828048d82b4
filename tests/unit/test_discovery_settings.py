"""Where targets are found is configured in one table, and what would find nothing is refused."""

from pathlib import Path

import pytest

from bot.domain.access import Access, Tls
from bot.domain.discovery import DiscoveryPlan
from bot.settings import ConfigRefused, read

SERVICE = '[[services]]\nname = "checkout"\nprometheus = "http://127.0.0.1:9090"\n'
WITHOUT = '[[services]]\nname = "checkout"\n'
ALLOW = 'allow = ["10.2.3.4/16"]\n'


def plan(folder: Path, lines: str, service: str = SERVICE) -> DiscoveryPlan | None:
    (folder / "firstfive.toml").write_text(f"{service}[services.discovery]\n{lines}")
    (found,) = read({"FIRSTFIVE_CONFIG": str(folder / "firstfive.toml")}).catalog().services
    return found.discovery


def test_a_prometheus_needs_no_more_than_the_networks(tmp_path: Path) -> None:
    assert plan(tmp_path, f'kind = "prometheus"\n{ALLOW}') == DiscoveryPlan("prometheus", ("10.2.0.0/16",))


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    lines = 'kind = "prometheus"\njob = "shop"\nlabels = { env = "prod" }\nname_label = "pod"\n'
    lines += 'pprof_scheme = "https"\npprof_port = 6060\nurl_scheme = "https"\nurl_port = 443\nurl_path = "/ok"\n'
    lines += 'most = 7\ntimeout_s = 1.5\nheaders = { Authorization = "env:TOKEN" }\ntls = { ca = "/ca.pem" }\n'
    assert plan(tmp_path, lines + ALLOW) == DiscoveryPlan(
        "prometheus", ("10.2.0.0/16",), "shop", (("env", "prod"),), name_label="pod",
        pprof_scheme="https", pprof_port=6060, url_scheme="https", url_port=443, url_path="/ok", most=7, timeout_s=1.5,
        access=Access((("Authorization", "TOKEN"),), Tls("/ca.pem"), in_clear=False),
    )  # fmt: skip
    lines = 'kind = "prometheus"\nagent_scheme = "https"\nagent_port = 9464\nagent_ca = "/a.pem"\n'
    lines += 'agent_server_name = "agent"\nsecrets_in_clear = true\n'
    assert plan(tmp_path, lines + ALLOW) == DiscoveryPlan(
        "prometheus", ("10.2.0.0/16",), agent_scheme="https", agent_port=9464, agent_ca="/a.pem",
        agent_server_name="agent", access=Access(in_clear=True),
    )  # fmt: skip


def test_its_variables_are_known_at_start(tmp_path: Path) -> None:
    lines = 'kind = "dns"\nnames = ["a.test"]\nrecord = "SRV"\nheaders = { Authorization = "env:TOKEN" }\n'
    lines += f'agent_port = 6061\nagent_token = "env:AGENT"\n{ALLOW}'
    plan(tmp_path, lines, WITHOUT)
    settings = read({"FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml")})
    assert settings.catalog().variables == ("TOKEN", "AGENT")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('kind = "prometheus"', "discovery.allow is missing"),
        ('kind = "prometheus"\nallow = []', "discovery.allow: Tuple should have at least 1 item"),
        ('kind = "consul"\n' + ALLOW, "discovery.kind: Input should be 'prometheus', 'file_sd' or 'dns'"),
        ('kind = "file_sd"\n' + ALLOW, "the kind file_sd needs `files`"),
        ('kind = "dns"\n' + ALLOW, "the kind dns needs `names`"),
        ('kind = "dns"\nnames = ["a.test"]\n' + ALLOW, "give `pprof_port`, or `record` SRV"),
        ('kind = "dns"\nnames = ["a b"]\nrecord = "SRV"\n' + ALLOW, "discovery.names[0]: String should match"),
        (
            'kind = "dns"\nnames = ["a"]\nrecord = "SRV"\nserver = "ns.test"\n' + ALLOW,
            "discovery.server: String should",
        ),
        ('kind = "prometheus"\nfiles = ["/x.json"]\n' + ALLOW, "`files` is for the kind file_sd"),
        ('kind = "dns"\nlabels = { a = "b" }\n' + ALLOW, "`labels` is for the kind prometheus and file_sd"),
        ('kind = "prometheus"\npprof_scheme = "http"\ntls = { ca = "/x" }\n' + ALLOW, "`pprof_scheme` of https"),
        ('kind = "dns"\nnames = ["a"]\nrecord = "SRV"\ntls = { ca = "/x" }\n' + ALLOW, "`pprof_scheme` of https"),
        ('kind = "prometheus"\nagent_scheme = "https"\n' + ALLOW, "of no use without `agent_port`"),
        ('kind = "prometheus"\nagent_port = 1\nagent_ca = "/x"\n' + ALLOW, "for an `agent_scheme` of https"),
        ('kind = "dns"\nnames = ["a"]\nrecord = "SRV"\nserver = "10.0.0.256:53"\n' + ALLOW, "'10.0.0.256' does not"),
        ('kind = "dns"\nnames = ["a"]\nrecord = "SRV"\nserver = "10.0.0.2:65536"\n' + ALLOW, "no port from 1 to 65535"),
        ('kind = "file_sd"\nfiles = [""]\n' + ALLOW, "discovery.files[0]: names files with * and ?"),
        ('kind = "file_sd"\nfiles = ["/"]\n' + ALLOW, "discovery.files[0]: names files with * and ?"),
        ('kind = "file_sd"\nfiles = ["/etc/**x.json"]\n' + ALLOW, "discovery.files[0]: names files with * and ?"),
        ('kind = "prometheus"\nurl_path = "x"\n' + ALLOW, "discovery.url_path: String should match"),
        ('kind = "prometheus"\nallows = ["::1/128"]\n' + ALLOW, "discovery.allows is not a key. Did you mean 'allow'?"),
    ],
)
def test_what_would_find_nothing_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        plan(tmp_path, lines)
    assert told in str(refused.value)


def test_a_prometheus_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="of the kind prometheus needs the service's `prometheus`"):
        plan(tmp_path, f'kind = "prometheus"\n{ALLOW}', WITHOUT)
