"""Profiles changed in files of every layout that TOML has: done right, or refused by name; never half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gvmpy.config import parse_all
from gvmpy.errors import UsageError
from gvmpy.profiles.edit import bind, delete, put, unset_value

if TYPE_CHECKING:
    from pathlib import Path

APART = '[profiles.work]\nGOPROXY = "off"\n[switch]\nmissing = "error"\n[profiles.b]\nGOFLAGS = "-v"\n'
PLAIN = {
    "nothing": "# only this\n",
    "tables": '[profiles.work] # ours\nGOPROXY = "off"\n\n[profile.versions]\n"1.21" = "cn"\n',
    "tables apart": APART,
    "headers alone": "[profile]\n[profiles]\n",
    "carriage returns": '[profiles.work]\r\nGOPROXY = "off" # c\r\n[profile.versions]\r\n"1.21" = "cn"\r\n',
    "bindings apart": f'[profile.versions]\n"1.21" = "cn"\n{APART}[profile.directories]\n"/a" = "cn"\n',
}
ODD = {
    "inline": 'profiles = {work = {GOPROXY = "off"}}\nprofile = {use = "cn", versions = {"1.21" = "cn"}}\n',
    "dotted": 'profiles.work.GOPROXY = "off"\nprofile.versions."1.21" = "cn"\n',
    "half inline": '[profiles]\nwork = {GOPROXY = "off"}\n[profile]\nversions = {"1.21" = "cn"}\n',
    "half dotted": '[profiles]\nwork.GOPROXY = "off"\n',
}


def changed(file: Path) -> None:
    put(file, {"work": {"GOPROXY": "direct", "GOVCS": "*:off"}, "fresh": {"GOFLAGS": "-v"}})
    bind(file, "versions", "1.22", "offline")
    bind(file, "directories", "/a b", "cn")


def taken_back(file: Path) -> None:
    delete(file, "fresh")
    put(file, {"work": {"GOVCS": "*:off"}}, whole=True)
    unset_value(file, "work", "GOVCS")
    bind(file, "versions", "1.22", None)
    bind(file, "directories", "/a b", None)


@pytest.mark.parametrize("layout", PLAIN)
def test_each_change_and_nothing_else(tmp_path: Path, layout: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(PLAIN[layout].encode())
    keys, before = parse_all(file, PLAIN[layout])
    changed(file)
    keys_now, tables = parse_all(file, file.read_bytes().decode())
    assert keys_now == keys
    assert tables.profiles == {
        **before.profiles,
        "work": {"GOPROXY": "direct", "GOVCS": "*:off"},
        "fresh": {"GOFLAGS": "-v"},
    }
    assert tables.versions == {**before.versions, "1.22": "offline"}
    assert tables.directories == {**before.directories, "/a b": "cn"}
    assert file.read_bytes().count(b"#") == PLAIN[layout].count("#")
    taken_back(file)
    keys_now, tables = parse_all(file, file.read_bytes().decode())
    assert (keys_now, tables.versions, tables.directories) == (keys, before.versions, before.directories)
    assert tables.profiles == {**before.profiles, "work": {}}
    assert (b"directories" in file.read_bytes()) is bool(before.directories)


@pytest.mark.parametrize("layout", ODD)
def test_a_layout_beyond_us_is_left_as_it_is(tmp_path: Path, layout: str) -> None:
    file = tmp_path / "config.toml"
    steps = (
        lambda: put(file, {"fresh": {"GOFLAGS": "-v"}}),
        lambda: unset_value(file, "work", "GOPROXY"),
        lambda: bind(file, "directories", "/a b", "cn"),
        lambda: bind(file, "versions", "1.21", None),
    )
    for step in steps:
        file.write_text(ODD[layout])
        try:
            step()
        except UsageError as error:
            refusal = error
        else:
            continue
        assert refusal.hint == "gvmpy config edit"
        assert file.read_text() == ODD[layout]
