"""Which HTTP proxy a request goes through, by the rules of Go's golang.org/x/net/http/httpproxy.

httpx reads the same variables otherwise: lower case first, no address ranges, no `*.domain`, loopback not
exempt. A company's NO_PROXY that works for `go` must work here too.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gvmpy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY as they stand in an environment."""

    http: str
    https: str
    exceptions: tuple[str, ...]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ProxyRules:
        """Read the variables: upper case before lower, an empty one counts as unset."""

        def read(name: str) -> str:
            return environ.get(name) or environ.get(name.lower()) or ""

        # A CGI request header `Proxy:` arrives as HTTP_PROXY: never obey it there (httpoxy).
        plain = "" if environ.get("REQUEST_METHOD") else read("HTTP_PROXY")
        parts = (part.strip().lower() for part in read("NO_PROXY").split(","))
        return cls(plain, read("HTTPS_PROXY"), tuple(part for part in parts if part))

    def proxy_for(self, scheme: str, host: str, port: int | None) -> str | None:
        """Return the proxy's URL for a request, or None for a direct connection.

        Raises UsageError for a proxy address that cannot be used, never showing its credentials.
        """
        proxy = self.https if scheme == "https" else self.http
        if not proxy or self._is_exempt(host.strip("[]").lower(), port or _DEFAULT_PORTS.get(scheme, 0)):
            return None
        full = proxy if "://" in proxy else f"http://{proxy}"
        if not _is_usable(full):
            raise UsageError(f"the proxy for {scheme} has an address that is neither http nor socks5")
        return full

    def _is_exempt(self, host: str, port: int) -> bool:
        if is_loopback(host):
            return True
        return any(rule == "*" or _matches(rule, host, port) for rule in self.exceptions)


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    address = _address(host.strip("[]"))
    return address is not None and address.is_loopback


def _is_usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _matches(rule: str, host: str, port: int) -> bool:
    address = _address(host)
    network = _network(rule)
    if network is not None:
        return address is not None and address in network
    rule_host, rule_port = _split_port(rule)
    if not rule_host or rule_port not in {"", str(port)}:
        return False
    rule_address = _address(rule_host)
    if address is not None or rule_address is not None:
        return address == rule_address
    rule_host = rule_host.removeprefix("*") if rule_host.startswith("*.") else rule_host
    if rule_host.startswith("."):
        return host.endswith(rule_host)
    return host == rule_host or host.endswith(f".{rule_host}")


def _split_port(rule: str) -> tuple[str, str]:
    """Return host and port as Go's net.SplitHostPort does; a rule without a port keeps its brackets."""
    host, colon, port = rule.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    return (host, port) if colon and ":" not in host and "]" not in port else (rule, "")


def _network(rule: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not rule.rpartition("/")[2].isdecimal():
        return None
    try:
        return ipaddress.ip_network(rule, strict=False) if "/" in rule else None
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that `host` is; ::ffff:10.1.1.1 and 10.1.1.1 are the same one, as in Go."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
