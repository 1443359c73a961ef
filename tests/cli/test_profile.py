"""`gvmpy profile`: sets of Go settings, shown, changed and made to hold."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.snapshot import snapshot
from tests.cli.test_config import written
from tests.cli.test_manners import ENVELOPE
from tests.conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

WORK = """\
# ours
[profiles.work] # since May
GOPROXY = "https://goproxy.corp,direct" # asked for by Ada
GOPRIVATE = '*.corp'

[profile]
# by hand
use = "work"
"""
IN_PROJECT = (
    '<project><component name="%s"><environment><map><entry key="GOPROXY" value="%s"/></map></environment>'
    "</component></project>"
)
ADAS = "https://ada:pa55word@goproxy.corp,direct"


def env_file(user: User) -> Path:
    return user.home / ".config" / "go" / "env"


def done(user: User, *arguments: str, **env: str) -> str:
    result = user.run("profile", *arguments, **env)
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(user: User, *arguments: str, code: int = 2, **env: str) -> str:
    result = user.run("profile", *arguments, **env)
    assert (result.returncode, result.stdout) == (code, ""), arguments
    assert "Traceback" not in result.stderr
    return result.stderr


def answer(user: User, *arguments: str, **env: str) -> dict[str, object]:
    result = user.run("profile", *arguments, "--json", **env)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    document = json.loads(result.stdout)
    assert list(document) == ENVELOPE
    data = document["data"]
    assert isinstance(data, dict)
    return data


def given(user: User, data: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), "profile", *arguments]
    return subprocess.run(
        command,
        env=user.env,
        cwd=user.home,
        input=data,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class TestLooking:
    def test_list(self, user: User) -> None:
        written(user, WORK)
        lines = done(user, "list").splitlines()
        assert [line.split()[0] for line in lines] == ["NAME", "default", "cn", "cn-nosumdb", "offline", "*"]
        assert lines[-1].split() == [
            *("*", "work", "GOPROXY=https://goproxy.corp,direct", "GOPRIVATE=*.corp"),
        ]
        data = answer(user, "list")
        assert (data["in_use"], data["here"], data["reason"]) == ("work", "work", "in use")

    @pytest.mark.parametrize(
        "arguments", [["list"], ["show"], ["show", "cn"], ["export"], ["list", "--json"]]
    )
    def test_nothing_is_written(self, user: User, arguments: list[str]) -> None:
        written(user, WORK)
        before = snapshot(user.home)
        done(user, *arguments)
        assert snapshot(user.home) == before

    def test_what_sumdb_off_breaks_is_told_everywhere(self, user: User) -> None:
        for result in (user.run("profile", "show", "cn-nosumdb"), user.run("profile", "use", "cn-nosumdb")):
            assert result.returncode == 0
            assert "warning: GOSUMDB=off breaks Go's toolchain switching" in result.stderr
        for arguments in (["show"], ["use", "cn-nosumdb"]):
            warnings = answer(user, *arguments)["warnings"]
            assert isinstance(warnings, list)
            assert ["toolchain switching" in warning for warning in warnings] == [True]
        assert answer(user, "show", "cn")["warnings"] == []

    def test_what_holds_where(self, user: User) -> None:
        bound = user.home / "work" / "deep"
        bound.mkdir(parents=True)
        written(user, f'{WORK}[profile.directories]\n"~/work" = "offline"\n"{bound}" = "cn"\n')
        done(user, "use", "work")
        for directory, name in ((user.home, "work"), (bound.parent, "offline"), (bound, "cn")):
            result = subprocess.run(
                user.command("profile", "show", "--json"),
                env=user.env,
                cwd=directory,
                capture_output=True,
                check=True,
                timeout=60,
            )
            data = json.loads(result.stdout)["data"]
            assert data["name"] == name
            assert (str(directory) in data["reason"]) is (name != "work")
            # Nothing in the environment takes that out of the file.
            left = [line for line in data["warnings"] if "GOPRIVATE=*.corp of profile `work`" in line]
            assert len(left) == (name != "work")


class TestConflicts:
    def test_each_is_told_with_its_place(self, user: User) -> None:
        env_file(user).parent.mkdir(parents=True)
        env_file(user).write_text("GOROOT=/stale\nGOBIN=/b\nGOTOOLCHAIN=go1.20\n")
        idea = user.home / ".idea"
        idea.mkdir()
        (idea / "workspace.xml").write_text(
            '<project version="4">\n<component name="VgoProject"><environment><map>\n'
            '<entry key="GOPROXY" value="https://bob:pw@ide.corp" />\n'
            '<entry key="GOFLAGS" value="-v" /></map></environment></component>\n</project>\n'
        )
        result = user.run(
            "profile", "use", "cn", GOPROXY="https://bob:pw@env.corp", GOSUMDB="sum.golang.google.cn"
        )
        told = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
        file = env_file(user)
        stale, tail = (
            "makes every Go use that tree, and Go 1.21 to 1.26 die when it is gone",
            "to end that, unset it",
        )
        assert [line.removeprefix("warning: ") for line in told] == [
            f"GOPROXY=https://***@env.corp in this environment wins over the profile; {tail}",
            f"GoLand uses GOPROXY=https://***@ide.corp for its project, `{idea}/workspace.xml` line 3",
            f"GOROOT=/stale in `{file}` line 1 {stale}",
            f"GOTOOLCHAIN=go1.20 in `{file}` line 3 decides whether Go hands on to another toolchain",
            f"GOBIN=/b in `{file}` line 2 moves what `go install` writes",
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "<project>",
            f'<!DOCTYPE p [<!ENTITY a "x">]>{IN_PROJECT % ("VgoProject", "&a;")}',
            IN_PROJECT % ("Other", "x"),
        ],
    )
    def test_a_project_file_that_says_nothing(self, user: User, text: str) -> None:
        (user.home / ".idea").mkdir()
        (user.home / ".idea" / "workspace.xml").write_text(text)
        assert user.run("profile", "use", "cn").stderr.count("warning") == 0

    def test_a_shell_with_an_earlier_profile(self, user: User) -> None:
        env = {"GOPROXY": "off", "_GVMPY_PROFILE_GOPROXY": "off"}
        result = user.run("profile", "use", "cn", **env)
        assert "GOPROXY in this shell is still that of an earlier profile" in result.stderr

    def test_an_environment_that_says_the_same(self, user: User) -> None:
        assert "warning" not in user.run("profile", "use", "cn", GOPROXY="https://goproxy.cn,direct").stderr

    def test_a_scope_that_cannot_hold_it(self, user: User) -> None:
        written(user, '[profiles.p]\nHTTPS_PROXY = "http://p:1"\n[profile]\nscope = ["go"]\n')
        told = user.run("profile", "use", "p").stderr
        assert "HTTPS_PROXY from the environment only, and `profile.scope` has no `shell`" in told
        assert not env_file(user).exists()


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "in_file", "in_shell"), [("go", 1, 0), ("shell", 0, 1), ("go,shell", 1, 1)]
    )
    def test_each(self, user: User, scope: str, in_file: int, in_shell: int) -> None:
        result = user.run("profile", "use", "cn", GVMPY_PROFILE_SCOPE=scope)
        assert result.returncode == 0
        assert env_file(user).exists() is bool(in_file)
        exports = user.root / "shell" / "profile.sh"
        assert exports.exists() is bool(in_shell)

    def test_a_scope_that_is_given_up_is_taken_back(self, user: User) -> None:
        done(user, "use", "cn")
        done(user, "use", "cn", GVMPY_PROFILE_SCOPE="shell")
        assert not env_file(user).exists()
        done(user, "use", "cn", GVMPY_PROFILE_SCOPE="go")
        assert "goproxy.cn" not in (user.root / "shell" / "profile.sh").read_text()
        assert "goproxy.cn" in env_file(user).read_text()

    def test_an_unknown_one(self, user: User) -> None:
        told = refused(user, "list", GVMPY_PROFILE_SCOPE="ide")
        assert told == "error: unknown scope 'ide' in `profile.scope`\nhint: choose of go, shell\n"


def test_a_password_that_others_can_read_is_told(user: User) -> None:
    file = written(user, f'[profiles.work]\nGOPROXY = "{ADAS}"\n[profile]\nuse = "work"\n')
    file.chmod(0o644)
    told = user.run("profile", "show").stderr
    assert f"`{file}` holds a password and others can read it" in told
    file.chmod(0o600)
    assert "others can read" not in user.run("profile", "show").stderr


def test_a_project_file_that_would_never_end(user: User) -> None:
    (user.home / ".idea").mkdir()
    os.mkfifo(user.home / ".idea" / "workspace.xml")
    done(user, "use", "cn")


def test_what_was_only_wished_for_is_told(user: User) -> None:
    written(user, WORK)
    assert "does not have it yet: gvmpy profile use work" in user.run("profile", "show").stderr
    done(user, "use", "work")
    assert user.run("profile", "show").stderr == ""
    assert user.run("config", "set", "profile.use", "cn").returncode == 0
    assert "does not have it yet: gvmpy profile use cn" in user.run("profile", "show").stderr


def test_a_variable_goes_before_the_file(user: User) -> None:
    result = user.run("profile", "use", "offline", GVMPY_PROFILE="cn")
    assert "note: cn holds nevertheless: GVMPY_PROFILE is set here" in result.stderr
    assert "goproxy.cn" in env_file(user).read_text()
