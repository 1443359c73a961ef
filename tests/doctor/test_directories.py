"""Owners, modes, mounts and room of what Go and gvmpy write to, as an ordinary user meets them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from tests.doctor.conftest import NEW, Healthy, ordinary_user
from tests.support.goroots import BUILDS, put_goroot
from tests.support.mounts import run_with_noexec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.toolchains import Toolchain


class TestGoInstall:
    """The article's case: `go install` fails for a user, and works after doctor was there."""

    def install(self, healthy: Healthy) -> subprocess.CompletedProcess[str]:
        command = [*ordinary_user(), str(healthy.home.versions / f"go{NEW}" / "bin" / "go"), "install", "."]
        return subprocess.run(
            command, env=healthy.env, cwd=healthy.user.home / "m", capture_output=True, text=True, check=False
        )

    def test_works_again(self, healthy: Healthy, real_toolchains: dict[str, Toolchain]) -> None:
        put_goroot(real_toolchains[NEW], healthy.home.versions / f"go{NEW}", BUILDS)
        module = healthy.user.home / "m"
        module.mkdir()
        (module / "go.mod").write_text("module m\n")
        (module / "main.go").write_text("package main\n\nfunc main() {}\n")
        healthy.env.update(GOTOOLCHAIN="local", CGO_ENABLED="0")
        binaries = healthy.user.home / "go" / "bin"
        binaries.mkdir(parents=True)
        binaries.chmod(0o555)
        failed = self.install(healthy)
        assert failed.returncode != 0
        assert "permission denied" in failed.stderr
        # ... and the build cache, as somebody's umask or chmod -R left it.
        spoilt = next((healthy.user.home / ".cache" / "go-build").glob("[0-9a-f][0-9a-f]"))
        spoilt.chmod(0o500)
        found = healthy.data()["findings"]
        assert {each["id"] for each in found} == {"directory-not-writable"}
        assert [each["where"] for each in found] == [f"`{binaries}`", f"`{spoilt}`"]
        assert found[0]["fix"]["command"] == f"chmod u+rwx -- {binaries}"
        mended = healthy.data("--fix", "--yes")
        assert (mended["fixed"], mended["findings"]) == (["directory-not-writable"] * 2, [])
        assert self.install(healthy).returncode == 0
        assert (binaries / "m").is_file()
        assert healthy.findings() == {}


class TestOwnAndModes:
    def test_open_to_others(self, healthy: Healthy) -> None:
        gopath = healthy.user.home / "go"
        gopath.mkdir()
        gopath.chmod(0o777)
        found = healthy.findings()["directory-open-to-others"]
        assert (found["severity"], found["where"]) == ("warning", f"`{gopath}`, mode 0777")
        assert healthy.data("--fix", "--yes")["findings"] == []
        assert gopath.stat().st_mode & 0o777 == 0o755

    def test_open_root(self, healthy: Healthy) -> None:
        healthy.home.root.chmod(0o770)
        group = "directory-open-to-others" in healthy.findings()
        healthy.home.root.chmod(0o702)
        assert "directory-open-to-others" in healthy.findings()
        assert healthy.data("--fix", "--yes")["findings"] == []
        assert healthy.home.root.stat().st_mode & 0o777 == 0o700
        # A group of the user's own, as most systems give each user, is nobody else.
        assert group is not has_private_group()

    @pytest.mark.parametrize("where", ["outside", "shared"])
    def test_what_is_meant_for_others_stays_so(self, healthy: Healthy, where: str) -> None:
        """As /usr/local/bin, which some systems give to a group, and /tmp, if that is where GOBIN points."""
        place = (healthy.user.home.parent if where == "outside" else healthy.user.home) / "place"
        place.mkdir()
        place.chmod(0o777 if where == "outside" else 0o1777)
        before = place.stat()
        found = healthy.findings(GOBIN=str(place))["directory-open-to-others"]
        assert not found["fix"]["safe"]
        told = {
            "outside": f"chmod go-w -- {place}",
            "shared": "go env -w GOBIN=/path/to/a/directory/of/yours",
        }
        assert found["fix"]["command"] == told[where]
        assert healthy.data("--fix", "--yes", GOBIN=str(place))["fixed"] == []
        assert place.stat() == before

    def test_cannot_be_made(self, healthy: Healthy) -> None:
        closed = healthy.user.home / "closed"
        closed.mkdir()
        closed.chmod(0o500)
        found = healthy.findings(GOPATH=str(closed / "go"))
        assert "cannot be made: `" in found["directory-cannot-be-made"]["what"]
        assert found["directory-cannot-be-made"]["fix"] == {
            "command": f"chmod u+rwx -- {closed}",
            "safe": True,
        }

    def test_is_no_directory(self, healthy: Healthy) -> None:
        (healthy.user.home / "file").touch()
        found = healthy.data(GOBIN=str(healthy.user.home / "file"))["findings"]
        assert [each["id"] for each in found] == ["directory-not-a-directory"]
        assert found[0]["fix"]["command"] == f"mv -- {healthy.user.home}/file {healthy.user.home}/file.before"

    def test_a_place_that_is_not_there_yet_is_fine(self, healthy: Healthy) -> None:
        assert (
            healthy.findings(GOPATH=str(healthy.user.home / "a" / "b"), GOBIN=str(healthy.user.home / "c"))
            == {}
        )

    def test_behind_a_link(self, healthy: Healthy) -> None:
        (healthy.user.home / "disk").mkdir()
        (healthy.user.home / "go").symlink_to(healthy.user.home / "disk")
        assert healthy.findings() == {}
        (healthy.user.home / "disk").chmod(0o500)
        assert healthy.data("--fix", "--yes")["findings"] == []
        assert (healthy.user.home / "disk").stat().st_mode & 0o777 == 0o700


