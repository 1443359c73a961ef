"""The index between runs: asked for only if it changed, never older than it was, and there when offline."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.home import Home
from gvmpy.net import Network
from gvmpy.platform import Platform, host
from gvmpy.releases.model import Release
from gvmpy.releases.pages import Page, Pages
from gvmpy.releases.seen import Seen
from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site

LINES = ("1.20.14", "1.24.9", "1.25.4", "1.25.5", "1.26.1")


def index(*versions: str, digest: str = "0" * 64) -> bytes:
    """Return an index that has `versions`, those with letters in them as unstable ones."""
    return json.dumps(
        [
            {
                "version": f"go{version}",
                "stable": "rc" not in version,
                "files": [
                    {"filename": f"go{version}.{host().archive_suffix}.tar.gz", "sha256": digest, "size": 9}
                ],
            }
            for version in versions
        ]
    ).encode()


@pytest.fixture
def lister(user: User, site: Site) -> User:
    site.body("/dl/", index(*LINES))
    user.env |= {"GVMPY_SOURCES": "official", "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/?token=hunter2"}
    user.env |= {"PATH": "/usr/bin:/bin", "GVMPY_MIRRORS": f"{site.base}/mirror/"}
    return user


def remote(user: User, *arguments: str, **env: str) -> tuple[list[str], str]:
    """Return the versions that `list --remote` shows, and its talk."""
    result = user.run("list", "--remote", *arguments, **env)
    assert result.returncode == 0, result.stderr
    return [line.split()[0] for line in result.stdout.splitlines()], result.stderr


def settle(user: User) -> None:
    """Make the home as any installation leaves it; the attempt itself fails."""
    assert user.run("install", "1.20.14").returncode != 0


def kept(user: User) -> Path:
    [path] = (user.cache / "indexes").iterdir()
    return path


def age(user: User, seconds: int) -> None:
    """Make what is kept older."""
    head, _, body = kept(user).read_bytes().partition(b"\n")
    told = json.loads(head)
    kept(user).write_bytes(
        json.dumps(told | {"confirmed": told["confirmed"] - seconds}).encode() + b"\n" + body
    )


def conditional(content: bytes, **validators: str) -> Callable[[Request], None]:
    """Serve as a web server does that knows validators."""

    def serve(request: Request) -> None:
        asked = request.headers.get("If-None-Match") or request.headers.get("If-Modified-Since")
        if asked in validators.values():
            request.answer(304, b"", **validators)
        else:
            request.answer(200, content, **validators)

    return serve


class TestConditional:
    @pytest.mark.parametrize(
        "validators",
        [{"ETag": '"abc-1"'}, {"ETag": 'W/"x"'}, {"Last_Modified": "Tue, 07 May 2024 16:06:09 GMT"}],
    )
    def test_what_did_not_change_is_not_sent_again(
        self, lister: User, site: Site, validators: dict[str, str]
    ) -> None:
        site.paths["/dl/"] = conditional(index(*LINES), **validators)
        assert remote(lister)[0] == list(LINES)
        age(lister, 1000)
        before = kept(lister).read_bytes()
        assert remote(lister) == (list(LINES), "note: listed by official\n")
        [first, second] = site.asked("/dl/")
        assert not {"If-None-Match", "If-Modified-Since"} & set(first)
        name = "If-None-Match" if "ETag" in validators else "If-Modified-Since"
        assert [second[name]] == list(validators.values())
        # The kept one counts as new again.
        assert kept(lister).read_bytes() != before
        remote(lister)
        assert len(site.asked("/dl/")) == 2

    def test_a_new_one_replaces_it(self, lister: User, site: Site) -> None:
        site.paths["/dl/"] = conditional(index(*LINES), ETag='"1"')
        remote(lister)
        site.paths["/dl/"] = conditional(index(*LINES, "1.26.2"), ETag='"2"')
        assert remote(lister)[0] == list(LINES)
        assert remote(lister, "--refresh")[0] == [*LINES, "1.26.2"]
        assert remote(lister)[0] == [*LINES, "1.26.2"]
        assert [headers.get("If-None-Match") for headers in site.asked("/dl/")] == [None, '"1"']

    def test_whoever_installs_always_asks(self, lister: User, site: Site) -> None:
        site.paths["/dl/"] = conditional(index(*LINES), ETag='"1"')
        remote(lister)
        lister.run("install", "1.20.14")
        lister.run("install", "latest")
        assert [headers.get("If-None-Match") for headers in site.asked("/dl/")] == [None, '"1"', '"1"']

    def test_a_validator_that_is_none_is_not_sent_back(self, lister: User, site: Site) -> None:
        site.paths["/dl/"] = lambda request: request.answer(200, index(*LINES), ETag="a b")
        remote(lister)
        remote(lister, "--refresh")
        assert "If-None-Match" not in site.asked("/dl/")[1]

    def test_a_304_to_a_plain_question(self, lister: User, site: Site) -> None:
        site.paths["/dl/"] = lambda request: request.answer(304)
        result = lister.run("list", "--remote")
        assert (result.returncode, result.stdout) == (4, "")
        assert "answered 304" in result.stderr

    def test_an_address_is_kept_nowhere(self, lister: User) -> None:
        remote(lister)
        assert b"hunter2" not in b"".join(
            path.read_bytes() + bytes(path) for path in lister.cache.rglob("*") if path.is_file()
        )
        assert kept(lister).stat().st_mode & 0o777 == 0o600

    def test_proxies_lists_too(self, user: User, goproxy: Site) -> None:
        path = f"/proxy/{MODULE}/@v/list"
        goproxy.paths[path] = conditional(f"v0.0.1-go1.22.3.{host()}\n".encode(), ETag='"1"')
        assert remote(user)[0] == remote(user)[0] == remote(user, "--refresh")[0] == ["1.22.3"]
        assert [headers.get("If-None-Match") for headers in goproxy.asked(path)] == [None, '"1"']


class TestHostileCache:
    """A kept index is as good as its file is safe: else it is as if it were not there."""

    @pytest.fixture
    def pages(self, site: Site, tmp_path: Path) -> Iterator[Callable[[], Page]]:
        """Get the index through one cache, where it may be five minutes old; it was kept once already."""
        site.paths["/dl/"] = conditional(index(*LINES), ETag='"1"')
        with Network({}) as network:

            def get() -> Page:
                return Pages(network, tmp_path / "cache", 300).get(f"{site.base}/dl/", limit=1 << 20)

            assert get() == get()
            assert len(site.asked("/dl/")) == 1
            yield get

    @pytest.fixture
    def file(self, pages: object, tmp_path: Path) -> Path:
        [path] = (tmp_path / "cache" / "indexes").iterdir()
        return path

    def is_not_believed(self, pages: Callable[[], Page], site: Site) -> None:
        assert pages().body == index(*LINES)
        [_, asked] = site.asked("/dl/")
        assert not {"If-None-Match", "If-Modified-Since", "y"} & set(asked)

    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_others_may_write_it(self, pages: Callable[[], Page], file: Path, site: Site, mode: int) -> None:
        file.chmod(mode)
        self.is_not_believed(pages, site)

    def test_others_may_write_its_directory(self, pages: Callable[[], Page], file: Path, site: Site) -> None:
        file.parent.chmod(0o777)
        self.is_not_believed(pages, site)

    def test_it_is_a_link(self, pages: Callable[[], Page], file: Path, site: Site, tmp_path: Path) -> None:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
        self.is_not_believed(pages, site)

    def test_it_is_somebody_elses(
        self, pages: Callable[[], Page], file: Path, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Seen from another user's side: only root could give the file away."""
        monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
        self.is_not_believed(pages, site)

    def test_it_is_too_long(self, pages: Callable[[], Page], file: Path, site: Site) -> None:
        with file.open("ab") as stream:
            stream.truncate(2 << 20)
        self.is_not_believed(pages, site)

    @pytest.mark.parametrize(
        "head",
        [
            b"",
            b"junk",
            b"[]",
            b"null",
            b"{}",
            b"[" * 3000,
            b'{"host": 1, "confirmed": NOW, "etag": "", "last_modified": ""}',
            b'{"host": "h", "confirmed": "NOW", "etag": "", "last_modified": ""}',
            b'{"host": "h", "confirmed": true, "etag": "", "last_modified": ""}',
            b'{"host": "h", "confirmed": 1e300, "etag": "", "last_modified": ""}',
            b'{"host": "h", "confirmed": 99999999999999, "etag": "", "last_modified": ""}',
            b'{"host": "h", "confirmed": -1, "etag": "", "last_modified": ""}',
            b'{"host": "h", "confirmed": NOW, "etag": "x\\r\\ny: z", "last_modified": ""}',
            b'{"host": "h", "confirmed": NOW, "etag": "", "last_modified": "\\u0000"}',
            b'{"host": "h", "confirmed": NOW}',
            b" " * 5000,
        ],
    )
    def test_it_is_malformed(self, pages: Callable[[], Page], file: Path, site: Site, head: bytes) -> None:
        now = str(int(time.time())).encode()
        file.write_bytes(head.replace(b"NOW", now) + b"\n" + index("1.99.1"))
        self.is_not_believed(pages, site)

    def test_one_that_is_well_formed_would_have_been(
        self, pages: Callable[[], Page], file: Path, site: Site
    ) -> None:
        """The same as above but for the fault, so that each of them tells."""
        head = b'{"host": "h", "confirmed": %d, "etag": "", "last_modified": ""}' % int(time.time())
        file.write_bytes(head + b"\n" + index("1.99.1"))
        assert pages().body == index("1.99.1")
        assert len(site.asked("/dl/")) == 1

    def test_it_comes_from_the_future(self, pages: Callable[[], Page], file: Path, site: Site) -> None:
        head, _, body = file.read_bytes().partition(b"\n")
        told = json.loads(head)
        file.write_bytes(json.dumps(told | {"confirmed": told["confirmed"] + 1000}).encode() + b"\n" + body)
        pages()
        assert len(site.asked("/dl/")) == 2


