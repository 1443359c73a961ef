"""The module source: its list, its `.info`, and GOPROXY's fall-back rules. Proofs are tested in trust/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gvmpy.config import Config
from gvmpy.errors import IntegrityError, NetworkError, NoSuchVersionError, UsageError
from gvmpy.goenv.settings import GoSettings
from gvmpy.home import Home
from gvmpy.net import Network
from gvmpy.platform import Platform
from gvmpy.releases.model import Context
from gvmpy.releases.sources.goproxy import MODULE, open_source
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gvmpy.releases.model import Artifact, Source
    from tests.support.loopback import Site

AMD64 = Platform("linux", "amd64")
LIST = f"/p/{MODULE}/@v/list"
INFO = f"/p/{MODULE}/@v/v0.0.1-go1.22.3.linux-amd64.info"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], Source]]:
    with Network({}) as network:

        def open_with(goproxy: str) -> Source:
            settings = GoSettings({"GOPROXY": goproxy}, [])
            return open_source(Context(Config(cache=tmp_path / "cache"), network, Home(tmp_path), settings))

        yield open_with


def test_the_list_is_for_this_platform(opened: Callable[[str], Source], site: Site) -> None:
    lines = [
        *("v0.0.1-go1.22.3.linux-amd64", "v0.0.1-go1.22.3.linux-arm64", "v0.0.1-go1.23rc1.linux-amd64"),
        *("v0.0.1-go1.20.linux-amd64", "v0.0.1-go1.20.0.linux-amd64", "v0.0.1-go1.21.linux-amd64"),
        *("v0.0.2-go1.22.4.linux-amd64", "v0.0.1-go1.9.2rc2.linux-amd64", "v0.0.1-go01.2.linux-amd64"),
        *("", "junk", "<html>", "v0.0.1-go1.22.5.linux-amd64 junk", "v0.0.1-go1.22.6.linux-amd64-x", "\xff"),
    ]
    site.body(LIST, "\r\n".join(lines).encode("latin-1"), "text/plain")
    found = {item.version.text: item.stable for item in opened(f"{site.base}/p").releases(AMD64)}
    assert found == {"1.22.3": True, "1.23rc1": False, "1.20": True}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>log in</html>", "something else than the .info"),
        (b"[]", "something else than the .info"),
        (b"{}", "something else than the .info"),
        (b"null", "something else than the .info"),
        (b"[" * 100_000, "something else than the .info"),
        (json.dumps({"Version": "v0.0.1-go1.22.4.linux-amd64"}).encode(), "something else than the .info"),
    ],
)
def test_other_than_the_info(opened: Callable[[str], Source], site: Site, body: bytes, reason: str) -> None:
    site.body(INFO, body)
    with pytest.raises(NetworkError, match=reason):
        opened(f"{site.base}/p").artifact(GoVersion.parse("1.22.3"), AMD64)


@pytest.mark.parametrize(
    ("code", "separator", "passes"),
    [
        (404, ",", True),
        (410, ",", True),
        (403, ",", False),
        (401, ",", False),
        (400, ",", False),
        (404, "|", True),
        (403, "|", True),
        (400, "|", True),
    ],
)
def test_fall_back(
    opened: Callable[[str], Source], site: Site, code: int, separator: str, passes: bool
) -> None:
    site.prefixes["/first/"] = lambda request: request.answer(code)
    site.body(LIST, b"v0.0.1-go1.22.3.linux-amd64\n", "text/plain")
    source = opened(f"{site.base}/first{separator}{site.base}/p")
    if passes:
        assert [item.version.text for item in source.releases(AMD64)] == ["1.22.3"]
        return
    with pytest.raises((NetworkError, NoSuchVersionError), match=f"/first answered {code} for list"):
        source.releases(AMD64)
    assert site.asked(LIST) == []


def test_off_ends_the_list(opened: Callable[[str], Source], site: Site) -> None:
    with pytest.raises(
        NetworkError, match="answered 404 for list; module downloads are disabled by GOPROXY=off"
    ):
        opened(f"{site.base}/none,off").releases(AMD64)


def test_every_reason_is_told_and_no_secret(opened: Callable[[str], Source], site: Site) -> None:
    source = opened(f"https://user:hunter2@127.0.0.1:1/x|{site.base}/none")
    with pytest.raises(NetworkError) as caught:
        source.artifact(GoVersion.parse("1.22.3"), AMD64)
    assert "hunter2" not in str(caught.value)
    first, second = caught.value.message.split("; ")
    assert first.startswith("https://127.0.0.1:1/x/")
    assert second == f"{site.base}/none answered 404 for v0.0.1-go1.22.3.linux-amd64.info"


def test_not_found_anywhere_is_no_network_failure(opened: Callable[[str], Source], site: Site) -> None:
    with pytest.raises(NoSuchVersionError):
        opened(f"{site.base}/a,{site.base}/b").artifact(GoVersion.parse("1.22.3"), AMD64)


def test_never_over_plain_http(opened: Callable[[str], Source]) -> None:
    with pytest.raises(NetworkError, match="is not https"):
        opened("http://proxy.example").releases(AMD64)


def test_an_unusable_list_is_the_users_mistake(opened: Callable[[str], Source]) -> None:
    with pytest.raises(UsageError):
        opened(",").releases(AMD64)


def test_our_own_setting_comes_first(tmp_path: Path, site: Site) -> None:
    site.body(LIST, b"v0.0.1-go1.22.3.linux-amd64\n", "text/plain")
    with Network({}) as network:
        config = Config(goproxy=f"{site.base}/p", cache=tmp_path)
        settings = GoSettings({"GOPROXY": "off"}, [])
        source = open_source(Context(config, network, Home(tmp_path), settings))
        assert len(source.releases(AMD64)) == 1


class TestPrivacy:
    """GOPRIVATE and GONOPROXY keep the module from the proxies, and are no way around the database."""

    def source(self, tmp_path: Path, network: Network, config: Config, **environ: str) -> Source:
        return open_source(Context(config, network, Home(tmp_path), GoSettings(environ, [])))

    @pytest.mark.parametrize(
        "environ",
        [
            {"GOPRIVATE": "*"},
            {"GOPRIVATE": "golang.org/toolchain"},
            {"GONOPROXY": "golang.org", "GOPRIVATE": "none"},
        ],
    )
    def test_the_proxy_is_not_asked(self, tmp_path: Path, site: Site, environ: dict[str, str]) -> None:
        with Network({}, offline=True) as network:
            source = self.source(tmp_path, network, Config(), GOPROXY=f"{site.base}/p", **environ)
            with pytest.raises(NetworkError, match=r"https://go.dev/dl/mod/.* was not asked") as caught:
                source.releases(AMD64)
        assert caught.value.hint is not None
        assert "export GONOPROXY=none" in caught.value.hint
        assert site.requests == []

    @pytest.mark.parametrize(
        "environ",
        [
            {"GOPRIVATE": "*.corp"},
            {"GOPRIVATE": "*", "GONOPROXY": "none"},
            {"GONOSUMDB": "*"},
            {"GOINSECURE": "*"},
        ],
    )
    def test_the_proxy_is_asked(self, tmp_path: Path, site: Site, environ: dict[str, str]) -> None:
        site.body(LIST, b"v0.0.1-go1.22.3.linux-amd64\n", "text/plain")
        with Network({}) as network:
            source = self.source(tmp_path, network, Config(), GOPROXY=f"{site.base}/p", **environ)
            assert len(source.releases(AMD64)) == 1

    def test_our_own_setting_is_no_business_of_gos(self, tmp_path: Path, site: Site) -> None:
        site.body(LIST, b"v0.0.1-go1.22.3.linux-amd64\n", "text/plain")
        with Network({}) as network:
            config = Config(goproxy=f"{site.base}/p")
            assert len(self.source(tmp_path, network, config, GOPRIVATE="*").releases(AMD64)) == 1


class TestGosumdbOff:
    def artifact(self, tmp_path: Path, site: Site, gosumdb: str) -> Artifact:
        settings = GoSettings({"GOPROXY": f"{site.base}/proxy", "GOSUMDB": gosumdb}, [])
        with Network({}) as network:
            context = Context(Config(cache=tmp_path / "cache"), network, Home(tmp_path), settings)
            return open_source(context).artifact(GoVersion.parse("1.22.3"), AMD64)

    @pytest.fixture
    def relay(self, site: Site) -> Site:
        info = {"Version": "v0.0.1-go1.22.3.linux-amd64", "Time": "2024-05-07T16:06:09Z"}
        site.body(INFO.replace("/p/", "/proxy/", 1), json.dumps(info).encode())
        recorded = Path(__file__).parents[1] / "trust" / "recorded"
        for file in recorded.rglob("*"):
            if file.is_file():
                site.file(f"/proxy/{file.relative_to(recorded)}", file)
        return site

    def test_is_told(self, tmp_path: Path, relay: Site) -> None:
        proven = self.artifact(tmp_path, relay, "off")
        assert proven.digest.value == "h1:LqXmlW4rn/rqR5z8Sz3hri+dYqwQ73YKgkSjm31jRFM="
        [note] = proven.notes
        assert note.startswith("GOSUMDB=off does not hold for toolchains")
        assert note.endswith("asking sum.golang.org")

    def test_nothing_is_told_otherwise(self, tmp_path: Path, relay: Site) -> None:
        assert self.artifact(tmp_path, relay, "").notes == ()

    @pytest.mark.parametrize("gosumdb", ["off", ""])
    def test_what_to_do_when_the_database_is_out_of_reach(
        self, tmp_path: Path, relay: Site, gosumdb: str
    ) -> None:
        relay.paths["/proxy/sumdb/sum.golang.org/supported"] = lambda request: request.answer(401)
        with pytest.raises(NetworkError, match="answered 401") as caught:
            self.artifact(tmp_path, relay, gosumdb)
        assert ("GOSUMDB=off does not hold" in (caught.value.hint or "")) is (gosumdb == "off")
        assert not (tmp_path / "state").exists()


class TestGosOwnHead:
    @pytest.mark.parametrize("environ", [{"HOME": "home"}, {"GOPATH": "home/go:other"}])
    def test_binds_the_database(self, tmp_path: Path, site: Site, environ: dict[str, str]) -> None:
        """A head below GOPATH that is not the database's own is refused before anything is asked."""
        latest = tmp_path / "home/go/pkg/sumdb/sum.golang.org/latest"
        latest.parent.mkdir(parents=True)
        latest.write_text("junk")
        environ = {name: str(tmp_path / value) for name, value in environ.items()}
        with Network({}) as network:
            settings = GoSettings(environ | {"GOPROXY": f"{site.base}/proxy"}, [])
            context = Context(Config(cache=tmp_path / "cache"), network, Home(tmp_path), settings)
            info = {"Version": "v0.0.1-go1.22.3.linux-amd64"}
            site.body(INFO.replace("/p/", "/proxy/", 1), json.dumps(info).encode())
            with pytest.raises(IntegrityError, match="is not the signed tree head") as caught:
                open_source(context).artifact(GoVersion.parse("1.22.3"), AMD64)
        assert str(latest) in caught.value.message
        assert latest.read_text() == "junk"
