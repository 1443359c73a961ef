"""The download index as it really is: odd entries are not on offer, and no digest means no download."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvmpy.config import Config
from gvmpy.errors import GvmpyError, IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.goenv.settings import GoSettings
from gvmpy.home import Home
from gvmpy.net import Network
from gvmpy.platform import Platform
from gvmpy.releases.model import Address, Context
from gvmpy.releases.pages import host_of
from gvmpy.releases.sources.official import open_source
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gvmpy.releases.model import Source
    from tests.support.loopback import Site

AMD64, ARM = Platform("linux", "amd64"), Platform("linux", "arm")
SHA = "8920ea521bad8f6b7bc377b4824982e011c19af27df88a815e3586ea895f1b36"


def entry(name: str, **changed: Any) -> dict[str, Any]:
    version = name.partition(".linux")[0].partition(".darwin")[0].partition(".src")[0]
    told = {
        "filename": name,
        "os": "linux",
        "arch": "amd64",
        "version": version,
        "sha256": SHA,
        "size": 69_000_000,
    }
    return told | {"kind": "archive"} | changed


def release(version: str, *files: Any, stable: Any = True) -> dict[str, Any]:
    return {"version": version, "stable": stable, "files": list(files)}


# As in the real index of 2021: releases without digests, a bootstrap kit under `go1`, old file names.
WARTS: list[Any] = [
    release(
        "go1.22.3",
        entry("go1.22.3.src.tar.gz", os="", arch="", kind="source"),
        entry("go1.22.3.linux-amd64.tar.gz"),
    ),
    release("go1.22.2", entry("go1.22.2.linux-armv6l.tar.gz", arch="armv6l")),
    release("go1.22rc1", entry("go1.22rc1.linux-amd64.tar.gz"), stable=False),
    release("go1.21.0", entry("go1.21.0.darwin-amd64.pkg", os="darwin", kind="installer")),
    release("go1.20", entry("go1.20.linux-amd64.tar.gz")),
    release("go1.9.2rc2", entry("go1.9.2rc2.linux-amd64.tar.gz"), stable=False),
    release("go1.6beta1", entry("go1.6beta1.linux-arm6.tar.gz", arch="arm6", sha256=""), stable=False),
    release(
        "go1.4.3",
        entry("go1.4.3.darwin-amd64-osx10.6.tar.gz", os="darwin", sha256=""),
        entry("go1.4.3.darwin-amd64-osx10.8.tar.gz", os="darwin", sha256=""),
        entry("go1.4.3.linux-amd64.tar.gz", sha256="", size=0),
    ),
    release(
        "go1",
        entry("go1.4-bootstrap-20171003.tar.gz", os="4", arch="bootstrap"),
        entry("go1.linux-amd64.tar.gz", size=0),
    ),
]


@pytest.fixture
def opened(site: Site, tmp_path: Path) -> Iterator[Callable[[Any], Source]]:
    """Open the source over an index of the given document."""
    with Network({}) as network:

        def open_over(document: Any) -> Source:
            site.body("/dl/", document if isinstance(document, bytes) else json.dumps(document).encode())
            config = Config(
                official_index=f"{site.base}/dl/?mode=json&include=all",
                mirrors=(f"{site.base}/mirror/",),
                cache=tmp_path / "cache",
            )
            return open_source(Context(config, network, Home(tmp_path), GoSettings({}, [])))

        yield open_over


def listed(source: Source, platform: Platform = AMD64) -> list[str]:
    return sorted(item.version.name for item in source.releases(platform))


class TestWarts:
    def test_only_what_is_there_for_the_platform(self, opened: Callable[[Any], Source]) -> None:
        source = opened(WARTS)
        assert listed(source) == ["go1", "go1.20", "go1.22.3", "go1.22rc1", "go1.4.3"]
        assert listed(source, ARM) == ["go1.22.2"]
        assert listed(source, Platform("darwin", "amd64")) == []

    def test_stable_is_told_and_never_a_prerelease(self, opened: Callable[[Any], Source]) -> None:
        document = copy.deepcopy(WARTS)
        document[2]["stable"] = True
        document[4]["stable"] = "yes"
        stable = {item.version.name: item.stable for item in opened(document).releases(AMD64)}
        assert stable == {"go1": True, "go1.20": False, "go1.22.3": True, "go1.22rc1": False, "go1.4.3": True}

    def test_artifact(self, opened: Callable[[Any], Source], site: Site) -> None:
        artifact = opened(WARTS).artifact(GoVersion.parse("1.22.3"), AMD64)
        name = "go1.22.3.linux-amd64.tar.gz"
        assert artifact.addresses == (
            Address(f"{site.base}/mirror/{name}", any_failure=True, mirror=f"{site.base}/mirror/"),
            Address(f"{site.base}/dl/{name}", any_failure=True, mirror=f"{site.base}/dl/"),
        )
        assert (artifact.digest.algorithm, artifact.digest.value) == ("sha256", SHA)
        assert (artifact.size, artifact.limit) == (69_000_000, 69_000_000)
        assert (artifact.trust, artifact.layout, artifact.source) == ("third-party", "archive", "official")
        assert artifact.evidence == {"index": f"{site.base}/dl/?…", "index_host": host_of(site.base)}

    def test_arm_by_its_other_name(self, opened: Callable[[Any], Source]) -> None:
        artifact = opened(WARTS).artifact(GoVersion.parse("1.22.2"), ARM)
        assert artifact.addresses[0].url.endswith("/go1.22.2.linux-armv6l.tar.gz")

    def test_no_digest_is_refused(self, opened: Callable[[Any], Source]) -> None:
        with pytest.raises(IntegrityError, match=r"has no digest for `go1\.4\.3\.linux-amd64\.tar\.gz`"):
            opened(WARTS).artifact(GoVersion.parse("1.4.3"), AMD64)

    def test_an_unknown_size_is_bounded(self, opened: Callable[[Any], Source]) -> None:
        artifact = opened(WARTS).artifact(GoVersion.parse("1"), AMD64)
        assert artifact.size is None
        assert artifact.limit == 1 << 30

    @pytest.mark.parametrize("version", ["1.22.2", "1.22.4", "1.21.0", "1.4"])
    def test_not_on_offer(self, opened: Callable[[Any], Source], version: str) -> None:
        with pytest.raises(
            NoSuchVersionError, match=rf"has no `go{re.escape(version)}\.linux-amd64\.tar\.gz`"
        ):
            opened(WARTS).artifact(GoVersion.parse(version), AMD64)

    @pytest.mark.parametrize(
        "digest",
        [
            "",
            None,
            7,
            SHA.upper(),
            SHA[:-1],
            SHA + "0",
            f" {SHA}",
            f"{SHA}\n",
            "x" * 64,
            [SHA],
            "\u0661" * 64,
        ],
    )
    def test_what_is_no_digest(self, opened: Callable[[Any], Source], digest: Any) -> None:
        source = opened([release("go1.22.3", entry("go1.22.3.linux-amd64.tar.gz", sha256=digest))])
        with pytest.raises(IntegrityError, match="has no digest"):
            source.artifact(GoVersion.parse("1.22.3"), AMD64)

    @pytest.mark.parametrize("size", [0, -1, True, "69", 1.5, None, (1 << 30) + 1, 10**30])
    def test_what_is_no_size(self, opened: Callable[[Any], Source], size: Any) -> None:
        source = opened([release("go1.22.3", entry("go1.22.3.linux-amd64.tar.gz", size=size))])
        artifact = source.artifact(GoVersion.parse("1.22.3"), AMD64)
        assert artifact.size is None
        assert artifact.limit == 1 << 30

    def test_two_entries_of_one_name_and_two_digests(self, opened: Callable[[Any], Source]) -> None:
        """Whichever counts: one of the two, or none, and never an empty one."""
        name = "go1.22.3.linux-amd64.tar.gz"
        source = opened([release("go1.22.3", entry(name), entry(name, sha256=""))])
        with pytest.raises(IntegrityError):
            source.artifact(GoVersion.parse("1.22.3"), AMD64)


class TestBrokenIndex:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "is not JSON"),
            (b"<html>", "is not JSON"),
            (b"[" * 200_000, "is not JSON"),
            (b"\xff\xfe", "is not JSON"),
            (b"[1" + b"0" * 100_000 + b"]", "is not JSON"),
            (b"{}", "is not a list"),
            (b"null", "is not a list"),
            (b'"text"', "is not a list"),
        ],
    )
    def test_refused(self, opened: Callable[[Any], Source], body: bytes, words: str) -> None:
        with pytest.raises(NetworkError, match=words):
            opened(body).releases(AMD64)

    @pytest.mark.parametrize("code", [301, 403, 404, 418])
    def test_statuses(self, opened: Callable[[Any], Source], site: Site, code: int) -> None:
        source = opened([])
        site.paths["/dl/"] = lambda request: request.answer(code, b"[]")
        with pytest.raises(NetworkError, match=f"answered {code}"):
            source.releases(AMD64)

    def test_asked_once(self, opened: Callable[[Any], Source], site: Site) -> None:
        source = opened(WARTS)
        assert site.requests == []
        source.releases(AMD64)
        source.artifact(GoVersion.parse("1.22.3"), AMD64)
        assert [path for path, _ in site.requests] == ["/dl/?mode=json&include=all"]


class TestWhoseIndex:
    """go.dev cannot be had here: what would have answered in its place is canned."""

    @pytest.mark.parametrize(
        ("asked", "answered", "trusted", "trust", "vouched"),
        [
            ("https://go.dev/dl/?x", "https://go.dev/dl/?x", (), "origin-sha256", False),
            ("https://golang.google.cn/dl/", "https://golang.google.cn/dl/", (), "origin-sha256", False),
            ("https://golang.google.cn/dl/", "https://go.dev/dl/", (), "origin-sha256", False),
            ("https://GO.dev:443/dl/", "https://go.dev/dl/", (), "origin-sha256", False),
            ("https://go.dev/dl/", "https://portal.example/", (), "third-party", False),
            ("https://short.example/", "https://go.dev/dl/", (), "third-party", False),
            ("https://go.dev:8443/dl/", "https://go.dev:8443/dl/", (), "third-party", False),
            ("https://go.dev.example/dl/", "https://go.dev.example/dl/", (), "third-party", False),
            ("https://x.go.dev/dl/", "https://x.go.dev/dl/", (), "third-party", False),
            ("https://user@go.dev@a.example/", "https://a.example/", (), "third-party", False),
            ("https://a.example/", "https://a.example/", ("a.example",), "origin-sha256", True),
            ("https://a.example:8/", "https://a.example:8/", ("a.example",), "origin-sha256", True),
            ("https://a.example:8/", "https://a.example:8/", ("a.example:8",), "origin-sha256", True),
            ("https://a.example:9/", "https://a.example:9/", ("a.example:8",), "third-party", False),
            ("https://a.example/", "https://b.example/", ("a.example",), "third-party", False),
            ("https://a.example/", "https://go.dev/dl/", ("a.example",), "origin-sha256", True),
        ],
    )
    def test_level(
        self, tmp_path: Path, asked: str, answered: str, trusted: tuple[str, ...], trust: str, vouched: bool
    ) -> None:
        network: Any = _Canned(json.dumps(WARTS).encode(), answered)
        config = Config(official_index=asked, trusted_indexes=trusted, cache=tmp_path / "cache")
        source = open_source(Context(config, network, Home(tmp_path), GoSettings({}, [])))
        artifact = source.artifact(GoVersion.parse("1.22.3"), AMD64)
        assert artifact.trust == trust
        assert artifact.evidence["index_host"] == host_of(answered)
        assert artifact.evidence.get("vouched") == ("official.trusted" if vouched else None)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["go1.22.3", "go1.20", "go1.20.0", "go1", "1.22.3", "go1.9.2rc2", "go../..", "go1.21"]
)
sometimes = st.booleans()


@st.composite
def files(draw: st.DrawFn) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return draw(junk)
    name = draw(names) + draw(st.sampled_from([".linux-amd64.tar.gz", ".linux-amd64.zip", "/../x", ""]))
    digest = draw(st.sampled_from([SHA, "", "0", SHA.upper()]) | junk)
    return {"filename": name if draw(sometimes) else draw(junk), "sha256": digest, "size": draw(junk)}


@st.composite
def indexes(draw: st.DrawFn) -> Any:
    if draw(st.integers(0, 8)) == 0:
        return draw(junk)
    found = []
    for _ in range(draw(st.integers(0, 4))):
        told = draw(st.lists(files(), max_size=3)) if draw(sometimes) else draw(junk)
        found.append(
            {"version": draw(names | junk), "stable": draw(junk), "files": told}
            if draw(sometimes)
            else draw(junk)
        )
    return found


class _Canned:
    """A network that answers one body: the parser is what is tried here."""

    def __init__(self, body: bytes, url: str = "") -> None:
        self._body = body
        self._url = url

    def get(self, url: str, **_: Any) -> Any:
        from gvmpy.net import Answer

        return Answer(200, self._body, self._url)


@settings(max_examples=300)
@given(indexes())
def test_junk_never_crashes_and_is_never_offered_unproven(document: Any) -> None:
    network: Any = _Canned(json.dumps(document).encode())
    config = Config(
        official_index="https://x.example/dl/", mirrors=("https://m.example/",), cache=Path("/dev/null/no")
    )
    source = open_source(Context(config, network, Home(Path("/nonexistent")), GoSettings({}, [])))
    try:
        offered = [item.version for item in source.releases(AMD64)]
    except NetworkError:
        assert not isinstance(document, list)
        return
    for version in {*offered, GoVersion.parse("1.22.3"), GoVersion.parse("1.20")}:
        try:
            artifact = source.artifact(version, AMD64)
        except GvmpyError:
            continue
        assert version in offered
        assert re.fullmatch(r"[0-9a-f]{64}", artifact.digest.value)
        assert 0 < artifact.limit <= 1 << 30
        assert all(
            address.url.endswith(f"/{version.name}.linux-amd64.tar.gz") for address in artifact.addresses
        )
