"""`gvmpy profile test`, and beside it a real `go mod download` under the same settings."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import NEW
from tests.cli.test_config import written
from tests.support import modules
from tests.support.certificates import make_authority
from tests.support.loopback import serve
from tests.support.toolchains import SUMDB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site

INFO = f"/proxy/{modules.MODULE}/@v/{modules.VERSION}.info"
SUPPORTED = f"/proxy/sumdb/{SUMDB}/supported"
CLOSED = "http://127.0.0.1:1"


def tried(user: User, settings: dict[str, str], *options: str, **env: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the data of a test of a profile with these settings."""
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    file = user.home / "config.toml"
    file.write_text(f"[profiles.p]\n{lines}")
    more = env | {"GVMPY_CONFIG": str(file)}
    result = user.run("profile", "test", "p", "--json", *options, **more)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert document["errors"] == [], document
    assert result.returncode == document["exit_code"]
    return result.returncode, document["data"]


def outcomes(data: dict[str, Any]) -> list[str]:
    return [element["outcome"] for element in data["elements"]]


@pytest.fixture
def go(shared_root: Path, user: User) -> Callable[..., bool]:
    """Whether a real go can download the module, from nothing, under these settings."""

    def download(settings: dict[str, str], **env: str) -> bool:
        place = user.home / f"go{time.monotonic_ns()}"
        own = {
            "HOME": str(place),
            "GOPATH": str(place),
            "GOCACHE": str(place),
            "GOENV": "off",
            "PATH": "/usr/bin:/bin",
        }
        own |= {"GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw", **env, **settings}
        binary = shared_root / "versions" / f"go{NEW}" / "bin" / "go"
        command = [str(binary), "mod", "download", f"{modules.MODULE}@{modules.VERSION}"]
        finished = subprocess.run(
            command, env=own, cwd=user.home, capture_output=True, check=False, timeout=120
        )
        return finished.returncode == 0

    return download


@pytest.fixture
def proxy(site: Site) -> str:
    return modules.serve_module(site)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    return make_authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def company(authority: tuple[Any, Path]) -> Iterator[Site]:
    """A module proxy over https, for ada alone."""
    with serve(authority[0]) as running:
        modules.serve_module(running)
        modules.guard(running, "ada:pa55")
        yield running


class TestCredentialsAndCertificates:
    @pytest.mark.parametrize(
        ("userinfo", "trusted", "outcome", "said"),
        [
            ("ada:pa55@", True, "served", "served"),
            ("ada:wr0ng@", True, "credentials", "user and password are not accepted"),
            ("", True, "credentials", "it wants a user and a password"),
            ("ada:pa55@", False, "tls", "certificate verify failed"),
        ],
    )
    def test_each_is_told_apart(
        self,
        user: User,
        company: Site,
        authority: tuple[Any, Path],
        go: Callable[..., bool],
        userinfo: str,
        trusted: bool,
        outcome: str,
        said: str,
    ) -> None:
        base = company.base.replace("https://", f"https://{userinfo}")
        settings = {"GOPROXY": f"{base}/proxy"}
        trust = {"SSL_CERT_FILE": str(authority[1])} if trusted else {}
        code, data = tried(user, settings, **trust)
        [element] = data["elements"]
        assert element["outcome"] == outcome
        assert said in element["reason"]
        assert element["address"] == f"{company.base}/proxy"
        assert "pa55" not in json.dumps(data)
        assert "wr0ng" not in json.dumps(data)
        works = outcome == "served"
        assert (code, data["works"]) == ((0, True) if works else (1, False))
        assert go(settings, **trust) is works
        if works:
            assert element["relays_sumdb"] is True
            assert data["sumdb"]["outcome"] == "served"
            assert data["sumdb"]["address"] == f"{company.base}/proxy/sumdb/{SUMDB}"


def answering(status: int) -> Callable[[Request], None]:
    return lambda request: request.answer(status, b"<html>" if status == 200 else b"")


