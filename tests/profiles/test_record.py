"""Profiles taken back to the byte, whatever the file was and wherever the work was cut short."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.config import Config
from gvmpy.errors import HostError
from gvmpy.goenv.envfile import EnvFile
from gvmpy.home import Home
from gvmpy.profiles.apply import Applied, apply_for_switch, apply_profile, revert_profile
from gvmpy.profiles.model import Profiles
from gvmpy.profiles.record import Taken, do, undo
from gvmpy.profiletables import GO_SETTINGS, ProfileTables
from tests.cli.snapshot import snapshot

WITH_USERINFO = "https://ada:pa$$word@proxy.corp,direct"
OWN = {
    "work": {"GOPROXY": WITH_USERINFO, "GOPRIVATE": "*.corp", "HTTPS_PROXY": "http://proxy.corp:3128"},
    "small": {"GOFLAGS": "-trimpath"},
    "large": dict.fromkeys(GO_SETTINGS, "off") | {"GOFLAGS": "-v", "GOVCS": "*:off", "GOTOOLCHAIN": "local"},
}
NAMES = ["default", "cn", "cn-nosumdb", "offline", *OWN]
FILES = {
    "none": None,
    "empty": b"",
    "ordinary": b"GOPROXY=https://mine.example\nGOBIN=/x\n",
    "no newline at the end": b"# mine\nGOSUMDB=off",
    "several of one": b"GOPROXY=a\nGOFLAGS=-x\nGOPROXY=b\n\n",
    "carriage returns": b"GOPROXY=https://mine.example\r\nGOFLAGS=-x\r\n",
    "junk": b"\xff\xfe\0\n=\nexport GOPROXY=x\n GOSUMDB=y\nGOPROXY",
    "only newlines": b"\n\n",
}


class Person:
    def __init__(self, directory: Path, content: bytes | None) -> None:
        self.home = Home(directory / "root")
        self.environ = {"HOME": str(directory)}
        self.file = directory / ".config" / "go" / "env"
        self.before = content
        if content is not None:
            self.file.parent.mkdir(parents=True)
            self.file.write_bytes(content)
            self.file.chmod(0o644)

    def use(self, name: str, **tables: object) -> Applied:
        config = Config(profile=name, profile_tables=ProfileTables(OWN, **tables))  # type: ignore[arg-type]
        return apply_profile(self.home, config, self.environ, None)

    def is_as_before(self) -> bool:
        if self.before is None:
            return not self.file.exists()
        mode = stat.S_IMODE(self.file.stat().st_mode)
        return (self.file.read_bytes(), mode) == (self.before, 0o644)


@pytest.mark.parametrize("case", FILES)
def test_a_hundred_switches_leave_the_file_as_it_was(tmp_path: Path, case: str) -> None:
    person = Person(tmp_path, FILES[case])
    choose = random.Random(case)  # noqa: S311 - the same order each time
    for _ in range(100 if case == "ordinary" else 12):
        name = choose.choice(NAMES)
        person.use(name)
        if name == "work":
            assert stat.S_IMODE(person.file.stat().st_mode) == 0o600
            assert WITH_USERINFO.encode() in person.file.read_bytes()
    person.use("default")
    assert person.is_as_before()
    assert not (person.home.state / "profile.json").exists()


@given(
    st.lists(st.sampled_from(["# c", "GOPROXY=a", "GOPROXY=", "GOVCS=x\r", "", "junk"]), max_size=6),
    st.booleans(),
    st.lists(st.sampled_from(NAMES[1:]), min_size=1, max_size=3),
)
def test_any_file(lines: list[str], final: bool, names: list[str]) -> None:
    before = EnvFile("\n".join(lines) + "\n" * final)
    taken, change = Taken(before, 0o644, exists=True), None
    content = before
    for name in names:
        taken = undo(content, 0o644, change)
        content, change = do(taken, Path("/f"), name, OWN.get(name, {"GOPROXY": "off"}))
    assert undo(content, 0o644, change).content == before


def test_doing_it_again_writes_nothing(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    first = person.use("cn")
    assert first.changes
    before = snapshot(tmp_path)
    assert person.use("cn").changes == ()
    assert snapshot(tmp_path) == before


def test_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    person = Person(tmp_path, None)
    assert person.use("default").changes == ()
    assert list(tmp_path.iterdir()) == []


def test_what_the_user_changes_in_between_stays(tmp_path: Path) -> None:
    person = Person(tmp_path, b"GOPROXY=https://mine.example\n")
    person.use("cn")
    text = person.file.read_text().replace("https://goproxy.cn,direct", "https://other.example")
    person.file.write_text(f"{text}GOBIN=/x\n")
    told = person.use("default").changes
    assert "GOPROXY" in told[0]
    assert "changed by hand and stays: https://other.example" in told[0]
    assert person.file.read_text() == "GOPROXY=https://other.example\nGOBIN=/x\n"
    person.use("cn")
    person.use("default")
    assert person.file.read_text() == "GOPROXY=https://other.example\nGOBIN=/x\n"


def test_what_the_user_changed_gives_way_to_the_next_and_comes_back(tmp_path: Path) -> None:
    person = Person(tmp_path, None)
    person.use("cn")
    person.file.write_text("GOPROXY=https://other.example\nGOSUMDB=sum.golang.google.cn\n")
    told = person.use("offline").changes
    assert any("comes back when the profile is left" in line for line in told)
    assert "GOPROXY=off" in person.file.read_text()
    person.use("default")
    assert person.file.read_text() == "GOPROXY=https://other.example\n"


def test_what_go_itself_rewrites_in_between_is_kept(tmp_path: Path) -> None:
    """`go env -w` sorts the lines and drops doubled ones; the values come back all the same."""
    person = Person(tmp_path, b"GOPROXY=https://mine.example\nGOBIN=/x\n")
    person.use("cn")
    lines = [*person.file.read_text().splitlines(), "GOPATH=/p"]
    person.file.write_text("\n".join(sorted(lines)) + "\n")
    person.use("default")
    assert person.file.read_text() == "GOBIN=/x\nGOPATH=/p\nGOPROXY=https://mine.example\n"


def test_a_file_that_is_gone_stays_gone(tmp_path: Path) -> None:
    person = Person(tmp_path, None)
    person.use("cn")
    person.file.unlink()
    person.use("default")
    assert not person.file.exists()
    person.use("cn")
    assert person.file.exists()


def test_the_mode_chosen_by_the_user_in_between_stays(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    person.use("work")
    person.file.chmod(0o640)
    person.use("default")
    assert stat.S_IMODE(person.file.stat().st_mode) == 0o640


def test_another_file_is_changed_and_the_first_taken_back(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    person.use("cn")
    other = tmp_path / "other"
    person.environ["GOENV"] = str(other)
    person.use("cn")
    assert person.is_as_before()
    assert other.read_text() == "GOPROXY=https://goproxy.cn,direct\nGOSUMDB=sum.golang.google.cn\n"
    del person.environ["GOENV"]
    person.use("default")
    assert not other.exists()


def test_goenv_off_is_respected(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    person.environ["GOENV"] = "off"
    applied = person.use("cn")
    assert person.is_as_before()
    assert any("GOENV=off" in warning for warning in applied.warnings)


def test_a_file_go_cannot_read_is_not_replaced(tmp_path: Path) -> None:
    person = Person(tmp_path, None)
    person.file.parent.mkdir(parents=True)
    os.mkfifo(person.file)
    with pytest.raises(HostError, match="not a regular file"):
        person.use("cn")
    assert stat.S_ISFIFO(person.file.stat().st_mode)


def test_a_damaged_record_is_not_guessed_at(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    person.use("cn")
    (person.home.state / "profile.json").write_text('{"schema": 9}')
    held = person.file.read_bytes()
    with pytest.raises(HostError, match="damaged") as caught:
        person.use("default")
    assert caught.value.hint is not None
    assert person.file.read_bytes() == held


def test_everything_is_taken_back_at_once(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    person.use("work")
    config = Config(profile="work", profile_tables=ProfileTables(OWN, versions={"1.21": "cn"}))
    revert_profile(person.home, config, person.environ)
    assert person.is_as_before()
    assert "proxy.corp" not in (person.home.shell / "profile.sh").read_text()


def test_a_switch_applies_what_the_version_is_bound_to(tmp_path: Path) -> None:
    person = Person(tmp_path, None)
    config = tmp_path / "config.toml"
    config.write_text(
        '[profile]\nuse = "offline"\n[profile.versions]\n"1.21" = "cn"\n"1.21.6" = "cn-nosumdb"\n'
    )
    environ = person.environ | {"GVMPY_CONFIG": str(config)}
    expected = {
        "1.21.6": "GOSUMDB=off",
        "1.21.7": "google.cn",
        "1.2.1": "GOPROXY=off",
        "system": "GOPROXY=off",
    }
    for version, line in expected.items():
        told = apply_for_switch(person.home, environ, version)
        assert line in person.file.read_text(), version
        assert told or version == "system"
    assert apply_for_switch(person.home, environ, "system") == []


def test_a_directory_is_known_by_both_its_names(tmp_path: Path) -> None:
    real, link = tmp_path / "r", tmp_path / "a link with a long name"
    (real / "deep").mkdir(parents=True)
    link.symlink_to(real)
    bound = {str(link): "cn", str(real / "deep"): "offline"}
    profiles = Profiles.of(Config(profile_tables=ProfileTables(directories=bound)), {})
    names = {
        path: profiles.for_directory(str(path), None).profile.name
        for path in (real, link, link / "x", real / "deep", tmp_path)
    }
    assert list(names.values()) == ["cn", "cn", "cn", "offline", "default"]


CRASHES = ("before the file", "after the file", "before the exports")
KILL = """
import os, signal, sys
from gvmpy.profiles import apply
moment = sys.argv[1]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
real = apply.replace_env_file
def replaced(*arguments, **options):
    if moment == "before the file":
        die()
    real(*arguments, **options)
    if moment == "after the file":
        die()
