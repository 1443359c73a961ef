"""Mirrors' directory pages: read for what lies there when nobody else can say, and for nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvmpy.errors import NetworkError, NoSuchVersionError
from gvmpy.net import Network
from gvmpy.platform import Platform, host
from gvmpy.releases.listing import mirror_releases, read_names

if TYPE_CHECKING:
    from tests.conftest import User
    from tests.support.loopback import Site

RECORDED = Path(__file__).with_name("recorded") / "listings"
PAGES = sorted(path.name for path in RECORDED.glob("*.html"))
ARCHIVES = {
    *(f"go{name}.tar.gz" for name in ("1.20.linux-amd64", "1.21.6.linux-amd64", "1.22.3.linux-amd64")),
    *(f"go{name}.tar.gz" for name in ("1.22.3.linux-arm64", "1.22.3.linux-armv6l", "1.25.5.linux-amd64")),
    *(f"go{name}.tar.gz" for name in ("1.26rc1.linux-amd64", "1.9.2rc2.linux-amd64")),
}
AMD64, ARM = Platform("linux", "amd64"), Platform("linux", "arm")


def listed(site: Site, platform: Platform) -> list[str]:
    with Network({}) as network:
        return sorted(item.version.text for item in mirror_releases(network, f"{site.base}/m", platform))


class TestRealServers:
    @pytest.mark.parametrize("page", PAGES)
    def test_names(self, page: str) -> None:
        assert read_names((RECORDED / page).read_bytes()) == ARCHIVES

    def test_there_are_four(self) -> None:
        assert [
            *("apache-pre.html", "apache-table.html", "nginx-autoindex.html", "nginx-fancyindex.html")
        ] == PAGES

    @pytest.mark.parametrize("page", PAGES)
    def test_releases(self, site: Site, page: str) -> None:
        site.body("/m/", (RECORDED / page).read_bytes(), "text/html;charset=UTF-8")
        assert listed(site, AMD64) == ["1.20", "1.21.6", "1.22.3", "1.25.5", "1.26rc1"]
        assert listed(site, ARM) == ["1.22.3"]
        with pytest.raises(NoSuchVersionError, match="lists no Go for linux-s390x"):
            listed(site, Platform("linux", "s390x"))


class TestHostilePages:
    @pytest.mark.parametrize(
        "link",
        [
            "../go1.22.3.linux-amd64.tar.gz",
            "/go1.22.3.linux-amd64.tar.gz",
            "https://evil.example/go1.22.3.linux-amd64.tar.gz",
            "go1.22.3.linux-amd64.tar.gz?x",
            "go1.22.3.linux-amd64.tar.gz/",
            "go1.22.3%2f..%2fx.linux-amd64.tar.gz",
            "go1.22.3.linux-amd64.tar.gz%0a",
            "go1.22.3.linux-amd64.tar.gz&#10;",
            "GO1.22.3.linux-amd64.tar.gz",
            "go1.22.3.linux-amd64.zip",
            f"go{'1' * 400}.linux-amd64.tar.gz",
            "",
        ],
    )
    def test_links_to_elsewhere(self, link: str) -> None:
        good = "go1.21.6.linux-amd64.tar.gz"
        assert read_names(f'<a href="{link}">{good}</a><a href="./{good}">x</a>'.encode()) == {good}

    def test_only_links_count(self) -> None:
        name = "go1.22.3.linux-amd64.tar.gz"
        assert read_names(f"<p>{name}</p><!-- <a href={name}> --><img src={name}>".encode()) == set()

    @pytest.mark.parametrize(
        "unit", ["<!--", "</", "<a ", "<a href='", "<![CDATA[", "&#x", "<?", "<script>", "<a href=x ", "<"]
    )
    def test_tags_without_an_end(self, unit: str) -> None:
        """What Python's parser would chew on for as long as the page is long, squared."""
        page = (unit * (1 << 18))[: 1 << 18].encode()
        if unit == "<":  # is text, and comes to an end by itself
            assert read_names(page) == set()
            return
        with pytest.raises(ValueError, match="a tag has no end"):
            read_names(page)

    @settings(max_examples=200, deadline=None)
    @given(st.text(alphabet="<>/!-[]&#;'\"= ahrefgo1.linux-amd64.tar.gz\n", max_size=200) | st.text())
    def test_junk_never_crashes(self, text: str) -> None:
        read_names(text.encode("utf-8", "surrogatepass"))

    def test_too_much(self, site: Site) -> None:
        site.body("/m/", b" " * ((8 << 20) + 1), "text/html")
        with pytest.raises(NetworkError, match="answered more than"):
            listed(site, AMD64)

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
    def test_no_page(self, site: Site, kind: str) -> None:
        site.body("/m/", b"<a href=go1.22.3.linux-amd64.tar.gz>", kind)
        with pytest.raises(NetworkError, match="is no directory page"):
            listed(site, AMD64)


@pytest.fixture
def cut_off(user: User, site: Site) -> User:
    """Somebody who reaches one mirror and no index; another mirror shows nothing."""
    page = (RECORDED / "nginx-fancyindex.html").read_text().replace("linux-amd64", host().archive_suffix)
    site.body("/m/", page.encode(), "text/html; charset=utf-8")
    user.env |= {"GVMPY_SOURCES": "official,goproxy", "GOPROXY": "off"}
    user.env |= {
        "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/",
        "GVMPY_MIRRORS": f"{site.base}/none/,{site.base}/m",
    }
    return user


def test_list_shows_what_lies_there(cut_off: User, site: Site) -> None:
    result = cut_off.run("list", "--remote")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "1.20    end of life",
        "1.21.6  end of life",
        "1.22.3  oldstable, end of life",
        "1.25.5  stable",
    ]
    assert result.stderr.splitlines() == [
        f"note: official: the index at {site.base}/dl/ answered 404",
        "note: goproxy: module downloads are disabled by GOPROXY=off",
        f"note: mirror: {site.base}/none/ answered 404",
        f"note: listed by {site.base}/m/",
        "note: a directory page tells what lies there; installing needs a source that proves it",
    ]
    document = json.loads(cut_off.run("list", "--remote", "--json", "^1.22").stdout)
    data = document["data"]
    assert (data["source"], data["directory_page"], data["as_of"]) == (f"{site.base}/m/", True, None)
    assert [entry["version"] for entry in data["versions"]] == ["1.22.3", "1.25.5"]


@pytest.mark.parametrize("request_", ["latest", "1.22", "1.22.3"])
def test_nothing_is_installed_by_it(cut_off: User, site: Site, request_: str) -> None:
    """Neither a digest nor a choice of version comes from such a page, nor from a sum that lies beside."""
    name = f"go1.22.3.{host().archive_suffix}.tar.gz"
    site.body(f"/m/{name}", b"\x1f\x8b", "application/gzip")
    site.body(f"/m/{name}.sha256", b"0" * 64, "text/plain")
    result = cut_off.run("install", request_)
    assert result.returncode == 4
    assert not [path for path, _ in site.requests if path.startswith("/m")]


def test_a_source_that_answers_goes_first(cut_off: User, site: Site) -> None:
    site.body("/dl/", b"[]")
    result = cut_off.run("list", "--remote", GVMPY_SOURCES="official")
    assert result.returncode == 3
    assert not [path for path, _ in site.requests if path.startswith("/m")]