class TestRollback:
    def test_an_older_index_is_told(self, lister: User, site: Site) -> None:
        settle(lister)
        today = datetime.now(UTC).date().isoformat()
        site.body("/dl/", index(*LINES[:-1]))
        shown, talk = remote(lister, "--refresh")
        assert shown == list(LINES[:-1])
        assert talk == (
            "note: listed by official\n"
            f"warning: the index at {site.base}/dl/?… is older than one seen before: "
            f"it lists no go1.26.1, as it did on {today}\n"
        )
        data = json.loads(lister.run("list", "--remote", "--json").stdout)["data"]
        assert data["withdrawn"] == ["1.26.1"]
        assert "1.26.1" not in [entry["version"] for entry in data["versions"]]
        # Nor does it come up among the names for completion.
        assert "1.26.1" not in (lister.cache / "remote-versions").read_text()

    @pytest.mark.parametrize("request_", ["latest", ">=1.26"])
    def test_it_decides_nothing_that_is_installed(self, lister: User, site: Site, request_: str) -> None:
        settle(lister)
        site.body("/dl/", index(*LINES[:-1]))
        result = lister.run("install", request_)
        assert result.returncode == 5
        assert result.stderr.startswith(
            f"error: the list of releases is older than one seen before: `{request_}` was go1.26.1\n"
        )

    @pytest.mark.parametrize("request_", ["1.25", "1.25.4"])
    def test_what_it_does_not_touch_goes_on(self, lister: User, site: Site, request_: str) -> None:
        """The archives are missing here: it is the attempt that shows that the list was taken."""
        settle(lister)
        site.body("/dl/", index(*LINES[:-1]))
        result = lister.run("install", request_)
        assert result.returncode == 3
        assert "warning: the index at " in result.stderr

    def test_a_patch_of_the_line_before_counts(self, lister: User, site: Site) -> None:
        settle(lister)
        site.body("/dl/", index(*(version for version in LINES if version != "1.25.5")))
        assert "it lists no go1.25.5" in remote(lister, "--refresh")[1]
        assert lister.run("install", "1.25").returncode == 5
        assert lister.run("install", "latest").returncode == 3

    def test_old_lines_may_go(self, lister: User, site: Site) -> None:
        settle(lister)
        site.body("/dl/", index(*LINES[2:]))
        assert remote(lister, "--refresh")[1] == "note: listed by official\n"

    def test_it_is_never_forgotten(self, lister: User, site: Site) -> None:
        settle(lister)
        site.body("/dl/", index("1.20.14"))
        for _ in range(2):
            assert "it lists no go1.26.1" in remote(lister, "--refresh")[1]
        site.body("/dl/", index(*LINES, "1.26.2"))
        assert remote(lister, "--refresh")[1] == "note: listed by official\n"
        site.body("/dl/", index(*LINES))
        assert "it lists no go1.26.2" in remote(lister, "--refresh")[1]

    def test_each_host_has_its_own(self, lister: User, site: Site) -> None:
        settle(lister)
        site.body("/dl/", index(*LINES[:-1]))
        other = f"{site.base.replace('127.0.0.1', 'localhost')}/dl/"
        assert remote(lister, GVMPY_OFFICIAL_INDEX=other)[1] == "note: listed by official\n"

    def test_one_that_stands_still(self, lister: User) -> None:
        settle(lister)
        [state] = (lister.root / "state" / "index").iterdir()
        document: dict[str, list[dict[str, Any]]] = json.loads(state.read_text())
        day = (datetime.now(UTC) - timedelta(days=130)).date().isoformat()
        for entry in document[str(host())]:
            entry["first"] = day
        state.write_text(json.dumps(document))
        talk = remote(lister)[1]
        assert f"has listed nothing newer than go1.26.1 since {day}; " in talk
        assert "it may be frozen" in talk

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                "junk",
                "[]",
                '{"linux-amd64": 7}',
                "[" * 100_000,
                '{"linux-amd64": [{"version": "1.26.1"}, 7]}',
            ),
            '{"linux-amd64": [{"version": 1, "first": "2026-01-01", "last": "2026-01-01"}]}',
            '{"linux-amd64": [{"version": "1.26.1", "first": "2026-13-01", "last": 3}]}',
            '{"linux-amd64": [{"version": "1.27rc1", "first": "2026-01-01", "last": "2026-01-01"}]}',
        ],
    )
    def test_a_spoilt_memory_is_none(self, tmp_path: Path, text: str) -> None:
        home, platform, today = Home(tmp_path), Platform("linux", "amd64"), datetime.now(UTC).date()
        home.prepare()
        release = Release(GoVersion.parse("1.26.1"), stable=True)
        seen = Seen(home, "go.dev", platform)
        assert seen.compare([release], today) == ([], "")
        assert [item.version for item in seen.compare([], today)[0]] == [release.version]
        seen.path.write_text(text)
        assert seen.compare([], today) == ([], "")
        assert seen.newest() is None

    def test_root_leaves_nothing_in_somebody_elses_home(self, lister: User) -> None:
        settle(lister)
        shutil.rmtree(lister.root / "state" / "index")
        if os.geteuid() == 0:
            os.chown(lister.root, 65534, 65534)
        else:
            (lister.root / "state").chmod(0o555)
        assert remote(lister)[0] == list(LINES)
        assert not (lister.root / "state" / "index").exists()

    def test_looking_makes_no_home(self, lister: User) -> None:
        remote(lister)
        assert not lister.root.exists()