apply.replace_env_file = replaced
if moment == "before the exports":
    apply.write_exports = die
from gvmpy.home import Home
apply.apply_for_switch(Home.from_environment(os.environ), os.environ, "system")
"""


@pytest.mark.parametrize("moment", CRASHES)
@pytest.mark.parametrize(("first", "second"), [("default", "cn"), ("cn", "work"), ("work", "default")])
@pytest.mark.parametrize("edited", [False, True])
def test_killed_and_retried(tmp_path: Path, moment: str, first: str, second: str, edited: bool) -> None:
    person = Person(tmp_path, FILES["no newline at the end"])
    person.use(first)
    states = [person.file.read_bytes()]
    other = Person(tmp_path / "other", FILES["no newline at the end"])
    other.use(second)
    states.append(other.file.read_bytes())
    config = tmp_path / "config.toml"
    tables = "".join(
        f"[profiles.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        for name, settings in OWN.items()
    )
    config.write_text(f'[profile]\nuse = "{second}"\n{tables}')
    environ = person.environ | {"GVMPY_ROOT": str(person.home.root), "GVMPY_CONFIG": str(config)}
    killed = subprocess.run([sys.executable, "-c", KILL, moment], env=environ, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert person.file.read_bytes() == states[moment != "before the file"]
    if edited:
        person.file.write_bytes(person.file.read_bytes().removesuffix(b"\n") + b"\nGOBIN=/x\n")
    person.use(second)
    leave = person.file.read_text()
    assert leave.replace("\nGOBIN=/x", "").rstrip("\n") == states[1].decode().rstrip("\n")
    person.use("default")
    assert not (person.home.state / "profile.json").exists()
    if edited:
        person.before = b"# mine\nGOSUMDB=off\nGOBIN=/x\n"
    assert sorted(person.file.read_bytes().split()) == sorted((person.before or b"").split())
    assert edited or person.is_as_before()


def test_values_are_kept_from_others(tmp_path: Path) -> None:
    person = Person(tmp_path, FILES["ordinary"])
    applied = person.use("work")
    for path in (person.home.state / "profile.json", *person.home.shell.glob("profile.*"), person.file):
        assert "pa$$word" in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert "pa$$word" not in " ".join((*applied.changes, *applied.warnings))