class TestFallThrough:
    @pytest.mark.parametrize("separator", [",", "|"])
    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (404, "not-found"),
            (410, "not-found"),
            (403, "forbidden"),
            (500, "failed"),
            (200, "not-a-proxy"),
            (None, "unreachable"),
        ],
    )
    def test_as_go_does(
        self,
        user: User,
        site: Site,
        proxy: str,
        go: Callable[..., bool],
        separator: str,
        status: int | None,
        outcome: str,
    ) -> None:
        first = CLOSED
        if status is not None:
            site.prefixes["/other/"] = answering(status)
            first = f"{site.base}/other"
        settings = {"GOPROXY": f"{first}{separator}{proxy}", "GOSUMDB": "off"}
        code, data = tried(user, settings)
        assert outcomes(data) == [outcome, "served"]
        goes_on = outcome == "not-found" or (separator == "|" and outcome != "not-a-proxy")
        assert [element["goes_on"] for element in data["elements"]] == [goes_on, False]
        assert [element["reached"] for element in data["elements"]] == [True, goes_on]
        assert (code, data["works"]) == ((0, True) if goes_on else (1, False))
        assert go(settings) is goes_on

    def test_one_that_never_answers(self, user: User, site: Site, proxy: str) -> None:
        site.prefixes["/slow/"] = lambda request: time.sleep(3)
        settings = {"GOPROXY": f"{site.base}/slow|{proxy}", "GOSUMDB": "off"}
        code, data = tried(user, settings, "--timeout", "0.5")
        assert outcomes(data) == ["timeout", "served"]
        assert code == 0

    def test_a_table_for_people(self, user: User, site: Site, proxy: str) -> None:
        settings = f'GOPROXY = "{site.base}/other,{proxy}"'
        written(user, f"[profiles.p]\n{settings}\n")
        result = user.run("profile", "test", "p")
        assert (result.returncode, result.stderr) == (0, "")
        rows = [line.split() for line in result.stdout.splitlines()]
        assert rows[0] == ["ASKED", "ANSWER", "TIME", "RELAYS", "SUMDB", "THEN", "GO"]
        assert [row[:2] for row in rows[1:4]] == [
            [f"{site.base}/other", "not-found"],
            [proxy, "served"],
            ["sumdb:", f"{proxy}/sumdb/{SUMDB}"],
        ]
        assert rows[1][3:] == ["ms", "no", "goes", "on"]
        assert rows[2][3:] == ["ms", "yes", "takes", "it"]
        assert result.stdout.endswith(f"a build works: {proxy} serves the module\n")


class TestChecksumDatabase:
    @pytest.mark.parametrize(
        ("status", "separator", "works"), [(500, "", False), (500, "|", True), (403, "", False)]
    )
    def test_a_relay_that_fails(
        self,
        user: User,
        site: Site,
        proxy: str,
        go: Callable[..., bool],
        status: int,
        separator: str,
        works: bool,
    ) -> None:
        """Behind `|` Go would go on to the database itself, which is a second proxy's relay here."""
        site.paths[f"/first/sumdb/{SUMDB}/supported"] = answering(status)
        for suffix in ("info", "mod", "zip"):
            path = f"/{modules.MODULE}/@v/{modules.VERSION}.{suffix}"
            site.paths[f"/first{path}"] = site.paths[f"/proxy{path}"]
        settings = {"GOPROXY": f"{site.base}/first{separator}{proxy if separator else ''}"}
        code, data = tried(user, settings)
        assert (code, data["works"]) == ((0, True) if works else (1, False))
        assert data["elements"][0]["relays_sumdb"] is None
        assert go(settings) is works

    def test_one_that_does_not_relay(
        self, user: User, site: Site, proxy: str, go: Callable[..., bool]
    ) -> None:
        site.paths[SUPPORTED] = answering(404)
        explicit = f"{SUMDB} {proxy}/sumdb/{SUMDB}"
        code, data = tried(user, {"GOPROXY": proxy, "GOSUMDB": explicit})
        assert (code, data["sumdb"]["outcome"]) == (0, "served")
        assert go({"GOPROXY": proxy, "GOSUMDB": explicit})
        code, data = tried(user, {"GOPROXY": proxy})
        assert data["elements"][0]["relays_sumdb"] is False
        assert data["sumdb"]["address"] == f"https://{SUMDB}"

    def test_a_forged_answer(self, user: User, site: Site, proxy: str, go: Callable[..., bool]) -> None:
        path = f"/proxy/sumdb/{SUMDB}/lookup/{modules.MODULE}@{modules.VERSION}"
        site.body(path, b"1\nrsc.io/quote v1.5.2 h1:x\n\ngo.sum database tree\n1\nx\n\n", "text/plain")
        code, data = tried(user, {"GOPROXY": proxy})
        assert (code, data["sumdb"]["outcome"]) == (1, "not-a-proxy")
        assert not go({"GOPROXY": proxy})

    @pytest.mark.parametrize(
        "setting", [{"GOSUMDB": "off"}, {"GONOSUMDB": "rsc.io"}, {"GONOSUMDB": "x,*.io/quote"}]
    )
    def test_none_is_asked(
        self, user: User, site: Site, proxy: str, go: Callable[..., bool], setting: dict[str, str]
    ) -> None:
        site.paths[SUPPORTED] = answering(500)
        settings = {"GOPROXY": proxy, **setting}
        code, data = tried(user, settings)
        assert (code, data["sumdb"]) == (0, None)
        assert site.asked(SUPPORTED) == []
        assert go(settings)