class TestOffline:
    def test_what_was_kept_is_told_with_its_age(self, lister: User, site: Site) -> None:
        remote(lister)
        age(lister, 3 * 86400 + 7200)
        assert remote(lister, GVMPY_OFFLINE="1") == (
            list(LINES),
            "note: listed by official, as of 3 days ago\n",
        )
        assert len(site.asked("/dl/")) == 1
        document = json.loads(lister.run("list", "--remote", "--json", GVMPY_OFFLINE="1").stdout)
        as_of = datetime.fromisoformat(document["data"]["as_of"])
        assert timedelta(days=3) < datetime.now(UTC) - as_of < timedelta(days=4)

    def test_nothing_was_kept(self, lister: User) -> None:
        result = lister.run("list", "--remote", GVMPY_OFFLINE="1")
        assert (result.returncode, result.stdout) == (4, "")
        assert "official: offline: " in result.stderr

    def test_nobody_answers_any_more(self, lister: User, site: Site) -> None:
        remote(lister)
        age(lister, 7200)
        del site.paths["/dl/"]
        shown, talk = remote(lister)
        assert shown == list(LINES)
        assert talk.splitlines() == [
            f"note: official: the index at {site.base}/dl/?… answered 404",
            f"note: mirror: {site.base}/mirror/ answered 404",
            "note: listed by official, as of 2 hours ago",
        ]

    def test_it_does_not_decide_what_is_installed(self, lister: User) -> None:
        remote(lister)
        assert lister.run("install", "latest", GVMPY_OFFLINE="1").returncode == 4


