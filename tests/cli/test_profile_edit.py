"""The subcommands of `gvmpy profile` that change the configuration file, and what they refuse."""

from __future__ import annotations

import contextlib
import os
import pty
import stat
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_config import file_of, written
from tests.cli.test_profile import ADAS, WORK, answer, done, env_file, given, refused
from tests.conftest import PROGRAM

if TYPE_CHECKING:
    from tests.conftest import User


class TestChanging:
    def test_what_people_wrote_stays(self, user: User) -> None:
        file = written(user, WORK)
        done(user, "set", "work", "GOPRIVATE", "*.corp,github.com/corp")
        done(user, "set", "work", "gosumdb", "off")
        done(user, "set", "new", "GOFLAGS", "--", "-trimpath")
        assert file.read_text() == WORK.replace(
            "'*.corp'", '"*.corp,github.com/corp"\nGOSUMDB = "off"'
        ).replace("[profile]\n", '[profiles.new]\nGOFLAGS = "-trimpath"\n[profile]\n')
        assert "GOSUMDB=off" in env_file(user).read_text()
        done(user, "unset", "work", "GOSUMDB")
        assert "GOSUMDB" not in env_file(user).read_text()
        assert done(user, "unset", "work", "GOSUMDB") == "work: GOSUMDB was not set\n"
        done(user, "use", "default")
        done(user, "delete", "new")
        done(user, "delete", "work")
        kept = file.read_text()
        assert "# by hand" in kept
        assert "profiles" not in kept
        assert not env_file(user).exists()

    def test_a_password_is_never_on_a_command_line(self, user: User) -> None:
        told = refused(user, "set", "work", "GOPROXY", ADAS)
        assert "pa55word" not in told
        assert "hint: gvmpy profile set work GOPROXY -" in told
        assert not file_of(user).exists()

    def test_a_password_is_asked_for_unseen_on_a_terminal(self, user: User) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(user.home)
            os.execve(PROGRAM, [str(PROGRAM), "profile", "set", "work", "GOPROXY", "-"], user.env)  # noqa: S606
        shown = os.read(terminal, 4096)
        os.write(terminal, f"{ADAS}\n".encode())
        with contextlib.suppress(OSError):  # what Linux says when the last one has closed the other end
            while data := os.read(terminal, 4096):
                shown += data
        assert os.waitpid(pid, 0)[1] == 0
        os.close(terminal)
        assert shown.startswith(b"GOPROXY: ")
        assert b"pa55word" not in shown
        assert ADAS in file_of(user).read_text()

    def test_a_password_is_for_the_owner_alone(self, user: User) -> None:
        file = written(user, "# mine\n")
        file.chmod(0o644)
        env_file(user).parent.mkdir(parents=True)
        env_file(user).write_text("GOBIN=/b\n")
        env_file(user).chmod(0o644)
        results = [given(user, f"{ADAS}\n", "set", "work", "GOPROXY", "-")]
        results += [
            user.run("profile", *words) for words in (["use", "work"], ["show"], ["list"], ["export"])
        ]
        results += [user.run("profile", *words, "--json") for words in (["use", "work"], ["show"], ["list"])]
        results += [user.run("profile", "test", GVMPY_OFFLINE="1"), user.run("config", "list")]
        for result in results[:-2]:
            assert result.returncode == 0, result.stderr
        for result in results:
            assert "pa55word" not in result.stdout + result.stderr
        for path in (
            file,
            env_file(user),
            user.root / "shell" / "profile.sh",
            user.root / "shell" / "profile.fish",
        ):
            assert "pa55word" in path.read_text()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        done(user, "use", "default")
        assert stat.S_IMODE(env_file(user).stat().st_mode) == 0o644
        assert env_file(user).read_text() == "GOBIN=/b\n"

    def test_export_and_import(self, user: User) -> None:
        written(user, WORK)
        given(user, ADAS, "set", "work", "GOPROXY", "-")
        exported = user.run("profile", "export")
        assert exported.stderr == "note: users and passwords of work are left out\n"
        assert exported.stdout == (
            '[profiles.work]\nGOPROXY = "https://goproxy.corp,direct"\nGOPRIVATE = "*.corp"\n'
        )
        assert done(user, "export", "cn").startswith("[profiles.cn]\n")
        assert "already" in given(user, exported.stdout, "import", "-").stderr
        done(user, "use", "default")
        done(user, "delete", "work")
        assert given(user, exported.stdout, "import", "-").stdout == "imported work\n"
        again = given(user, '[profiles.work]\nGOPRIVATE = "x"\n', "import", "--replace", "-")
        assert again.returncode == 0
        assert answer(user, "show", "work")["settings"] == {"GOPRIVATE": "x"}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[profiles.cn]\nGOFLAGS='-v'\n", "built in"),
            ("[profiles.a]\nGOPROXY='x'\n", "neither a URL"),
            ("[profiles.a]\nPATH='/x'\n", "unknown setting `PATH`"),
            ("[profiles.'a b']\nGOFLAGS='-v'\n", "cannot be a profile's name"),
            ("[profile]\nuse='a'\n", "more in it than profiles"),
            ("[sources]\norder=[]\n", "more in it than profiles"),
            ("profiles = 3", "must be a table"),
            ("[profiles", "not valid TOML"),
        ],
    )
    def test_hostile_imports(self, user: User, text: str, said: str) -> None:
        result = given(user, text, "import", "-")
        assert (result.returncode, result.stdout) == (2, "")
        assert said in result.stderr
        assert not file_of(user).exists()