class TestOthers:
    """What `sudo go` leaves."""

    def test_a_directory_of_somebody_else_s(self, healthy: Healthy) -> None:
        binaries = healthy.user.home / "go" / "bin"
        binaries.mkdir(parents=True)
        healthy.give_away(binaries)
        found = healthy.data()["findings"]
        assert [each["id"] for each in found] == ["directory-foreign"]
        assert found[0]["severity"] == "error"
        cure = found[0]["fix"]
        assert cure["command"].startswith("sudo chown -R ")
        assert cure["command"].endswith(f": -- {binaries}")
        assert not cure["safe"]

    def test_is_never_changed(self, healthy: Healthy) -> None:
        binaries = healthy.user.home / "go" / "bin"
        binaries.mkdir(parents=True)
        binaries.chmod(0o777)
        healthy.give_away(binaries, writable=True)
        before = binaries.stat()
        found = healthy.data()["findings"]
        assert [(each["id"], each["severity"]) for each in found] == [("directory-foreign", "warning")]
        assert healthy.data("--fix", "--yes")["fixed"] == []
        assert binaries.stat() == before

    def test_in_the_caches(self, healthy: Healthy) -> None:
        modules = healthy.user.home / "go" / "pkg" / "mod"
        for name in ("github.com", "golang.org", "example@v1.0.0", "a", "b"):
            (modules / name).mkdir(parents=True)
        for name in ("github.com", "golang.org", "a", "b"):
            healthy.give_away(modules / name)
        (modules / "example@v1.0.0").chmod(0o555)  # a module with a name of one word, as Go unpacks it
        found = healthy.findings()
        assert list(found) == ["directory-foreign-below"]
        below = found["directory-foreign-below"]
        assert below["where"] == f"`{modules}/a`, `{modules}/b`, `{modules}/github.com` and 1 more"
        assert below["fix"]["command"].endswith(f" -- {modules}")

    def test_what_is_not_in_the_home_is_not_to_be_given_away(self, healthy: Healthy) -> None:
        place = healthy.user.home.parent / "shared"
        place.mkdir()
        healthy.give_away(place)
        cure = healthy.findings(GOBIN=str(place))["directory-foreign"]["fix"]["command"]
        assert cure == "go env -w GOBIN=/path/to/a/directory/of/yours"

    def test_names_are_quoted(self, healthy: Healthy) -> None:
        place = healthy.user.home / "a b; $(touch x) '"
        place.mkdir()
        healthy.give_away(place)
        words = healthy.data(GOBIN=str(place))["findings"][0]["fix"]["command"].removeprefix("sudo chown -R")
        shown = subprocess.run(
            ["sh", "-c", f"printf '%s\\n' {words}"], capture_output=True, text=True, check=True
        )
        assert shown.stdout.splitlines()[1:] == ["--", str(place)]


