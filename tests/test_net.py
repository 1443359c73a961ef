from __future__ import annotations

import contextlib
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gvmpy import net
from gvmpy.errors import NetworkError, UsageError
from gvmpy.net import Network, TransientError, attempts, redact
from tests.support.loopback import Request, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.loopback import Site


@pytest.fixture
def network() -> Iterator[Network]:
    with Network({}) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net, "_FIRST_PAUSE", 0.001)


class TestGet:
    def test_body_as_it_was_sent(self, network: Network, site: Site) -> None:
        site.body("/x", b"\x1f\x8braw", "application/gzip")
        answer = network.get(f"{site.base}/x", limit=100)
        assert (answer.status, answer.body) == (200, b"\x1f\x8braw")
        [headers] = site.asked("/x")
        assert headers["Accept-Encoding"] == "identity"
        assert headers["User-Agent"].startswith("gvmpy/")

    def test_compressed_though_not_asked_for(self, network: Network, site: Site) -> None:
        """Digests are over the bytes as they came: nothing is inflated behind our back."""
        site.paths["/x"] = lambda request: request.answer(200, b"not gzip", Content_Encoding="gzip")
        assert network.get(f"{site.base}/x", limit=100).body == b"not gzip"

    @pytest.mark.parametrize("code", [204, 400, 403, 404, 410, 451])
    def test_other_statuses_are_for_the_caller(self, network: Network, site: Site, code: int) -> None:
        site.paths["/x"] = lambda request: request.answer(code, b"")
        assert network.get(f"{site.base}/x", limit=100).status == code
        assert len(site.requests) == 1

    def test_limit(self, network: Network, site: Site) -> None:
        site.body("/x", b"x" * 100)
        assert len(network.get(f"{site.base}/x", limit=100).body) == 100
        with pytest.raises(NetworkError, match="answered more than 99 bytes"):
            network.get(f"{site.base}/x", limit=99)

    def test_limit_holds_without_an_announced_length(self, network: Network, site: Site) -> None:
        sent = []

        def pour(request: Request) -> None:
            request.send_response(200)
            request.send_header("Connection", "close")
            request.end_headers()
            for _ in range(10_000):
                request.wfile.write(b"x" * 10_000)
                sent.append(1)
            request.hang_up()

        site.paths["/x"] = pour
        with pytest.raises(NetworkError, match="answered more than 1000 bytes"):
            network.get(f"{site.base}/x", limit=1000)
        assert len(sent) < 10_000

    @pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
    def test_passing_failures_are_tried_again(self, network: Network, site: Site, code: int) -> None:
        site.faults["/x"] = [lambda request: request.answer(code, b"busy")] * 3
        site.body("/x", b"at last")
        assert network.get(f"{site.base}/x", limit=100).body == b"at last"
        assert len(site.requests) == 4

    def test_retries_are_bounded(self, network: Network, site: Site) -> None:
        site.paths["/x"] = lambda request: request.answer(503)
        with pytest.raises(NetworkError, match=r"/x answered 503"):
            network.get(f"{site.base}/x", limit=100)
        assert len(site.requests) == 4

    def test_a_broken_connection_is_tried_again(self, network: Network, site: Site) -> None:
        def cut(request: Request) -> None:
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            request.wfile.write(b"half")
            request.hang_up()

        site.faults["/x"] = [cut]
        site.body("/x", b"whole")
        assert network.get(f"{site.base}/x", limit=2000).body == b"whole"
        assert len(site.requests) == 2

    def test_nobody_there_is_not_tried_again(self, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
        with serve() as gone:
            address = gone.base
        monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("paused for another try"))
        with pytest.raises(NetworkError) as caught:
            network.get(f"{address}/x", limit=100)
        assert not isinstance(caught.value, TransientError)
        assert caught.value.message.startswith(f"{address}/x: ")

    def test_offline(self, site: Site) -> None:
        with Network({}, offline=True) as network, pytest.raises(NetworkError) as caught:
            network.get(f"{site.base}/x?token=hunter2", limit=100)
        assert caught.value.hint == "unset GVMPY_OFFLINE"
        assert "hunter2" not in str(caught.value)
        assert site.requests == []

    @pytest.mark.parametrize(
        "url", ["https://", "https://[", "https://x:99999/", "https://\ud800/", "nothing", "", "https://a b/"]
    )
    def test_no_address_at_all(self, network: Network, url: str) -> None:
        with pytest.raises(NetworkError):
            network.get(url, limit=100)