class TestBinding:
    @pytest.mark.parametrize("text", ["", WORK, "[profile.versions] # ours\n'1.20' = 'cn' # old\n"])
    def test_bind_and_unbind(self, user: User, text: str) -> None:
        file = written(user, text)
        work = user.home / "a b"
        work.mkdir()
        assert done(user, "bind", "cn", "--version", "1.21") == "version 1.21 is bound to cn\n"
        assert (
            done(user, "bind", "offline", "--directory", "a b") == f"directory {work} is bound to offline\n"
        )
        exports = user.root / "shell" / "profile.sh"
        assert f"'{work}/'*)" in exports.read_text()
        assert "GOPROXY='off'" in exports.read_text()
        listed = answer(user, "list")["profiles"]
        assert isinstance(listed, list)
        bound = {item["name"]: item["bound_to"] for item in listed}
        assert "version 1.21" in bound["cn"]
        assert bound["offline"] == [f"directory {work}"]
        assert answer(user, "bind", "cn", "--version", "1.21")["changed"] is False
        done(user, "bind", "cn", "--directory", str(work))
        done(user, "unbind", "--directory", str(work))
        done(user, "unbind", "--version", "1.21")
        assert "GOPROXY='off'" not in exports.read_text()
        for line in text.splitlines():
            assert line in file.read_text().splitlines()
        assert not any(words in file.read_text() for words in ("1.21", "a b"))

    def test_one_that_is_bound_is_not_deleted(self, user: User) -> None:
        work = user.home / "a b"
        done(user, "set", "mine", "GOSUMDB", "off")
        done(user, "bind", "mine", "--directory", str(work))
        assert refused(user, "delete", "mine").splitlines() == [
            f"error: profile `mine` is needed by directory {work}",
            f"hint: gvmpy profile unbind --directory '{work}'",
        ]

    def test_one_written_with_a_tilde(self, user: User) -> None:
        file = written(user, '[profile.directories]\n"~/work" = "cn"\n')
        done(user, "unbind", "--directory", str(user.home / "work"))
        assert "work" not in file.read_text()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["bind", "cn"], "name one of"),
            (["bind", "cn", "--version", "1.21", "--directory", "x"], "name one of"),
            (["bind", "cn", "--version", "new"], "'new' begins no version"),
            (["bind", "cnn", "--version", "1.21"], "did you mean `cn`"),
        ],
    )
    def test_refused(self, user: User, arguments: list[str], said: str) -> None:
        assert said in refused(user, *arguments)
        assert not file_of(user).exists()


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "[profiles.a]\nGOPROXY='off'\n[profiles.b]\nGOPROXI='off'\n",
                "unknown setting `GOPROXI` of profile `b` in `@` line 4\nhint: did you mean `GOPROXY`?",
            ),
            (
                "[profiles.b]\n'x y'='off'\n",
                "unknown setting `x y` of profile `b` in `@` line 2\nhint: known",
            ),
            ("[profiles.b]\nGOPROXY=1\n", "`profiles.b.GOPROXY` in `@` line 2 must be a string"),
            ("[profiles]\nb='x'\n", "`profiles.b` in `@` line 2 must be a table"),
            ("[profiles.b]\nGOFLAGS='x'\n", "profile `b`: GOFLAGS has a word that is no flag"),
            ("[profiles.cn]\nGOFLAGS='-x'\n", "profile `cn` is built in and cannot be changed"),
            (
                "[profile]\nuse='wrok'\n[profiles.work]\n",
                "there is no profile 'wrok'\nhint: did you mean `work`?",
            ),
            ("[profile.versions]\n'1.21'='nn'\n", "there is no profile 'nn'"),
            ("[profile.versions]\n'mine'='cn'\n", "`profile.versions`: 'mine' begins no version"),
            (
                "[profile.directories]\n'work'='cn'\n",
                "`profile.directories` has 'work', which is neither absolute nor below `~`",
            ),
            (
                "[profile]\nuze='cn'\n",
                "unknown key `profile.uze` in `@` line 2\nhint: did you mean `profile.use`?",
            ),
        ],
    )
    def test_a_file_with_a_mistake(self, user: User, text: str, said: str) -> None:
        file = written(user, text)
        told = refused(user, "list")
        assert told.startswith(f"error: {said.replace('@', str(file))}")
        if "wrok" in text:
            done(user, "use", "cn")
            return
        refused(user, "use", "cn")
        assert file.read_text() == text
        assert not env_file(user).exists()

    @pytest.mark.parametrize(
        "line",
        ["profile.use = 'wrok'", "profiles.a.GOFLAGS = 'x'", "profile.scope = ['x']", "profiles.a.GOX = ''"],
    )
    def test_a_draft_with_a_mistake_is_not_saved(self, user: User, line: str) -> None:
        program = user.home / "editor"
        program.write_text(f'#!/bin/sh\necho "{line}" >>"$1"\n')
        program.chmod(0o755)
        result = user.run("config", "edit", EDITOR=str(program))
        assert result.returncode == 2
        assert "your text is kept in" in result.stderr
        assert not file_of(user).exists()

    def test_a_key_with_a_mistake_is_not_saved(self, user: User) -> None:
        for key, value in (("profile.use", "ofline"), ("profile.scope", "go,ide")):
            assert user.run("config", "set", key, value).returncode == 2
        assert not file_of(user).exists()

    def test_names(self, user: User) -> None:
        assert "did you mean `offline`" in refused(user, "use", "ofline")
        assert "did you mean `GOSUMDB`" in refused(user, "set", "w", "GOSUMD", "off")
        assert "built in" in refused(user, "set", "cn", "GOSUMDB", "off")
        assert "cannot be a profile's name" in refused(user, "set", "../x", "GOSUMDB", "off")
        assert "there is no profile" in refused(user, "delete", "nothing")
        assert list(user.home.iterdir()) == []

    def test_what_is_in_use_is_not_deleted(self, user: User) -> None:
        written(user, WORK)
        told = refused(user, "delete", "work")
        assert told == "error: profile `work` is needed by `profile.use`\nhint: gvmpy profile use default\n"
