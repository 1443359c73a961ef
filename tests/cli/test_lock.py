"""`gvmpy lock`: both digests of a release, each with who said so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.trust.lockfile import load_lock
from tests.trust.fakedb import FakeDatabase, digest_of

if TYPE_CHECKING:
    from tests.conftest import User
    from tests.support.loopback import Request, Site

PLATFORMS = ("linux-amd64", "linux-arm64", "linux-arm")


def index(*versions: str) -> bytes:
    releases = []
    for version in versions:
        files = [
            {
                "filename": f"go{version}.linux-{arch}.tar.gz",
                "os": "linux",
                "arch": arch,
                "version": f"go{version}",
                "sha256": f"{number}" * 64,
                "size": 1000 + number,
                "kind": "archive",
            }
            for number, arch in enumerate(("amd64", "arm64", "armv6l"), 1)
        ]
        releases.append({"version": f"go{version}", "stable": True, "files": files})
    return json.dumps(releases).encode()


@pytest.fixture
def database(user: User, site: Site) -> FakeDatabase:
    """An index and a checksum database that agree on two versions; the proxy itself has no file at all."""
    database = FakeDatabase()
    database.fill(300)
    for version in ("1.22.3", "1.21.6"):
        for platform in PLATFORMS:
            database.add(MODULE, f"v0.0.1-go{version}.{platform}")

    def relay(request: Request) -> None:
        body = database.answer(request.path.removeprefix(f"/proxy/sumdb/{database.name}"))
        request.answer(404 if body is None else 200, body or b"")

    site.prefixes[f"/proxy/sumdb/{database.name}/"] = relay
    site.body("/dl/", index("1.22.3", "1.21.6"))
    user.env |= {
        "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/",
        "GVMPY_OFFICIAL_TRUSTED": "127.0.0.1",
        "GOPROXY": f"{site.base}/proxy",
        "GOSUMDB": database.vkey,
    }
    return database


def test_both_digests_for_every_platform(user: User, site: Site, database: FakeDatabase) -> None:
    result = user.run("lock", "1.22.3", "1.21.6", "--platform", "linux-arm64,linux-amd64")
    assert result.returncode == 0, result.stderr
    path = user.home / "gvmpy.lock"
    told = f"SHA-256 from {site.base}/dl/ and h1 from {database.name}, in {path}"
    assert result.stdout.splitlines() == [
        f"go1.21.6.linux-amd64: {told}",
        f"go1.21.6.linux-arm64: {told}",
        f"go1.22.3.linux-amd64: {told}",
        f"go1.22.3.linux-arm64: {told}",
    ]
    entry = load_lock(path).artifacts[3]
    assert entry.facts() == {
        "filename": "go1.22.3.linux-arm64.tar.gz",
        "size": 1002,
        "sha256": "2" * 64,
        "sha256-from": f"{site.base}/dl/",
        "h1": digest_of(f"{MODULE}@v0.0.1-go1.22.3.linux-arm64"),
        "h1-from": database.name,
    }
    again = user.run("lock", "1.22", "--platform", "linux-arm64", "--json")
    data = json.loads(again.stdout)["data"]
    assert (data["lock"], data["changed"]) == (str(path), False)
    assert [(item["version"], item["platform"], item["sha256"]) for item in data["entries"]] == [
        ("1.22.3", "linux-arm64", "2" * 64)
    ]


def test_adds_to_the_nearest_and_keeps_what_people_wrote(user: User, database: FakeDatabase) -> None:
    assert user.run("lock", "1.21.6", "--platform", "linux-arm").returncode == 0
    path = user.home / "gvmpy.lock"
    path.write_text(path.read_text().replace("size =", "# small\nsize ="))
    below = user.home / "below"
    below.mkdir()
    result = user.run("lock", "1.22.3", "--platform", "linux-arm", "--output", "below/../gvmpy.lock")
    assert result.returncode == 0, result.stderr
    assert "# small\nsize = 1003\n" in path.read_text()
    assert [item.name for item in load_lock(path).artifacts] == ["go1.21.6.linux-arm", "go1.22.3.linux-arm"]
    assert load_lock(path).artifacts[0].filename == "go1.21.6.linux-armv6l.tar.gz"


def test_one_of_the_two_is_enough(user: User, site: Site, database: FakeDatabase) -> None:
    site.paths["/dl/"] = lambda request: request.answer(403)
    result = user.run("lock", "1.22.3", "--platform", "linux-arm64")
    assert result.returncode == 0, result.stderr
    assert f"note: official: the index at {site.base}/dl/ answered 403" in result.stderr
    assert list(load_lock(user.home / "gvmpy.lock").artifacts[0].facts()) == ["filename", "h1", "h1-from"]
    site.body("/dl/", index("1.22.3", "1.20.1"))
    assert user.run("lock", "1.22.3", "1.20.1", "--platform", "linux-arm64").returncode == 0
    old, new = load_lock(user.home / "gvmpy.lock").artifacts
    assert (old.sha256, old.h1) == ("2" * 64, "")
    assert (new.sha256, bool(new.h1)) == ("2" * 64, True)


def test_neither_is_an_error_and_writes_nothing(user: User, site: Site, database: FakeDatabase) -> None:
    result = user.run("lock", "1.22.3", "1.19.1", "--platform", "linux-amd64")
    assert result.returncode == 3
    assert "no source has a digest of go1.19.1 for linux-amd64" in result.stderr
    assert not (user.home / "gvmpy.lock").exists()


def test_a_digest_that_changed_is_refused(user: User, site: Site, database: FakeDatabase) -> None:
    assert user.run("lock", "1.22.3", "--platform", "linux-amd64").returncode == 0
    before = (user.home / "gvmpy.lock").read_text()
    site.body("/dl/", index("1.22.3").replace(b"1" * 64, b"f" * 64))
    result = user.run("lock", "1.22.3", "--platform", "linux-amd64")
    assert result.returncode == 5
    assert "locks another sha256 for go1.22.3.linux-amd64" in result.stderr
    assert (user.home / "gvmpy.lock").read_text() == before


def test_a_forged_record_is_refused(user: User, site: Site, database: FakeDatabase) -> None:
    path = f"/proxy/sumdb/{database.name}/lookup/{MODULE}@v0.0.1-go1.22.3.linux-amd64"
    genuine = database.answer(path.removeprefix(f"/proxy/sumdb/{database.name}"))
    assert genuine is not None
    digest = digest_of(f"{MODULE}@v0.0.1-go1.22.3.linux-amd64").encode()
    site.body(path, genuine.replace(digest, digest_of("other").encode()))
    result = user.run("lock", "1.22.3", "--platform", "linux-amd64")
    assert result.returncode == 5
    assert not (user.home / "gvmpy.lock").exists()


def test_usage(user: User) -> None:
    for arguments, words in (
        ((), "missing argument 'VERSION...'"),
        (("1.22.3", "--platform", "linux"), "not a platform: 'linux'"),
        (("--check",), "there is no lock file `gvmpy.lock`"),
    ):
        result = user.run("lock", *arguments)
        assert result.returncode == 2
        assert words in result.stderr


def test_check_without_an_installation(user: User, database: FakeDatabase) -> None:
    assert user.run("lock", "1.22.3", "1.21.6", "--platform", ",".join(PLATFORMS)).returncode == 0
    result = user.run("lock", "--check", "1.22.3", "1.20.14", "--json")
    answer = json.loads(result.stdout)
    assert (result.returncode, answer["status"]) == (1, "no")
    assert answer["data"]["versions"] == [
        {"version": "1.22.3", "agreement": "missing"},
        {"version": "1.20.14", "agreement": "unlocked"},
    ]
    assert not (user.root / "versions").exists() or not user.installed()