class TestMarks:
    def test_stable_oldstable_unstable_and_out_of_support(self, lister: User, site: Site) -> None:
        site.body("/dl/", index(*LINES, "1.27rc1", "1.26rc1"))
        result = lister.run("list", "--remote", "--all")
        assert result.stdout.splitlines() == [
            "1.20.14  end of life",
            "1.24.9   end of life",
            "1.25.4",
            "1.25.5   oldstable",
            "1.26rc1",
            "1.26.1   stable",
            "1.27rc1  unstable",
        ]
        document = json.loads(lister.run("list", "--remote", "--json", "~1.25.1").stdout)
        assert document["data"]["versions"] == [
            {
                "version": version,
                "stable": True,
                "installed": False,
                "channel": channel,
                "end_of_life": False,
                "released": None,
            }
            for version, channel in (("1.25.4", None), ("1.25.5", "oldstable"))
        ]

    def test_what_was_seen_before_counts_when_a_list_is_short(self, lister: User, site: Site) -> None:
        """A proxy that has nothing of the new lines does not make an old one supported."""
        settle(lister)
        [state] = (lister.root / "state" / "index").iterdir()
        state.rename(state.with_name("go.dev"))
        site.body("/dl/", index("1.20.14", "1.24.9"))
        result = lister.run("list", "--remote", "--refresh")
        assert result.stdout.splitlines() == [
            "1.20.14  oldstable, end of life",
            "1.24.9   stable, end of life",
        ]


