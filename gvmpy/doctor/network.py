"""Proxies and clocks: what makes a download fail with a message about something else."""

from __future__ import annotations

import contextlib
import socket
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gvmpy.doctor.finding import Finding, Fix, Severity
from gvmpy.errors import GvmpyError, IntegrityError
from gvmpy.goenv.goproxy import DIRECT, OFF, parse_goproxy
from gvmpy.proxies import ProxyRules
from gvmpy.trust.receipt import load_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY")
_LOOPBACK = ("localhost", "127.0.0.1")
_PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_PATIENCE = 3.0
"""Seconds for each server to be reached, and to answer."""
_TOLERANCE = 300.0
"""Seconds: what clocks may differ by before certificates and signed dates are in danger."""
_ONE_BYTE = "bytes=0-0"


def check_proxies(patient: Patient) -> Iterator[Finding]:
    """The variables can be read, and mean the same to all programs."""
    rules = ProxyRules.from_environment(patient.environ)
    for name, scheme in (("HTTPS_PROXY", "https"), ("HTTP_PROXY", "http")):
        upper, lower = patient.environ.get(name, ""), patient.environ.get(name.lower(), "")
        try:
            rules.proxy_for(scheme, "gvmpy.invalid", None)
        except GvmpyError as error:
            spelled = name if upper else name.lower()
            why = "nothing can be downloaded: Go and gvmpy refuse it"
            what = f"{error.message}: {spelled}"
            yield Finding("proxy-malformed", Severity.ERROR, what, spelled, why, Fix(f"unset {spelled}"))
        if upper and lower and upper != lower:
            yield Finding(
                "proxy-differs",
                Severity.WARNING,
                f"{name} and {name.lower()} name different proxies",
                f"{name}, {name.lower()}",
                "Go and gvmpy take the first, curl, pip and many others the second",
                Fix(f'export {name.lower()}="${name}"'),
            )
    if any(patient.environ.get(name) or patient.environ.get(name.lower()) for name in _PROXIES):
        missing = [host for host in _LOOPBACK if host not in rules.exceptions and "*" not in rules.exceptions]
        if missing:
            yield Finding(
                "proxy-loopback",
                Severity.NOTE,
                f"NO_PROXY does not have {' and '.join(missing)}",
                "NO_PROXY",
                "Go and gvmpy never ask a proxy for this machine itself, but other programs do",
                Fix('export NO_PROXY="localhost,127.0.0.1,::1${NO_PROXY:+,$NO_PROXY}"'),
            )


def check_proxies_answer(patient: Patient) -> Iterator[Finding]:
    """With --network: somebody listens where the proxy should be."""
    if not patient.network or patient.config.offline:
        return
    rules = ProxyRules.from_environment(patient.environ)
    asked: set[tuple[str, int]] = set()
    for name, scheme in (("HTTPS_PROXY", "https"), ("HTTP_PROXY", "http")):
        try:
            proxy = rules.proxy_for(scheme, "gvmpy.invalid", None)
        except GvmpyError:
            continue
        parts = urlsplit(proxy or "")
        address = (parts.hostname or "", parts.port or _PROXY_PORTS.get(parts.scheme, 0))
        if not address[0] or address in asked:
            continue
        asked.add(address)
        try:
            socket.create_connection(address, timeout=_PATIENCE).close()
        except OSError as error:
            yield Finding(
                "proxy-unreachable",
                Severity.ERROR,
                f"nobody answers at {address[0]}:{address[1]}: {error.strerror or error}",
                name if patient.environ.get(name) else name.lower(),
                "every download goes through it and fails",
                Fix(f"unset {name} {name.lower()}"),
            )


def check_clock(patient: Patient) -> Iterator[Finding]:
    """The time is not before that of the newest receipt."""
    newest = 0.0
    for version in patient.home.recorded():
        with contextlib.suppress(IntegrityError, ValueError):
            text = load_receipt(patient.home.receipt(version)).installed_at
            newest = max(newest, datetime.fromisoformat(text).timestamp())
    behind = newest - time.time()
    if behind > _TOLERANCE:
        yield Finding(
            "clock-behind",
            Severity.ERROR,
            f"the clock is {_spell(behind)} behind the newest receipt",
            f"the clock: {_now()}",
            "certificates that are newer than that look as if they were not valid yet, and no TLS works",
            Fix("sudo timedatectl set-ntp true"),
        )


def check_clock_against_server(patient: Patient) -> Iterator[Finding]:
    """With --network: the first server that answers says when it is (RFC 9110, 6.6.1)."""
    if not patient.network or patient.config.offline:
        return
    from gvmpy.net import Network

    with Network(patient.environ, timeout=_PATIENCE) as network:
        for url in _servers(patient):
            before = time.time()
            try:
                with network.stream(url, {"Range": _ONE_BYTE}) as response:
                    date = response.headers.get("Date", "")
            except GvmpyError as error:
                if "certificate" in error.message and (
                    "expired" in error.message or "not yet" in error.message
                ):
                    yield _off(error.message, "the certificate's dates do not suit this clock")
                    return
                continue
            with contextlib.suppress(ValueError, TypeError):
                difference = parsedate_to_datetime(date).timestamp() - before
                if abs(difference) > _TOLERANCE:
                    side = "behind" if difference > 0 else "ahead of"
                    yield _off(f"the clock is {_spell(abs(difference))} {side} a server's", _host(url))
                return


def _off(what: str, where: str) -> Finding:
    return Finding(
        "clock-differs",
        Severity.ERROR,
        what,
        f"the clock: {_now()}; {where}",
        "certificates look expired, or not valid yet, and no TLS works",
        Fix("sudo timedatectl set-ntp true"),
    )


def _servers(patient: Patient) -> Iterator[str]:
    """Yield what `gvmpy install` would ask first."""
    if "official" in patient.config.sources:
        yield patient.config.official_index
    setting = patient.setting("GOPROXY")
    with contextlib.suppress(GvmpyError):
        for entry in parse_goproxy(patient.config.goproxy or (setting.value if setting else "")):
            if entry.base not in {DIRECT, OFF} and not entry.base.startswith("file:"):
                yield f"{entry.base}/golang.org/toolchain/@v/list"


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _spell(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"


CHECKS = (check_proxies, check_proxies_answer, check_clock, check_clock_against_server)