def has_private_group() -> bool:
    script = "import grp, os, pwd; print(pwd.getpwuid(os.getuid())[0] == grp.getgrgid(os.getgid())[0])"
    result = subprocess.run(
        [*ordinary_user(), "python3", "-c", script], capture_output=True, text=True, check=False
    )
    return result.stdout == "True\n"


class TestMounts:
    def test_noexec(self, healthy: Healthy) -> None:
        """As root of the mount's namespace: what is not executable is so for everybody."""
        place = healthy.user.home / "mounted"
        env = healthy.env | {
            "GOBIN": str(place),
            "TMPDIR": str(place / "tmp"),
            "GOCACHE": str(place / "cache"),
        }
        command = healthy.user.command("doctor")
        result = run_with_noexec(place, f"mkdir '{place / 'tmp'}'", command, env)
        assert result.returncode == 1, result.stderr
        text = result.stdout.decode()
        assert text.count("[directory-noexec]") == 2
        assert "error: GOBIN is on a file system mounted noexec [directory-noexec]" in text
        assert "warning: GOTMPDIR is on a file system mounted noexec [directory-noexec]" in text
        assert 'fix:   mkdir -p "$HOME/.cache/go-tmp" && go env -w GOTMPDIR="$HOME/.cache/go-tmp"' in text

    def test_root_on_noexec(self, healthy: Healthy) -> None:
        place = healthy.user.home / "mounted"
        moved = replace(healthy, home=Home(place / "root"))
        env = moved.env | {"GVMPY_ROOT": str(moved.home.root)}
        put = f"cp -r '{healthy.home.root}' '{place}/root'"
        result = run_with_noexec(place, put, healthy.user.command("doctor"), env)
        text = result.stdout.decode()
        assert "error: gvmpy's root is on a file system mounted noexec" in text
        assert "every Go that gvmpy installs cannot be run from there" in text

    def test_a_full_one(self, healthy: Healthy) -> None:
        place = healthy.user.home / "small"
        script = 'mount -t tmpfs -o size=4m,mode=0700 tmpfs "$1" && shift && exec "$@"'
        place.mkdir()
        outer = (
            ["unshare", "--mount"]
            if os.geteuid() == 0
            else ["unshare", "--user", "--map-root-user", "--mount"]
        )
        result = subprocess.run(
            [*outer, "sh", "-c", script, "sh", str(place), *healthy.user.command("doctor")],
            env=healthy.env
            | {"GOCACHE": str(place / "cache"), "PATH": f"{healthy.env['PATH']}:/usr/sbin:/sbin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 1, result.stderr
        assert "warning: the file system of GOCACHE has 4 MiB left [directory-full]" in result.stdout
        assert "200 MiB are wanted for an installation or a build" in result.stdout

    def test_temporary_files(self, healthy: Healthy) -> None:
        """Go makes every directory but this one."""
        missing = healthy.user.home / "tmp"
        assert healthy.go("env", "GOTMPDIR").returncode == 0
        found = healthy.findings(TMPDIR=str(missing))
        assert found["directory-missing"]["fix"]["command"] == f"mkdir -p -- {missing}"
        missing.mkdir()
        assert healthy.findings(TMPDIR=str(missing)) == {}
        missing.chmod(0o500)
        assert "directory-not-writable" in healthy.findings(TMPDIR=str(missing))


@pytest.mark.parametrize("name", ["GOPATH", "GOCACHE", "GOMODCACHE", "GOBIN"])
def test_each_is_found_where_the_env_file_puts_it(healthy: Healthy, name: str) -> None:
    place: Path = healthy.user.home / "elsewhere"
    place.mkdir()
    place.chmod(0o500)
    healthy.set_go(f"{name}={place}\n")
    assert healthy.go("env", name).stdout == f"{place}\n"
    found = healthy.data()["findings"]
    assert found[0]["id"] == "directory-not-writable"
    assert found[0]["what"] == f"you may not write to {name}, though it is yours"
