"""Who gets credentials and who does not; over real https on loopback."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import NetworkError, UsageError
from gvmpy.goenv.credentials import Credentials, GoAuth, parse_goauth
from gvmpy.goenv.settings import GoSettings
from gvmpy.net import Network
from gvmpy.platform import host as host_platform
from tests.test_net import _make_certificate, secured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def credentials(tmp_path: Path, netrc: str, goauth: str = "") -> Credentials:
    (tmp_path / "netrc").write_text(netrc)
    environ = {"NETRC": str(tmp_path / "netrc"), "GOAUTH": goauth}
    return Credentials(GoSettings(environ, []), environ)


class TestGoAuth:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", GoAuth(netrc=True)),
            ("netrc", GoAuth(netrc=True)),
            (" netrc ", GoAuth(netrc=True)),
            ("off", GoAuth(netrc=False)),
            ("git /home/ada", GoAuth(netrc=False, unsupported=("git",))),
            ("netrc; git /a; git /b; /bin/tok --key x", GoAuth(netrc=True, unsupported=("git", "command"))),
        ],
    )
    def test_parsed(self, text: str, expected: GoAuth) -> None:
        assert parse_goauth(text) == expected

    @pytest.mark.parametrize("text", [";", "netrc;", "netrc;;git /a", " "])
    def test_empty_methods_are_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="empty method"):
            parse_goauth(text)

    def test_off_stands_alone(self) -> None:
        with pytest.raises(UsageError, match="cannot be combined"):
            parse_goauth("netrc; off")


class TestChoice:
    NETRC = (
        "machine a.example login one password 1\n"
        "machine a.example login two password 2\n"
        "machine a.example/deep/er login three password 3\n"
        "machine b.example:8443 login four password 4\n"
        "machine https://c.example/ login five password 5\n"
    )

    @pytest.mark.parametrize(
        ("url", "pair"),
        [
            ("https://a.example", "one:1"),
            ("https://a.example/", "one:1"),
            ("https://a.example/x/@v/list", "one:1"),
            ("https://a.example/deep", "one:1"),
            ("https://a.example/deep/er/x", "three:3"),
            ("https://a.example/deep/erx", "one:1"),
            ("https://b.example:8443/x", "four:4"),
            ("https://c.example/x", "five:5"),
            ("https://b.example/x", None),
            ("https://a.example:8443/x", None),
            ("https://sub.a.example/x", None),
            ("https://a.example.evil/x", None),
            ("https://evil/a.example", None),
            ("http://a.example/x", None),
        ],
    )
    def test_by_the_longest_prefix(self, tmp_path: Path, url: str, pair: str | None) -> None:
        expected = basic(pair) if pair else None
        assert credentials(tmp_path, self.NETRC).authorization(url) == expected

    @pytest.mark.parametrize("goauth", ["off", "git /x", "/bin/false"])
    def test_none_where_netrc_is_not_asked_for(self, tmp_path: Path, goauth: str) -> None:
        assert credentials(tmp_path, self.NETRC, goauth).authorization("https://a.example") is None

    def test_a_command_is_never_run(self, tmp_path: Path) -> None:
        marker = tmp_path / "ran"
        asked = credentials(tmp_path, "", f"touch {marker}")
        assert asked.authorization("https://a.example") is None
        advice = "GOAUTH has `command`, which gvmpy does not run: put user and password into netrc"
        assert asked.advice() == advice
        assert not marker.exists()

    def test_a_netrc_that_cannot_be_read_is_told_when_it_matters(self, tmp_path: Path) -> None:
        environ = {"NETRC": str(tmp_path)}
        asked = Credentials(GoSettings(environ, []), environ)
        assert asked.authorization("https://a.example") is None
        assert asked.advice() == f"cannot read `{tmp_path}`: Is a directory"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(_make_certificate())
    return path


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with secured(certificate) as site:
        yield site


def host(site: Site) -> str:
    return site.base.removeprefix("https://")


class TestOverHttps:
    def opened(self, tmp_path: Path, netrc: str) -> Network:
        return Network({}, authorizer=credentials(tmp_path, netrc))

    def test_sent_at_once_to_the_host_it_is_for(self, tmp_path: Path, secure: Site) -> None:
        secure.body("/x", b"ok")
        with self.opened(tmp_path, f"machine {host(secure)} login ada password hunter2") as network:
            network.get(f"{secure.base}/x", limit=100)
        assert [headers["Authorization"] for headers in secure.asked("/x")] == [basic("ada:hunter2")]

    def test_the_url_wins(self, tmp_path: Path, secure: Site) -> None:
        secure.body("/x", b"ok")
        with self.opened(tmp_path, f"machine {host(secure)} login ada password hunter2") as network:
            network.get(secure.base.replace("//", "//bob:secret@") + "/x", limit=100)
        assert [headers["Authorization"] for headers in secure.asked("/x")] == [basic("bob:secret")]

    @pytest.mark.parametrize("userinfo", ["", "bob:secret@"])
    def test_gone_after_a_redirect_to_another_host(
        self, tmp_path: Path, certificate: Path, secure: Site, userinfo: str
    ) -> None:
        """Not even the entry that the other host has of its own is sent there: go does not, either."""
        with secured(certificate) as other:
            other.body("/y", b"ok")
            secure.paths["/x"] = lambda request: request.answer(302, Location=f"{other.base}/y")
            entry = "machine {} login ada password hunter2\n"
            with self.opened(tmp_path, entry.format(host(secure)) + entry.format(host(other))) as network:
                address = secure.base.replace("//", f"//{userinfo}") + "/x"
                assert network.get(address, limit=100).body == b"ok"
            assert "Authorization" in secure.asked("/x")[0]
            assert "Authorization" not in other.asked("/y")[0]

    def test_kept_within_the_host(self, tmp_path: Path, secure: Site) -> None:
        secure.paths["/x"] = lambda request: request.answer(302, Location="/y")
        secure.body("/y", b"ok")
        with self.opened(tmp_path, f"machine {host(secure)} login ada password hunter2") as network:
            assert network.get(f"{secure.base}/x", limit=100).body == b"ok"
        assert secure.asked("/y")[0]["Authorization"] == basic("ada:hunter2")

    def test_not_over_plain_http(self, tmp_path: Path, site: Site) -> None:
        site.body("/x", b"ok")
        netrc = f"machine {site.base.removeprefix('http://')} login ada password hunter2"
        with self.opened(tmp_path, netrc) as network:
            network.get(f"{site.base}/x", limit=100)
        assert "Authorization" not in site.asked("/x")[0]

    def test_never_in_an_error(self, tmp_path: Path, secure: Site) -> None:
        secure.paths["/x"] = lambda request: request.answer(302, Location="http://elsewhere.example/")
        with (
            self.opened(tmp_path, f"machine {host(secure)} login ada password hunter2") as network,
            pytest.raises(NetworkError) as caught,
        ):
            network.get(f"{secure.base}/x", limit=100)
        told = str(caught.value) + repr(caught.value.details) + str(caught.value.hint)
        assert "hunter2" not in told
        assert basic("ada:hunter2").split()[1] not in told


def locked(answer: Callable[[Request], None]) -> Callable[[Request], None]:
    def handler(request: Request) -> None:
        if request.headers.get("Authorization") == basic("ada:hunter2"):
            answer(request)
        else:
            request.answer(401, b"who are you?")

    return handler


class TestTheProgram:
    LIST = "/proxy/golang.org/toolchain/@v/list"

    @pytest.fixture
    def proxy(self, secure: Site, user: User, certificate: Path) -> Site:
        listed = b"v0.0.1-go1.22.3.linux-amd64\nv0.0.1-go1.22.3.linux-arm64\n"
        secure.paths[self.LIST] = locked(lambda request: request.answer(200, listed))
        user.env |= {"GVMPY_SOURCES": "goproxy", "SSL_CERT_FILE": str(certificate)}
        user.env["GOPROXY"] = f"{secure.base}/proxy"
        return secure

    def test_netrc_opens_the_proxy(self, proxy: Site, user: User) -> None:
        (user.home / ".netrc").write_text(f"machine {host(proxy)}\nlogin ada\npassword hunter2\n")
        result = user.run("list", "--remote")
        assert result.returncode == 0
        assert "1.22.3" in result.stdout

    def test_without_one(self, proxy: Site, user: User) -> None:
        result = user.run("list", "--remote")
        assert result.returncode == 4
        assert "answered 401 for list" in result.stderr
        hint = "check the user and password in GOPROXY, or the entry of its host in netrc"
        assert f"hint: {hint}\n" in result.stderr

    def test_goauth_off(self, proxy: Site, user: User) -> None:
        (user.home / ".netrc").write_text(f"machine {host(proxy)} login ada password hunter2\n")
        result = user.run("list", "--remote", GOAUTH="off")
        assert result.returncode == 4
        assert "Authorization" not in proxy.asked(self.LIST)[0]

    def test_goauth_command(self, proxy: Site, user: User) -> None:
        goauth = f"touch {user.home}/ran; git {user.home}"
        for more in ([], ["--json"]):
            result = user.run("list", "--remote", *more, GOAUTH=goauth)
            assert result.returncode == 4
            told = result.stderr + result.stdout
            assert "GOAUTH has `command` and `git`, which gvmpy does not run" in told
        assert not (user.home / "ran").exists()

    def test_a_proxy_that_hides_from_strangers(self, proxy: Site, user: User) -> None:
        result = user.run("install", "1.22.3", GOAUTH="git /nowhere")
        assert result.returncode == 3
        advice = "GOAUTH has `git`, which gvmpy does not run: put user and password into netrc"
        assert f"answered 404 for v0.0.1-go1.22.3.{host_platform()}.info ({advice})\n" in result.stderr

    def test_wrong_password_is_told_nowhere(self, proxy: Site, user: User) -> None:
        (user.home / ".netrc").write_text(f"machine {host(proxy)} login ada password S3CRET\n")
        for more in ([], ["--json"]):
            result = user.run("list", "--remote", *more)
            assert result.returncode == 4
            assert "S3CRET" not in result.stdout + result.stderr
            assert basic("ada:S3CRET").split()[1] not in result.stdout + result.stderr
