"""Mirrors that are bad, each in its own way: named, passed over, and not asked again in the same run."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.platform import host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site
    from tests.support.toolchains import Toolchain

VERSION = "1.22.3"


def receipt(user: User) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((user.root / "receipts" / f"go{VERSION}.json").read_text())
    return loaded


def captive_portal(request: Request, archive: Path) -> None:
    request.answer(200, b"<html>please log in</html>", Content_Type="text/html; charset=utf-8")


def disguised_portal(request: Request, archive: Path) -> None:
    request.answer(200, b"<html>".ljust(archive.stat().st_size), Content_Type="application/gzip")


def wrong_size(request: Request, archive: Path) -> None:
    request.answer(200, archive.read_bytes()[:-1], Content_Type="application/gzip")


def wrong_bytes(request: Request, archive: Path) -> None:
    body = bytearray(archive.read_bytes())
    body[len(body) // 2] ^= 1
    request.answer(200, bytes(body), Content_Type="application/gzip")


def forbidden(request: Request, archive: Path) -> None:
    request.answer(403, b"no")


def to_plain_http(request: Request, archive: Path) -> None:
    request.answer(302, Location="http://mirror.example/go.tar.gz")


def absent(request: Request, archive: Path) -> None:
    request.answer(404, b"no")


def silent(request: Request, archive: Path) -> None:
    """Take the request and say nothing, for longer than anybody waits."""
    threading.Event().wait(20)


def silent_midway(request: Request, archive: Path) -> None:
    begin(request, archive)
    threading.Event().wait(20)


def trickle(request: Request, archive: Path) -> None:
    begin(request, archive)
    for byte in archive.read_bytes()[HEAD : HEAD + 50]:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        threading.Event().wait(0.2)


HEAD = 1 << 20


def begin(request: Request, archive: Path) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(archive.stat().st_size))
    request.end_headers()
    with archive.open("rb") as stream:
        request.wfile.write(stream.read(HEAD))
    request.wfile.flush()


FAULTS: dict[Callable[[Request, Path], None], str] = {
    captive_portal: "answered with a web page, not an archive",
    disguised_portal: "answered with something other than an archive",
    wrong_size: "announces ",
    wrong_bytes: "is not the go1.22.3 it must be",
    forbidden: "answered 403",
    to_plain_http: "is not https",
    absent: "answered 404",
    silent: "kept silent for 1 s",
    trickle: " bytes in 1 s",
    silent_midway: "kept silent for 1 s",
}


def test_each_is_named_and_the_next_one_serves(user: User, origin: Site, small: Toolchain) -> None:
    archive = small.archive
    for fault in FAULTS:
        origin.paths[f"/{fault.__name__}/{archive.name}"] = partial(call, fault, archive)
    bad = [f"{origin.base}/{fault.__name__}/" for fault in FAULTS]
    user.env["GVMPY_MIRRORS"] = ",".join([*bad, f"{origin.base}/mirror/"])
    result = user.run("install", VERSION, "--json", GVMPY_MIRROR_TIMEOUT="1")
    assert result.returncode == 0, result.stdout
    [installed] = json.loads(result.stdout)["data"]["versions"]
    assert [detour["place"] for detour in installed["detours"]] == bad
    for detour, words in zip(installed["detours"], FAULTS.values(), strict=True):
        assert words in detour["reason"]
        assert "nothing was installed" not in detour["reason"]
    assert receipt(user)["url"] == f"{origin.base}/mirror/{archive.name}"
    assert receipt(user)["archive_sha256"] == small.archive_sha256
    # What had come from the last two is not fetched a second time.
    start = int(origin.asked(f"/mirror/{archive.name}")[0]["Range"].removeprefix("bytes=")[:-1])
    assert start >= HEAD


def call(fault: Callable[[Request, Path], None], archive: Path, request: Request) -> None:
    fault(request, archive)


def test_it_is_told_at_the_end_and_without_a_password(user: User, origin: Site, small: Toolchain) -> None:
    archive, bad = small.archive, f"{origin.base}/bad/"
    origin.paths[f"/bad/{archive.name}"] = lambda request: captive_portal(request, archive)
    secret = bad.replace("http://", "https://ada:hunter2@")
    result = user.run("install", VERSION, GVMPY_MIRRORS=f"{secret},{bad},{origin.base}/mirror/")
    assert result.returncode == 0
    first, second = result.stderr.splitlines()[-2:]
    assert first.startswith(f"note: {bad.replace('http:', 'https:')} was passed over: ")
    assert second == (
        f"note: {bad} was passed over: {bad}{archive.name} answered with a web page, not an archive"
    )
    assert "hunter2" not in result.stdout + result.stderr


@pytest.fixture
def many(user: User, site: Site) -> list[str]:
    """Six versions whose archives are tiny, and none any Go: what is fetched is what matters here."""
    names = [f"go1.20.{patch}.{host().archive_suffix}.tar.gz" for patch in range(1, 7)]
    body = b"\x1f\x8b not really"
    entry = {"sha256": hashlib.sha256(b"other").hexdigest(), "size": len(body)}
    index = [
        {"version": name.partition(f".{host().os}")[0], "stable": True, "files": [entry | {"filename": name}]}
        for name in names
    ]
    site.body("/dl/", json.dumps(index).encode())
    for name in names:
        site.paths[f"/good/{name}"] = lambda request: request.answer(200, body)
        site.paths[f"/dl/{name}"] = lambda request: request.answer(200, body)
    user.env |= {"GVMPY_SOURCES": "official", "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/"}
    return [f"1.20.{patch}" for patch in range(1, 7)]


def asked(site: Site, directory: str) -> int:
    return sum(path.startswith(f"/{directory}/go") for path, _ in site.requests)


def test_it_is_not_asked_again(user: User, site: Site, many: list[str]) -> None:
    """Three are fetched at once: those may ask it before it is known. Nobody does after them."""
    site.prefixes["/bad/"] = lambda request: request.answer(200, b"<html>", Content_Type="text/html")
    result = user.run("install", *many, GVMPY_MIRRORS=f"{site.base}/bad/,{site.base}/good/")
    assert result.returncode == 5
    assert 1 <= asked(site, "bad") <= 3
    # Wrong bytes are remembered as well; the last address is always asked, or nothing could ever come right.
    assert 1 <= asked(site, "good") <= 3
    assert asked(site, "dl") == 6
    # Each error still says what is wrong with each of them.
    assert result.stderr.count("answered with a web page") == 6


def test_one_that_lacks_a_file_is_asked_for_the_next(user: User, site: Site, many: list[str]) -> None:
    result = user.run("install", *many, GVMPY_MIRRORS=f"{site.base}/empty/")
    assert result.returncode == 5
    assert asked(site, "empty") == 6


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.2,example.com"])
def test_the_receipt_says_whose_index_it_was(user: User, origin: Site, trusted: str) -> None:
    user.env["GVMPY_OFFICIAL_TRUSTED"] = trusted
    assert user.run("install", VERSION).returncode == 0
    found = receipt(user)
    where = {"index": f"{origin.base}/dl/?…", "index_host": origin.base.removeprefix("http://")}
    vouched = trusted == "127.0.0.1"
    assert found["trust"] == ("origin-sha256" if vouched else "third-party")
    assert found["evidence"] == where | ({"vouched": "official.trusted"} if vouched else {})


def test_somebodys_index_is_too_little_where_an_origin_is_asked_for(user: User, origin: Site) -> None:
    user.env["GVMPY_OFFICIAL_TRUSTED"] = ""
    result = user.run("install", VERSION, GVMPY_TRUST_MINIMUM="origin-sha256")
    assert result.returncode == 5
    assert "official: proves only `third-party`" in result.stderr
    assert not [path for path, _ in origin.requests if path.endswith(".tar.gz")]
