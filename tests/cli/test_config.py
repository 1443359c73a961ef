"""`gvmpy config`: looking at the settings, and changing them without touching what people wrote around."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.config import KEYS
from tests.cli.ordinary import ordinary
from tests.cli.snapshot import snapshot
from tests.cli.test_manners import ENVELOPE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

WRITTEN = """\
# how we build
sources.order = [
  "official", # first
] # since May

trust.minimum = 'pinned'   # asked for by Ada

[official] # the index
# not ours
index = "https://x.example/" # for now

# the end
"""


def file_of(user: User) -> Path:
    return user.home / ".config" / "gvmpy" / "config.toml"


def written(user: User, text: str = WRITTEN) -> Path:
    file = file_of(user)
    file.parent.mkdir(parents=True)
    file.write_bytes(text.encode())
    return file


def done(user: User, *arguments: str, **env: str) -> str:
    result = user.run("config", *arguments, **env)
    assert (result.returncode, result.stderr) == (0, ""), arguments
    return result.stdout


def refused(user: User, *arguments: str, code: int = 2, **env: str) -> str:
    result = user.run("config", *arguments, **env)
    assert (result.returncode, result.stdout) == (code, ""), arguments
    assert "Traceback" not in result.stderr
    return result.stderr


def editor(user: User, script: str) -> str:
    """Return the path, with a blank in it, of an editor that does `script` to the file $1."""
    program = user.home / "my editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"'{program}'"


class TestLooking:
    def test_list(self, user: User) -> None:
        file = written(user)
        lines = done(
            user, "list", GVMPY_MISSING="install", GVMPY_MIRRORS="https://a/,https://b/"
        ).splitlines()
        assert [line.split(None, 1)[0] for line in lines] == ["KEY", *(key.name for key in KEYS)]
        told = {line.split(None, 1)[0]: line.split(None, 1)[1].strip() for line in lines[1:]}
        assert told["sources.order"].split("  ")[0] == '["official"]'
        assert told["sources.order"].endswith(f"{file} line 2")
        assert told["trust.minimum"].split() == ['"pinned"', str(file), "line", "6"]
        assert told["official.index"].endswith(f"{file} line 10")
        assert told["official.mirrors"].endswith("GVMPY_MIRRORS")
        assert told["switch.missing"].split() == ['"install"', "GVMPY_MISSING"]
        assert told["goproxy.url"].split() == ['""', "default"]

    def test_list_as_json(self, user: User) -> None:
        file = written(user)
        document = json.loads(done(user, "list", "--json", GVMPY_MISSING="install"))
        assert list(document) == ENVELOPE
        assert (document["command"], document["data"]["file"]) == ("config", str(file))
        told = {item["key"]: item for item in document["data"]["settings"]}
        assert list(told) == [key.name for key in KEYS]
        assert told["sources.order"] == {
            "key": "sources.order",
            "value": ["official"],
            "origin": "file",
            "variable": "GVMPY_SOURCES",
            "file": str(file),
            "line": 2,
        }
        assert [told[name]["origin"] for name in ("switch.missing", "goproxy.url")] == [
            "environment",
            "default",
        ]

    @pytest.mark.parametrize("name", ["sources.order", "order"])
    def test_get(self, user: User, name: str) -> None:
        assert done(user, "get", name) == "official,goproxy,wheel\n"
        assert done(user, "get", name, GVMPY_SOURCES="goproxy") == "goproxy\n"
        written(user)
        assert done(user, "get", name) == "official\n"
        assert json.loads(done(user, "get", name, "--json"))["data"]["value"] == ["official"]

    @pytest.mark.parametrize("arguments", [["list"], ["get", "missing"], ["list", "--json"]])
    def test_nothing_is_written(self, user: User, arguments: list[str]) -> None:
        done(user, *arguments)
        assert list(user.home.iterdir()) == []
        written(user)
        before = snapshot(user.home)
        done(user, *arguments)
        assert snapshot(user.home) == before


class TestChanging:
    def test_a_new_file_is_private(self, user: User) -> None:
        file = file_of(user)
        assert done(user, "set", "missing", "install") == f'switch.missing = "install" in {file}\n'
        assert file.read_text() == '[switch]\nmissing = "install"\n'
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert not user.root.exists()
        assert done(user, "get", "switch.missing") == "install\n"
        assert done(user, "unset", "missing") == f"switch.missing is no longer set in {file}\n"
        assert file.read_text() == ""
        assert done(user, "unset", "missing") == f"switch.missing was not set in {file}\n"

    def test_a_key_of_three_parts(self, user: User) -> None:
        file = written(user, '[switch]\nmissing = "error" # for now\n')
        done(user, "set", "settings", "block")
        done(user, "set", "switch.hooks.user", "off")
        done(user, "set", "hook_timeout", "1.5")
        assert file.read_text() == (
            '[switch]\nmissing = "error" # for now\nhook_timeout = 1.5\n\n'
            '[switch.hooks]\nsettings = "block"\nuser = "off"\n'
        )
        assert done(user, "get", "hook_timeout") == "1.5\n"
        assert "unknown policy 'yes' in `switch.hooks.user`" in refused(user, "set", "user", "yes")
        for name in ("settings", "user", "hook_timeout"):
            done(user, "unset", name)
        assert file.read_text().rstrip() == '[switch]\nmissing = "error" # for now'

    def test_unset_without_a_file_makes_none(self, user: User) -> None:
        done(user, "unset", "missing")
        assert list(user.home.iterdir()) == []

    def test_what_people_wrote_stays(self, user: User) -> None:
        file = written(user)
        file.chmod(0o640)
        done(user, "set", "order", "goproxy,official")
        done(user, "set", "trust.minimum", "third-party")
        done(user, "set", "index", "https://y.example/")
        done(user, "set", "goproxy.url", "direct")
        assert file.read_text() == (
            WRITTEN.replace('[\n  "official", # first\n]', '["goproxy", "official"]')
            .replace("'pinned'", '"third-party"')
            .replace("x.example", "y.example")
            + '\n[goproxy]\nurl = "direct"\n'
        )
        for name in ("order", "minimum", "index", "goproxy.url"):
            done(user, "unset", name)
        kept = ["# how we build", "[official] # the index", "# not ours", "# the end"]
        assert [line for line in file.read_text().splitlines() if line] == kept
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        assert list(file.parent.iterdir()) == [file]

    @pytest.mark.parametrize(
        "text", ["[official]\r\nindex = 'https://x/' # a\r\n", "official = {index = 'https://x/'}", "# é"]
    )
    def test_odd_files(self, user: User, text: str) -> None:
        file = written(user, text)
        done(user, "set", "index", "https://y/")
        done(user, "set", "mirrors", "")
        done(user, "set", "missing", "install")
        assert done(user, "get", "index") == "https://y/\n"
        assert done(user, "get", "mirrors") == ""
        assert done(user, "get", "missing") == "install\n"
        assert file.read_bytes().count(b"#") == text.count("#")

    def test_every_key_takes_its_default(self, user: User) -> None:
        for key in KEYS:
            if value := done(user, "get", key.name).strip():
                done(user, "set", key.name, value)
        origins = {line.split()[0]: line.split()[-1] for line in done(user, "list").splitlines()[1:]}
        assert {name for name, origin in origins.items() if origin == "default"} == {
            "goproxy.url",
            "goproxy.sumdb",
            "official.trusted",
            "trust.key",
        }

    def test_through_a_link(self, user: User) -> None:
        real = user.home / "dotfiles" / "gvmpy.toml"
        file_of(user).parent.mkdir(parents=True)
        file_of(user).symlink_to(real)
        done(user, "set", "missing", "install")
        assert file_of(user).is_symlink()
        assert real.read_text() == '[switch]\nmissing = "install"\n'
        real.chmod(0o644)
        done(user, "set", "missing", "error")
        assert file_of(user).is_symlink()
        assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == (
            '[switch]\nmissing = "error"\n',
            0o644,
        )

    def test_the_environment_still_wins(self, user: User) -> None:
        result = user.run("config", "set", "missing", "install", GVMPY_MISSING="error")
        assert result.returncode == 0
        assert result.stderr == (
            "note: GVMPY_MISSING is set here and wins over the file\nhint: unset GVMPY_MISSING\n"
        )

    def test_the_shims_are_told(self, user: User) -> None:
        user.root.mkdir(mode=0o700)
        for arguments in (["set", "missing", "install"], ["unset", "missing"]):
            done(user, *arguments)
            shim = user.root / "shims" / "go"
            assert os.access(shim, os.X_OK)
            shim.unlink()


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [("mising", "switch.missing"), ("trust.minimun", "trust.minimum"), ("Missing", "switch.missing")],
    )
    @pytest.mark.parametrize("verb", ["get", "set", "unset"])
    def test_unknown_keys(self, user: User, verb: str, name: str, meant: str) -> None:
        value = ["install"] if verb == "set" else []
        told = refused(user, verb, name, *value)
        assert told == f"error: unknown key `{name}`\nhint: did you mean `{meant}`?\n"
        assert list(user.home.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("missing", "ask", "unknown action 'ask' in `switch.missing`"),
            ("missing", "", "unknown action '' in `switch.missing`"),
            ("minimum", "none", "unknown trust level 'none' in `trust.minimum`"),
            ("order", "official,nowhere", "unknown source 'nowhere' in `sources.order`"),
            ("index", "http://example.com/", "'http://example.com/' is not an https URL"),
            ("mirrors", "https://a/,b", "'b' is not an https URL"),
            ("index", "https://[", "'https://[' is no URL"),
            ("goproxy.url", "nonsense", "GOPROXY element 'nonsense' is neither"),
            ("sumdb", "sum.nowhere", "GOSUMDB cannot be used"),
        ],
    )
    def test_values(self, user: User, name: str, value: str, message: str) -> None:
        told = refused(user, "set", name, value)
        assert told.startswith(f"error: {message}")
        assert list(user.home.iterdir()) == []

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[switch", "is not valid TOML"),
            ("[switch]\nmising = ''", "unknown key"),
            ("trust.minimum = 1", "must be"),
        ],
    )
    @pytest.mark.parametrize("arguments", [["set", "missing", "install"], ["unset", "missing"], ["list"]])
    def test_a_file_with_a_mistake(self, user: User, text: str, message: str, arguments: list[str]) -> None:
        file = written(user, text)
        assert message in refused(user, *arguments)
        assert file.read_text() == text

    def test_a_wrong_word_in_the_file_can_be_put_right(self, user: User) -> None:
        written(user, "[switch]\nmissing = 'perhaps'\n")
        told = "error: unknown action 'perhaps' in `switch.missing`\nhint: choose one of error, install\n"
        assert refused(user, "list") == told
        assert user.run("list", "--remote").stderr == told
        done(user, "set", "missing", "error")
        assert done(user, "get", "missing") == "error\n"

    def test_where_nothing_can_be_written(self, user: User) -> None:
        file = written(user)
        subprocess.run(["chmod", "-R", "a-w", str(user.home)], check=True)
        result = subprocess.run(
            ordinary(user.command("config", "set", "missing", "install")),
            env=user.env,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (result.returncode, result.stdout) == (6, "")
        assert result.stderr == f"error: cannot write `{file}`: Permission denied\n"
        assert file.read_text() == WRITTEN

    def test_root_leaves_somebody_elses_file_alone(self, user: User) -> None:
        file = written(user)
        if os.geteuid() == 0:
            os.chown(file, 65534, 65534)
            expected = f"error: running as root, but `{file}` belongs to user 65534\n"
        else:
            file.parent.chmod(0o555)
            expected = f"error: cannot write `{file}`: Permission denied\n"
        assert refused(user, "set", "missing", "install", code=6).startswith(expected)
        assert file.read_text() == WRITTEN

    def test_a_named_file_need_not_be_there_to_be_set(self, user: User) -> None:
        file = user.home / "my config" / "c.toml"
        assert "does not exist" in refused(user, "list", GVMPY_CONFIG=str(file))
        done(user, "set", "missing", "install", GVMPY_CONFIG=str(file))
        assert done(user, "get", "missing", GVMPY_CONFIG=str(file)) == "install\n"


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [(["list"], False), (["config", "list"], False), (["config", "set", "missing", "error"], True)],
)
def test_only_writing_imports_what_writes(user: User, arguments: list[str], needed: bool) -> None:
    written(user)
    result = user.run(*arguments, PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    assert ("tomlkit" in result.stderr) is needed


class TestEdit:
    def test_saves_what_makes_sense(self, user: User) -> None:
        file = written(user)
        file.chmod(0o640)
        chosen = editor(user, """test "$1" != "$HOME/.config/gvmpy/config.toml" && sed -i s/Ada/Bob/ "$2" """)
        assert done(user, "edit", VISUAL=f"{chosen} -w", EDITOR="false") == f"saved {file}\n"
        assert file.read_text() == WRITTEN.replace("Ada", "Bob")
        assert stat.S_IMODE(file.stat().st_mode) == 0o640

    def test_a_new_file(self, user: User) -> None:
        done(user, "edit", EDITOR=editor(user, """echo "switch.missing = 'install'" >>"$1" """))
        assert done(user, "get", "missing") == "install\n"
        assert stat.S_IMODE(file_of(user).stat().st_mode) == 0o600

    def test_nothing_changed(self, user: User) -> None:
        assert done(user, "edit", EDITOR="true") == f"{file_of(user)} stays as it was\n"
        assert list(user.home.iterdir()) == []

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[", "is not valid TOML"),
            ("switch.mising = ''", "unknown key `switch.mising`"),
            ("switch.missing = 'ask'", "unknown action 'ask'"),
            ("sources.order = ['nowhere']", "unknown source 'nowhere'"),
        ],
    )
    def test_refuses_what_does_not_parse_and_keeps_the_text(
        self, user: User, text: str, message: str
    ) -> None:
        written(user)
        told = refused(user, "edit", EDITOR=editor(user, f'echo "{text}" >"$1"'), TMPDIR=str(user.home))
        assert message in told
        assert file_of(user).read_text() == WRITTEN
        [kept] = user.home.glob("gvmpy-*/config.toml")
        assert f"  your text is kept in `{kept}`\n" in told
        assert kept.read_text() == f"{text}\n"
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700

    def test_repairs_a_file_with_a_mistake(self, user: User) -> None:
        written(user, "[switch\n")
        done(user, "edit", EDITOR=editor(user, 'echo "# better" >"$1"'))
        assert file_of(user).read_text() == "# better\n"

    @pytest.mark.parametrize(
        ("chosen", "code", "message"),
        [
            ("false", 6, "`false` ended with 1; nothing was saved"),
            ("no-such-editor", 6, "cannot run `no-such-editor`"),
            ("'", 2, "as an editor's command"),
        ],
    )
    def test_an_editor_that_fails(self, user: User, chosen: str, code: int, message: str) -> None:
        file = written(user)
        told = refused(user, "edit", code=code, EDITOR=chosen, TMPDIR=str(user.home))
        assert message in told
        assert file.read_text() == WRITTEN
        assert list(user.home.glob("gvmpy-*")) == []

    def test_somebody_else_was_quicker(self, user: User) -> None:
        file = written(user)
        script = f"""echo '# theirs' >'{file}'; echo '# mine' >"$1" """
        told = refused(user, "edit", code=6, EDITOR=editor(user, script), TMPDIR=str(user.home))
        assert "was changed by somebody else" in told
        assert file.read_text() == "# theirs\n"
        [kept] = user.home.glob("gvmpy-*/config.toml")
        assert kept.read_text() == "# mine\n"
