"""Which proxy a request goes through: the table of cases, and the go command's own answers to them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from gvmpy.errors import UsageError
from gvmpy.proxies import ProxyRules, is_loopback
from tests.support.toolchains import CACHE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site

GO = "1.25.5"
UPPER, LOWER, PLAIN = "http://upper:1", "http://lower:2", "http://plain:3"


class Case(NamedTuple):
    """An environment, a URL as its scheme, host and port, and the proxy it goes through."""

    environ: dict[str, str]
    url: tuple[str, str, int | None]
    proxy: str | None


def https(host: str, port: int | None = None) -> tuple[str, str, int | None]:
    return ("https", host, port)


def exempting(rule: str) -> dict[str, str]:
    return {"HTTPS_PROXY": UPPER, "HTTP_PROXY": PLAIN, "NO_PROXY": rule}


CASES = {
    "nothing set": Case({}, https("x.example"), None),
    "upper wins": Case({"HTTPS_PROXY": UPPER, "https_proxy": LOWER}, https("x.example"), UPPER),
    "lower serves": Case({"https_proxy": LOWER}, https("x.example"), LOWER),
    "empty lower": Case({"HTTPS_PROXY": UPPER, "https_proxy": ""}, https("x.example"), UPPER),
    "empty upper": Case({"HTTPS_PROXY": "", "https_proxy": LOWER}, https("x.example"), LOWER),
    "https is not http": Case({"HTTP_PROXY": PLAIN}, https("x.example"), None),
    "http": Case({"HTTP_PROXY": PLAIN, "HTTPS_PROXY": UPPER}, ("http", "x.example", None), PLAIN),
    "ALL_PROXY": Case({"ALL_PROXY": UPPER, "all_proxy": UPPER}, https("x.example"), None),
    "socks5": Case({"HTTPS_PROXY": "socks5://s:9"}, https("x.example"), "socks5://s:9"),
    "socks5h": Case({"HTTPS_PROXY": "socks5h://s:9"}, https("x.example"), "socks5h://s:9"),
    "https proxy": Case({"HTTPS_PROXY": "https://s:9"}, https("x.example"), "https://s:9"),
    "without scheme": Case({"HTTPS_PROXY": "proxy:8080"}, https("x.example"), "http://proxy:8080"),
    "address without scheme": Case({"HTTPS_PROXY": "10.1.1.1:80"}, https("x.example"), "http://10.1.1.1:80"),
    "credentials": Case({"HTTPS_PROXY": "http://u:p@s:9"}, https("x.example"), "http://u:p@s:9"),
    "localhost": Case(exempting(""), https("localhost"), None),
    "localhost with port": Case(exempting(""), ("http", "localhost", 8080), None),
    "127.0.0.1": Case(exempting(""), ("http", "127.0.0.1", 8080), None),
    "127.9.9.9": Case(exempting(""), https("127.9.9.9"), None),
    "::1": Case(exempting(""), https("::1"), None),
    "localhost.example": Case(exempting(""), https("localhost.example"), UPPER),
    "all": Case(exempting("*"), https("x.example"), None),
    "star in a list": Case(exempting("foo,*"), https("x.example"), None),
    "range": Case(exempting("10.0.0.0/8"), https("10.2.3.4"), None),
    "outside of the range": Case(exempting("10.0.0.0/8"), https("11.2.3.4"), UPPER),
    "range of hosts bits": Case(exempting("10.1.2.3/8"), https("10.9.9.9"), None),
    "IPv6 range": Case(exempting("fd00::/8"), https("fd12::1"), None),
    "no range": Case(exempting("10.0.0.0/99"), https("10.0.0.0"), UPPER),
    "address": Case(exempting("10.0.0.1"), https("10.0.0.1"), None),
    "other address": Case(exempting("10.0.0.1"), https("10.0.0.11"), UPPER),
    "address and port": Case(exempting("10.0.0.1:8443"), https("10.0.0.1", 8443), None),
    "address, other port": Case(exempting("10.0.0.1:8443"), https("10.0.0.1"), UPPER),
    "IPv6 address": Case(exempting("fd12::1"), https("fd12::1"), None),
    "IPv6 in brackets": Case(exempting("[fd12::1]"), https("fd12::1"), UPPER),
    "another IPv6 spelling": Case(exempting("fd12:0::0001"), https("fd12::1"), None),
    "netmask": Case(exempting("10.0.0.0/255.0.0.0"), https("10.1.1.1"), UPPER),
    "colon without port": Case(exempting("corp:"), https("go.corp"), None),
    "port without host": Case(exempting(":443"), https("go.corp."), UPPER),
    "port with zeros": Case(exempting("corp:0443"), https("go.corp"), UPPER),
    "port by name": Case(exempting("corp:https"), https("go.corp"), UPPER),
    "address rule against a name": Case(exempting("10.0.0.1"), https("x.10.0.0.1.example"), UPPER),
    "only a dot": Case(exempting("."), https("go.corp"), UPPER),
    "only a star and dot": Case(exempting("*."), https("go.corp"), UPPER),
    "a star for a port": Case(exempting("*:443"), https("go.corp"), UPPER),
    "IPv6 and port": Case(exempting("[fd12::1]:8443"), https("fd12::1", 8443), None),
    "IPv6, other port": Case(exempting("[fd12::1]:8443"), https("fd12::1"), UPPER),
    "range against a name": Case(exempting("10.0.0.0/8"), https("ten.example"), UPPER),
    "*.corp below": Case(exempting("*.corp"), https("go.corp"), None),
    "*.corp itself": Case(exempting("*.corp"), https("corp"), UPPER),
    ".corp below": Case(exempting(".corp"), https("go.corp"), None),
    ".corp deeper": Case(exempting(".corp"), https("a.go.corp"), None),
    ".corp itself": Case(exempting(".corp"), https("corp"), UPPER),
    "corp itself": Case(exempting("corp"), https("corp"), None),
    "corp below": Case(exempting("corp"), https("go.corp"), None),
    "corp in a word": Case(exempting("corp"), https("megacorp"), UPPER),
    "corp with port": Case(exempting("corp:8443"), https("go.corp", 8443), None),
    "corp, other port": Case(exempting("corp:8443"), https("go.corp"), UPPER),
    "corp, port by scheme": Case(exempting("corp:443"), https("go.corp"), None),
    "corp, http's port by scheme": Case(exempting("corp:80"), ("http", "go.corp", None), None),
    ".corp with port": Case(exempting(".corp:8443"), https("go.corp", 8443), None),
    "*.corp with port": Case(exempting("*.corp:8443"), https("go.corp", 8443), None),
    "case of rules": Case(exempting("CORP"), https("go.corp"), None),
    "case of hosts": Case(exempting("corp"), https("Go.CORP"), None),
    "blanks": Case(exempting(" a.example , corp "), https("go.corp"), None),
    "empty elements": Case(exempting(",,corp,"), https("go.corp"), None),
    "only commas": Case(exempting(",,"), https("go.corp"), UPPER),
    "lower no_proxy": Case({"HTTPS_PROXY": UPPER, "no_proxy": "corp"}, https("go.corp"), None),
    "upper NO_PROXY wins": Case(exempting("a") | {"no_proxy": "corp"}, https("go.corp"), UPPER),
    "trailing dot of the rule": Case(exempting("corp."), https("go.corp"), UPPER),
    "star inside": Case(exempting("*corp"), https("megacorp"), UPPER),
    "IPv4 mapped in a range": Case(exempting("10.0.0.0/8"), https("::ffff:10.1.1.1"), None),
    "IPv4 mapped": Case(exempting("10.1.1.1"), https("::ffff:10.1.1.1"), None),
    "loopback IPv4 mapped": Case(exempting(""), https("::ffff:127.0.0.1"), None),
    "CGI spares https": Case({"HTTPS_PROXY": UPPER, "REQUEST_METHOD": "GET"}, https("x.example"), UPPER),
}


@pytest.mark.parametrize("name", CASES)
def test_table(name: str) -> None:
    case = CASES[name]
    assert ProxyRules.from_environment(case.environ).proxy_for(*case.url) == case.proxy


def test_never_obeyed_inside_of_cgi() -> None:
    """Go answers with an error there; a direct request is as safe."""
    environ = {"HTTP_PROXY": "http://attacker", "REQUEST_METHOD": "GET"}
    assert ProxyRules.from_environment(environ).proxy_for("http", "x.example", None) is None


@pytest.mark.parametrize("proxy", ["ftp://user:hunter2@proxy", "file:///etc/passwd", "socks4://proxy"])
def test_unusable_proxy(proxy: str) -> None:
    with pytest.raises(UsageError) as caught:
        ProxyRules.from_environment({"HTTPS_PROXY": proxy}).proxy_for("https", "x.example", None)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("localhost", True), ("127.0.0.1", True), ("127.255.0.1", True), ("::1", True), ("[::1]", True)),
        *(("::ffff:127.0.0.1", True), ("::ffff:128.0.0.1", False)),
        *(("localhost.example", False), ("128.0.0.1", False), ("::2", False), ("127.0.0.1.example", False)),
        *(("0.0.0.0", False), ("", False), ("2130706433", False)),  # noqa: S104 - an address to tell apart
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


ORACLE = """
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