def turn_away(gate: socket.socket) -> None:
    """Answer everybody as an HTTP proxy does that does not know them."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = gate.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


class TestWithoutANetwork:
    def test_a_directory(self, user: User, go: Callable[..., bool]) -> None:
        settings = {"GOPROXY": f"file://{modules.fetch()}", "GOSUMDB": "off"}
        code, data = tried(user, settings)
        assert (code, outcomes(data), data["warnings"]) == (0, ["served"], [])
        assert go(settings)
        code, data = tried(user, {"GOPROXY": "file:///nonexistent", "GOSUMDB": "off"})
        assert (code, outcomes(data)) == (1, ["not-found"])

    def test_off_asks_nobody(self, user: User, site: Site, go: Callable[..., bool]) -> None:
        settings = {"GOPROXY": f"off,{site.base}"}
        code, data = tried(user, settings)
        assert (code, outcomes(data), data["sumdb"]) == (1, ["off"], None)
        assert site.requests == []
        assert not go(settings)

    def test_what_is_private_goes_direct(self, user: User, proxy: str) -> None:
        """With the network taken away, so that nobody outside is asked: the proxy would have served it."""
        settings = {"GOPROXY": proxy, "GOPRIVATE": "rsc.io", "HTTPS_PROXY": CLOSED}
        code, data = tried(user, settings)
        assert (code, outcomes(data), data["sumdb"]) == (1, ["unreachable"], None)
        assert [element["address"] for element in data["elements"]] == ["direct"]

    def test_an_http_proxy_that_wants_a_password(self, user: User) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gate:
            threading.Thread(target=turn_away, args=(gate,), daemon=True).start()
            way = f"http://ada:pa55@127.0.0.1:{gate.getsockname()[1]}"
            settings = {"GOPROXY": "https://goproxy.corp", "GOSUMDB": "off", "HTTPS_PROXY": way}
            code, data = tried(user, settings)
        assert (code, outcomes(data)) == (1, ["credentials"])
        assert "pa55" not in json.dumps(data)

    def test_a_way_that_leaves_https(
        self, user: User, company: Site, authority: tuple[Any, Path], go: Callable[..., bool]
    ) -> None:
        company.paths.clear()
        company.prefixes["/proxy/"] = lambda request: request.answer(302, Location=f"{CLOSED}/x")
        settings, trust = {"GOPROXY": f"{company.base}/proxy"}, {"SSL_CERT_FILE": str(authority[1])}
        code, data = tried(user, settings, **trust)
        assert (code, outcomes(data)) == (1, ["failed"])
        assert "redirects to" in data["elements"][0]["reason"]
        assert not go(settings, **trust)

    def test_what_cannot_be_told(self, user: User, proxy: str) -> None:
        code, data = tried(user, {"GOPROXY": proxy}, GVMPY_OFFLINE="1")
        assert (code, data["works"], outcomes(data)) == (2, None, ["not-asked"])
        code, data = tried(user, {"GOPROXY": "http://goproxy.corp:3000"})
        assert (code, data["works"], outcomes(data)) == (2, None, ["not-asked"])
        assert "plain http" in data["elements"][0]["reason"]


def test_without_a_name_it_is_what_go_would_do_here(user: User, site: Site, proxy: str) -> None:
    """Whatever profile is in use now, another one is tried as if it were not."""
    file = user.home / ".config" / "go" / "env"
    file.parent.mkdir(parents=True)
    file.write_text(f"GOPROXY={proxy}\nGOSUMDB=off\n")
    assert user.run("profile", "test").returncode == 0
    assert user.run("profile", "use", "offline").returncode == 0
    assert user.run("profile", "test").returncode == 1
    assert user.run("profile", "test", "default").returncode == 0
    assert user.run("profile", "test", "--module", "rsc.io/none@v1.0.0", "default").returncode == 1
    assert user.run("profile", "test", "--module", "../x", "default").returncode == 2