class TestDates:
    @pytest.fixture
    def dated(self, lister: User, site: Site) -> User:
        for day, version in enumerate(LINES, 1):
            module_version = f"v0.0.1-go{version}.{host()}"
            info = {"Version": module_version, "Time": f"2026-03-{day:02}T16:06:09Z"}
            site.body(f"/proxy/{MODULE}/@v/{module_version}.info", json.dumps(info).encode())
        lister.env["GOPROXY"] = f"{site.base}/proxy"
        return lister

    def infos(self, site: Site) -> int:
        return sum(path.endswith(".info") for path, _ in site.requests)

    def test_they_are_asked_for_once(self, dated: User, site: Site) -> None:
        first = dated.run("list", "--remote", "--dates", ">=1.25")
        assert first.stdout.splitlines() == [
            "1.25.4  2026-03-03",
            "1.25.5  2026-03-04  oldstable",
            "1.26.1  2026-03-05  stable",
        ]
        assert self.infos(site) == 3
        assert dated.run("list", "--remote", "--dates", ">=1.25").stdout == first.stdout
        assert self.infos(site) == 3
        document = json.loads(dated.run("list", "--remote", "--dates", "--json").stdout)
        assert [entry["released"] for entry in document["data"]["versions"]] == [
            f"2026-03-{day:02}" for day in range(1, 6)
        ]
        assert self.infos(site) == 5
        assert (dated.cache / "release-dates").read_text().splitlines()[0] == "1.20.14 2026-03-01"

    def test_nobody_is_asked_without_the_option(self, dated: User, site: Site) -> None:
        remote(dated)
        assert self.infos(site) == 0

    def test_what_nobody_knows(self, dated: User, site: Site) -> None:
        path = f"/proxy/{MODULE}/@v/v0.0.1-go1.25.4.{host()}.info"
        site.paths[path] = lambda request: request.answer(404)
        site.body(
            path.replace("1.25.4", "1.25.5"),
            json.dumps({"Version": f"v0.0.1-go1.25.5.{host()}", "Time": ["\x1b"]}).encode(),
        )
        result = dated.run("list", "--remote", "--dates", ">=1.25")
        assert [line.split()[1] for line in result.stdout.splitlines()] == ["-", "-", "2026-03-05"]
        assert result.stderr == "note: listed by official\n"

    def test_a_proxy_that_is_down_is_left_alone(self, dated: User, site: Site) -> None:
        result = dated.run("list", "--remote", "--dates", GOPROXY="off")
        assert result.returncode == 0
        assert [line.split()[1] for line in result.stdout.splitlines()] == ["-"] * 5
        assert "note: not all dates are known: module downloads are disabled by GOPROXY=off" in result.stderr

    def test_a_spoilt_file_is_none(self, dated: User) -> None:
        dated.cache.mkdir(parents=True)
        (dated.cache / "release-dates").write_bytes(
            b"1.26.1 2026-99-99\n\xff\n1.25.5 \x1b[2J\n1.25.4 2020-01-01\n"
        )
        result = dated.run("list", "--remote", "--dates", ">=1.25")
        assert [line.split()[1] for line in result.stdout.splitlines()] == [
            *("2020-01-01", "2026-03-04", "2026-03-05")
        ]


def test_options_go_with_remote(user: User) -> None:
    for option in ("--dates", "--refresh"):
        result = user.run("list", option)
        assert (result.returncode, result.stdout) == (2, "")
        assert f"{option} goes with --remote" in result.stderr