// One case a process: net/http reads the environment once.
func main() {
	request, err := http.NewRequest("GET", os.Args[1], nil)
	if err != nil {
		panic(err)
	}
	proxy, err := http.ProxyFromEnvironment(request)
	answer := map[string]any{"proxy": nil}
	if err != nil {
		answer["error"] = err.Error()
	} else if proxy != nil {
		answer["proxy"] = proxy.String()
	}
	json.NewEncoder(os.Stdout).Encode(answer)
}
"""


@pytest.mark.slow
def test_go_answers_the_same(user: User, official: Site, fast_path: Path) -> None:
    oracle = _oracle(user, fast_path)
    different = {}
    for name, case in CASES.items():
        answer = json.loads(subprocess.check_output([oracle, _spell(*case.url)], env=case.environ))
        if answer != {"proxy": case.proxy}:
            different[name] = answer
    assert different == {}


def _oracle(user: User, scratch: Path) -> Path:
    """Return the program above, built by a toolchain of the suite's own and kept between runs, for compiling
    net/http takes long. No Go on the machine is needed.
    """
    key = hashlib.sha256(f"{GO} {ORACLE}".encode()).hexdigest()[:16]
    kept = CACHE / f"proxy-oracle-{key}"
    if kept.exists():
        return kept
    assert user.run("install", GO).returncode == 0
    source = scratch / "oracle"
    source.mkdir()
    (source / "main.go").write_text(ORACLE)
    (source / "go.mod").write_text("module oracle\n\ngo 1.22\n")
    own = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    own |= {"GOCACHE": str(scratch / "gocache"), "GOPATH": str(scratch / "gopath"), "HOME": str(source)}
    go = user.root / "versions" / f"go{GO}" / "bin" / "go"
    built = kept.with_name(f"{kept.name}.{os.getpid()}")
    subprocess.run([go, "build", "-o", built, "."], cwd=source, env=own, check=True, timeout=300)
    os.replace(built, kept)
    return kept


def _spell(scheme: str, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{'' if port is None else f':{port}'}/"
