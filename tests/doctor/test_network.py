"""Proxies and clocks: what can be told without asking anybody, and what servers on loopback say."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.test_net import secured

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doctor.conftest import Healthy
    from tests.support.loopback import Request, Site


def certificate_for_a_day(begin: datetime) -> bytes:
    """Return a certificate for `localhost`, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


LOOPBACK = "localhost,127.0.0.1"
PROXY = "http://proxy.corp.example:3128"


class TestProxies:
    @pytest.mark.parametrize("value", ["ftp://proxy.example", "http://", "http://proxy.example:port"])
    @pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY"])
    def test_malformed(self, healthy: Healthy, name: str, value: str) -> None:
        found = healthy.findings(**{name: value, "NO_PROXY": LOOPBACK})
        assert list(found) == ["proxy-malformed"]
        assert found["proxy-malformed"]["where"] == name
        assert found["proxy-malformed"]["fix"]["command"] == f"unset {name}"

    @pytest.mark.parametrize("value", [PROXY, "proxy.corp.example:3128", "socks5://127.0.0.1:1080"])
    def test_sound(self, healthy: Healthy, value: str) -> None:
        assert healthy.findings(HTTPS_PROXY=value, https_proxy=value, NO_PROXY=LOOPBACK) == {}

    def test_two_that_differ(self, healthy: Healthy) -> None:
        found = healthy.findings(HTTPS_PROXY=PROXY, https_proxy="http://other.example:80", NO_PROXY="*")
        assert list(found) == ["proxy-differs"]

    @pytest.mark.parametrize(
        ("value", "missing"), [("", "localhost and 127.0.0.1"), ("127.0.0.1,.corp", "localhost")]
    )
    def test_loopback_is_a_note(self, healthy: Healthy, value: str, missing: str) -> None:
        found = healthy.findings(HTTP_PROXY=PROXY, NO_PROXY=value)
        assert found["proxy-loopback"]["severity"] == "note"
        assert found["proxy-loopback"]["what"] == f"NO_PROXY does not have {missing}"

    def test_no_password_is_shown(self, healthy: Healthy) -> None:
        env = {"HTTPS_PROXY": "ftp://me:hunter2@x.example", "https_proxy": "http://me:hunter2@y.example"}
        for options in ((), ("--json",), ("--network", "--json")):
            result = healthy.doctor(*options, **env)
            assert result.returncode == 1
            assert "hunter2" not in result.stdout + result.stderr

    def test_nobody_listens(self, healthy: Healthy) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            env = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "NO_PROXY": "*,localhost"} | QUIET
            env["NO_PROXY"] = LOOPBACK
            assert healthy.findings(**env) == {}
            found = healthy.findings("--network", **env)
            assert list(found) == ["proxy-unreachable"]
            assert (
                found["proxy-unreachable"]["what"]
                == f"nobody answers at 127.0.0.1:{port}: Connection refused"
            )
            assert healthy.findings("--network", GVMPY_OFFLINE="1", **env) == {}
            spoilt = healthy.findings("--network", GVMPY_OFFLINE="1", GVMPY_TRUST_MINIMUM="none", **env)
            assert list(spoilt) == ["config-invalid"]
            free.listen()
            assert healthy.findings("--network", **env) == {}


QUIET = {"GVMPY_SOURCES": "goproxy", "GOPROXY": "off"}


class TestClock:
    def test_before_the_newest_receipt(self, healthy: Healthy) -> None:
        receipt = next(healthy.home.receipts.glob("*.json"))
        text = receipt.read_text()
        for ahead, expected in ((3 * 86400, ["clock-behind"]), (60, [])):
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead))
            receipt.write_text(text.replace("2024-05-07T16:06:09Z", moment))
            found = healthy.findings()
            assert list(found) == expected
        receipt.write_text(text.replace("2024-05-07T16:06:09Z", "once upon a time"))
        assert healthy.findings() == {}

    @pytest.mark.parametrize(
        ("difference", "expected"),
        [(-10800 + 60, "3 hours ahead of"), (10 * 86400, "10 days behind"), (30, None)],
    )
    def test_against_a_server(
        self, healthy: Healthy, site: Site, difference: int, expected: str | None
    ) -> None:
        def answer(request: Request) -> None:
            request.send_response_only(200)
            request.send_header("Date", formatdate(time.time() + difference, usegmt=True))
            request.send_header("Content-Length", "0")
            request.end_headers()

        site.paths["/dl/"] = answer
        env = {"GVMPY_SOURCES": "official", "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/"}
        assert healthy.findings(**env) == {}
        assert site.requests == []
        assert healthy.findings("--network", GVMPY_OFFLINE="1", **env) == {}
        assert site.requests == []
        found = healthy.findings("--network", **env)
        assert list(found) == ["clock-differs"][: expected is not None]
        if expected:
            assert found["clock-differs"]["what"] == f"the clock is {expected} a server's"

    @pytest.mark.parametrize("days", [-2, 1])
    def test_a_certificate_whose_dates_do_not_suit(self, healthy: Healthy, tmp_path: Path, days: int) -> None:
        """One that ended yesterday, and one that begins tomorrow: either, or the clock, is wrong."""
        file = tmp_path / "localhost.pem"
        file.write_bytes(certificate_for_a_day(datetime.now(UTC) + timedelta(days=days)))
        with secured(file) as site:
            env = {"GVMPY_SOURCES": "official", "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/"}
            found = healthy.findings("--network", SSL_CERT_FILE=str(file), **env)
            assert list(found) == ["clock-differs"]
            expected = "certificate has expired" if days < 0 else "certificate is not yet valid"
            assert expected in found["clock-differs"]["what"]
            assert "the certificate's dates do not suit this clock" in found["clock-differs"]["where"]
            # One that nobody vouches for says nothing of clocks.
            assert healthy.findings("--network", **env) == {}

    def test_a_server_that_does_not_answer_is_passed_over(self, healthy: Healthy, site: Site) -> None:
        site.paths["/proxy/golang.org/toolchain/@v/list"] = lambda request: request.answer(200, Date="junk")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            index = f"http://127.0.0.1:{free.getsockname()[1]}/"
            env = {"GVMPY_OFFICIAL_INDEX": index, "GOPROXY": f"{site.base}/proxy"}
            assert healthy.findings("--network", **env) == {}
        assert len(site.requests) == 1
