from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import NoSuchVersionError, NotInstalledError, UsageError
from gvmpy.home import Home
from gvmpy.selection.files import current_directory, find_pin
from gvmpy.selection.request import (
    Alias,
    Channel,
    Exact,
    Moving,
    Prefix,
    Previous,
    Request,
    System,
    parse_pin,
    parse_request,
)
from gvmpy.selection.resolve import Origin, find_system_go, match_installed, select
from gvmpy.version import GoVersion
from tests.selection.trees import put_tools

if TYPE_CHECKING:
    from pathlib import Path


def version(text: str) -> GoVersion:
    return GoVersion.parse(text)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "root")
    home.prepare()
    for text in ("1.20", "1.20.14", "1.21.6", "1.22.9", "1.22.10", "1.23rc1"):
        put_tools(home.goroot(version(text)) / "bin")
        home.receipt(version(text)).write_text("{}")
    home.default_link.symlink_to("../versions/go1.21.6")
    (home.links / "old").symlink_to("../versions/go1.20")
    return home


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1.22.3", Exact(version("1.22.3"))),
        ("go1.22.3", Exact(version("1.22.3"))),
        ("1.20.0", Exact(version("1.20"))),
        ("1.23rc1", Exact(version("1.23rc1"))),
        ("1.22", Prefix("1.22")),
        ("go1.22", Prefix("1.22")),
        ("1.20", Prefix("1.20")),
        ("1", Prefix("1")),
        ("go1", Prefix("1")),
        ("system", System()),
        ("work-2", Alias("work-2")),
        ("latest", Moving(Channel.LATEST)),
        ("oldstable", Moving(Channel.OLDSTABLE)),
        ("-", Previous()),
    ],
)
def test_a_request_means(text: str, meaning: Request) -> None:
    assert parse_request(text) == meaning


@pytest.mark.parametrize(
    "text",
    ["", "go", "1.22.", "01.2", "1.22.3.4", "../x", "a/b", "a b", "-x", "2x", "é", "1.22\n", "x" * 9 + "!"],
)
def test_a_request_cannot_be(text: str) -> None:
    with pytest.raises(UsageError):
        parse_request(text)


@pytest.mark.parametrize("text", ["latest", "stable", "oldstable", "unstable", "-"])
def test_a_pin_cannot_move(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        parse_pin(text)


def test_a_refusal_shows_no_control_characters() -> None:
    with pytest.raises(UsageError, match=r"^`\?\[31mred` is"):
        parse_request("\x1b[31mred")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1", "1.22.10"),
        ("1.20", "1.20.14"),
        ("1.20.0", "1.20"),
        ("1.23", "1.23rc1"),
        ("old", "1.20"),
        ("latest", "1.22.10"),
        ("stable", "1.22.10"),
        ("oldstable", "1.21.6"),
        ("unstable", "1.23rc1"),
    ],
)
def test_match_installed(home: Home, text: str, found: str) -> None:
    assert match_installed(parse_request(text), home) == version(found)


def test_match_installed_finds_nothing(home: Home) -> None:
    with pytest.raises(NoSuchVersionError) as caught:
        match_installed(parse_request("1.22.3"), home)
    assert caught.value.hint == "gvmpy install 1.22.3"
    with pytest.raises(NoSuchVersionError):
        match_installed(parse_request("nobody"), home)
    with pytest.raises(UsageError):
        match_installed(System(), home)


def test_the_shell_goes_before_the_pin(home: Home, tmp_path: Path) -> None:
    (tmp_path / ".go-version").write_text("# why\n1.22.9\n")
    pinned = select(home, {}, tmp_path)
    assert (pinned.version, pinned.origin) == (version("1.22.9"), Origin.PIN)
    assert pinned.reason == f"`{tmp_path}/.go-version` line 2"
    assert pinned.goroot == home.root / "versions" / "go1.22.9"
    chosen = select(home, {"GVMPY_VERSION": "1.20.0"}, tmp_path)
    assert (chosen.version, chosen.origin, chosen.reason) == (version("1.20"), Origin.SHELL, "$GVMPY_VERSION")


def test_the_default_is_told_by_its_real_place(home: Home, tmp_path: Path) -> None:
    chosen = select(home, {}, tmp_path, tool="gofmt")
    assert (chosen.version, chosen.origin) == (version("1.21.6"), Origin.DEFAULT)
    assert chosen.binary == home.root / "versions" / "go1.21.6" / "bin" / "gofmt"


def test_a_default_outside_has_no_version(home: Home, tmp_path: Path) -> None:
    put_tools(tmp_path / "go1.22.3" / "bin")
    home.default_link.unlink()
    home.default_link.symlink_to(tmp_path / "go1.22.3")
    chosen = select(home, {}, tmp_path)
    assert (chosen.version, chosen.goroot) == (None, tmp_path / "go1.22.3")


def test_system(home: Home, tmp_path: Path) -> None:
    put_tools(tmp_path / "bin")
    environ = {"PATH": f"{home.shims}:{tmp_path / 'bin'}", "GVMPY_VERSION": "system"}
    put_tools(home.shims)
    chosen = select(home, environ, tmp_path)
    assert (chosen.binary, chosen.version) == (tmp_path / "bin" / "go", None)
    with pytest.raises(NotInstalledError):
        select(home, environ | {"PATH": str(home.shims)}, tmp_path)
    assert find_system_go({"PATH": "bin:.:"}, home) is None


def test_no_directory_has_no_pin() -> None:
    assert find_pin(None) is None


def test_an_endless_pin_is_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / ".go-version"
    with path.open("wb") as stream:
        stream.truncate(10**12)
    with pytest.raises(UsageError, match="first 1024 bytes"):
        find_pin(tmp_path)


def test_the_directory_keeps_its_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real" / "down").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "real")
    assert current_directory({"PWD": str(tmp_path / "link")}) == tmp_path / "link"
    for untrue in ("/", "link", "", str(tmp_path), f"{tmp_path}/real/down/..", f"{tmp_path}/nowhere"):
        assert current_directory({"PWD": untrue}) == tmp_path / "real"
    os.rmdir(tmp_path / "real" / "down")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    os.rmdir(tmp_path / "gone")
    assert current_directory({"PWD": str(tmp_path / "gone")}) is None