class TestPlain:
    @pytest.mark.parametrize("url", ["http://mirror.example/x", "http://10.0.0.1/x", "ftp://x.example/", "x"])
    def test_only_https(self, network: Network, url: str) -> None:
        with pytest.raises(NetworkError, match="is not https"):
            network.get(url, limit=100)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_loopback_may_be_plain(self, network: Network, site: Site, host: str) -> None:
        site.body("/x", b"ok")
        address = site.base.replace("127.0.0.1", host)
        assert network.get(f"{address}/x", limit=100).body == b"ok"

    def test_loopback_is_never_asked_through_a_proxy(self, site: Site) -> None:
        site.body("/x", b"ok")
        proxy = "http://proxy.invalid:1"
        with Network({"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy}) as network:
            assert network.get(f"{site.base}/x", limit=100).body == b"ok"

    def test_credentials_are_refused(self, network: Network, site: Site) -> None:
        address = site.base.replace("http://", "http://user:hunter2@")
        with pytest.raises(NetworkError, match="refusing to pass credentials") as caught:
            network.get(f"{address}/x", limit=100)
        assert "hunter2" not in str(caught.value)
        assert site.requests == []

    def test_credentials_of_a_redirect_are_refused(self, network: Network, site: Site) -> None:
        target = site.base.replace("http://", "http://user:hunter2@")
        site.paths["/x"] = lambda request: request.answer(302, Location=f"{target}/y")
        with pytest.raises(NetworkError, match="refusing to pass credentials") as caught:
            network.get(f"{site.base}/x", limit=100)
        assert "hunter2" not in str(caught.value)
        assert site.asked("/y") == []


def redirect(target: str) -> Callable[[Request], None]:
    return lambda request: request.answer(302, Location=target)


class TestRedirects:
    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_followed(self, network: Network, site: Site, code: int) -> None:
        site.paths["/x"] = lambda request: request.answer(code, Location="/y?a=b")
        site.body("/y", b"there")
        assert network.get(f"{site.base}/x", limit=100).body == b"there"
        assert [path for path, _ in site.requests] == ["/x", "/y?a=b"]

    def test_to_another_loopback_server(self, network: Network, site: Site) -> None:
        with serve() as other:
            site.paths["/x"] = lambda request: request.answer(302, Location=f"{other.base}/y")
            other.body("/y", b"there")
            assert network.get(f"{site.base}/x", limit=100).body == b"there"

    @pytest.mark.parametrize(
        "target", ["http://mirror.example/x", "ftp://mirror.example/", "file:///etc/passwd"]
    )
    def test_to_other_than_https(self, network: Network, site: Site, target: str) -> None:
        site.paths["/x"] = lambda request: request.answer(302, Location=target)
        with pytest.raises(NetworkError, match="not https"):
            network.get(f"{site.base}/x", limit=100)

    @pytest.mark.parametrize("target", ["https://[", "https://x:99999/", "http://"])
    def test_to_nowhere(self, network: Network, site: Site, target: str) -> None:
        site.paths["/x"] = lambda request: request.answer(302, Location=target)
        with pytest.raises(NetworkError):
            network.get(f"{site.base}/x", limit=100)

    def test_without_an_end(self, network: Network, site: Site) -> None:
        site.paths["/x"] = lambda request: request.answer(302, Location="/x")
        with pytest.raises(NetworkError, match="redirects more than 10 times"):
            network.get(f"{site.base}/x", limit=100)
        assert len(site.requests) <= 11

    def test_nine_are_not_too_many(self, network: Network, site: Site) -> None:
        for number in range(9):
            site.paths[f"/{number}"] = redirect(f"/{number + 1}")
        site.body("/9", b"there")
        assert network.get(f"{site.base}/0", limit=100).body == b"there"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` with its key, in one file, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(_make_certificate())
    return path


def _make_certificate() -> bytes:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private


@contextlib.contextmanager
def secured(certificate: Path) -> Iterator[Site]:
    """Run a real https server on `localhost`."""
    from tests.support.loopback import Site, _Server

    site = Site()
    server = _Server(site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.base = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class TestTls:
    def test_the_systems_own_authorities_count(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A company's authority that OpenSSL is told about is trusted; httpx alone would ask certifi."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with secured(certificate) as site, Network({}) as network:
            site.body("/x", b"ok")
            assert network.get(f"{site.base}/x", limit=100).body == b"ok"

    def test_an_unknown_authority_is_refused_at_once(self, certificate: Path, network: Network) -> None:
        with secured(certificate) as site:
            with pytest.raises(NetworkError, match="certificate") as caught:
                network.get(f"{site.base}/x", limit=100)
            assert not isinstance(caught.value, TransientError)
            assert site.requests == []

    def test_https_never_falls_back_to_http(
        self, certificate: Path, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even to loopback, where plain http is else allowed."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with secured(certificate) as safe, Network({}) as network:
            safe.paths["/x"] = lambda request: request.answer(302, Location=f"{site.base}/y?key=hunter2")
            with pytest.raises(NetworkError) as caught:
                network.get(f"{safe.base}/x", limit=100)
        assert caught.value.message == f"{safe.base}/x redirects to {site.base}/y?…, which is not https"
        assert site.requests == []

    def test_credentials_go_over_https(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with secured(certificate) as site, Network({}) as network:
            site.body("/x", b"ok")
            address = site.base.replace("https://", "https://user:hunter2@")
            assert network.get(f"{address}/x", limit=100).body == b"ok"
            [headers] = site.asked("/x")
            assert headers["Authorization"].startswith("Basic ")

    def test_credentials_stay_with_their_host(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with secured(certificate) as first, secured(certificate) as second, Network({}) as network:
            first.paths["/x"] = lambda request: request.answer(302, Location=f"{second.base}/y")
            second.body("/y", b"ok")
            address = first.base.replace("https://", "https://user:hunter2@")
            assert network.get(f"{address}/x", limit=100).body == b"ok"
            assert "Authorization" in first.asked("/x")[0]
            assert "Authorization" not in second.asked("/y")[0]


class TestProxy:
    def test_https_goes_through_the_proxy(self) -> None:
        """The proxy sees one CONNECT for the host; what it refuses is a network failure."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            lines: list[bytes] = []

            def refuse() -> None:
                connection, _ = listener.accept()
                with connection:
                    lines.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

            thread = threading.Thread(target=refuse, daemon=True)
            thread.start()
            proxy = f"http://user:hunter2@127.0.0.1:{listener.getsockname()[1]}"
            with Network({"HTTPS_PROXY": proxy}) as network, pytest.raises(NetworkError) as caught:
                network.get("https://go.example/dl/", limit=100)
            thread.join(10)
        assert lines[0].startswith(b"CONNECT go.example:443 HTTP/1.1\r\n")
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        "proxy", ["http://", "http://[", "http://u:hunter2@[", "http://x:port", "ftp://u:hunter2@x"]
    )
    def test_unusable(self, proxy: str) -> None:
        with Network({"HTTPS_PROXY": proxy}) as network, pytest.raises((UsageError, NetworkError)) as caught:
            network.get("https://go.example/dl/", limit=100)
        assert "hunter2" not in str(caught.value)


class TestFiles:
    def test_read_and_missing(self, network: Network, tmp_path: Path) -> None:
        (tmp_path / "a b%").write_bytes(b"text")
        answer = network.get(f"file://{tmp_path}/a%20b%25", limit=10)
        assert (answer.status, answer.body) == (200, b"text")
        assert network.get(f"file://{tmp_path}/none", limit=10).status == 404
        assert network.get(f"file://{tmp_path}/a%20b%25/below", limit=10).status == 404

    def test_limit_and_directories(self, network: Network, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"text")
        with pytest.raises(NetworkError, match="more than 3 bytes"):
            network.get(f"file://{tmp_path}/x", limit=3)
        with pytest.raises(NetworkError, match="cannot read"):
            network.get(f"file://{tmp_path}", limit=3)


class TestAttempts:
    def test_counted(self) -> None:
        assert self._tries(TransientError("again")) == 4

    def test_other_failures_end_it(self) -> None:
        assert self._tries(NetworkError("for good")) == 1

    def _tries(self, error: NetworkError) -> int:
        tries = 0
        with contextlib.suppress(type(error)):
            for attempt in attempts():
                tries += 1
                with attempt:
                    raise error
        return tries

    def test_pauses_grow_and_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses: list[float] = []
        monkeypatch.setattr(time, "sleep", pauses.append)
        monkeypatch.setattr(random, "uniform", lambda low, high: high)
        monkeypatch.setattr(net, "_FIRST_PAUSE", 2.0)
        for attempt in attempts():
            with contextlib.suppress(TransientError), attempt:
                raise TransientError("again")
        assert pauses == [4.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/a/b", "https://x.example/a/b"),
        ("https://user:hunter2@x.example:8443/a", "https://x.example:8443/a"),
        ("https://hunter2@x.example/a", "https://x.example/a"),
        ("https://u@v:hunter2@x.example/a", "https://x.example/a"),
        ("https://x.example/a?token=hunter2", "https://x.example/a?…"),
        ("https://x.example/a#hunter2", "https://x.example/a"),
        ("https://[::1]:8080/a", "https://[::1]:8080/a"),
        ("file:///a/b", "file:///a/b"),
        ("file:///a/@v/b", "file:///a/@v/b"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown
    assert "hunter2" not in redact(url)


@pytest.mark.parametrize(
    "url", ["https://u:hunter2@[", "https://u:hunter2@[::1", "https://[u:hunter2]@x", "u:hunter2@x/y"]
)
def test_redact_of_what_is_no_address(url: str) -> None:
    assert "hunter2" not in redact(url)


def test_asks_nothing_of_the_network_before_it_must() -> None:
    """Opening one loads no certificates: that takes longer than many a command."""
    program = (
        "import ssl; ssl.create_default_context = None; from gvmpy.net import Network\nwith Network({}): pass"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
