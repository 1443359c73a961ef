"""The exports of a profile, in every shell."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.profiles.exports import OWN, write_exports
from gvmpy.shells.static import source_line, write_init_files
from tests.shells.real import HOSTILE, SHELLS, interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CN = {"GOPROXY": "https://goproxy.cn,direct", "GOSUMDB": "sum.golang.google.cn"}
WORK = {
    "GOPROXY": f"https://x/{HOSTILE.replace(chr(10), '')}\\'\\\\",
    "HTTPS_PROXY": "http://proxy.corp:3128",
}
NAMES = ("GOPROXY", "GOSUMDB", "HTTPS_PROXY")


@dataclass
class Session:
    """A shell that reads its static init file, below a hostile name."""

    shell: str
    home: Home

    def use(
        self, settings: Mapping[str, str], directories: list[tuple[str, Mapping[str, str]]] | None = None
    ) -> None:
        write_exports(self.home, settings, directories or [])

    def run(
        self, script: str = "", env: Mapping[str, str] | None = None, *, cwd: Path | None = None
    ) -> dict[str, str]:
        """Return the settings that a program sees which is started behind `script`."""
        family = "fish" if self.shell == "fish" else "sh"
        line = source_line(str(self.home.root), family)
        text = f"{line}\n{script}\n/usr/bin/env -0"
        options = [] if self.shell == "fish" else ["-eu"]
        place = cwd or self.home.root
        finished = subprocess.run(
            [*interpreter(self.shell), *options, "-c", text],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home.root), "LC_ALL": "C.UTF-8", "PWD": str(place)}
            | dict(env or {}),
            cwd=place,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (finished.returncode, finished.stderr) == (0, b"")
        found = dict(entry.split("=", 1) for entry in os.fsdecode(finished.stdout).split("\0") if entry)
        return {name: value for name, value in found.items() if name.upper() in NAMES or name.startswith(OWN)}


def told(found: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if not name.startswith(OWN)}


@pytest.fixture(params=[*SHELLS, "fish"])
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Session:
    home = Home(tmp_path / HOSTILE)
    home.prepare()
    write_init_files(home, "/opt/gvmpy")
    return Session(request.param, home)


def test_a_new_shell_has_them_and_the_next_profile_takes_them_back(session: Session) -> None:
    assert session.run() == {}
    session.use(WORK)
    first = session.run()
    assert told(first) == WORK
    # A shell below this one: it has inherited what this one exported.
    session.use(CN)
    second = session.run(env=first)
    assert told(second) == CN
    assert told(session.run(env=second)) == CN
    session.use({})
    assert session.run(env=second) == {}


@pytest.mark.parametrize("name", ["GOPROXY", "HTTPS_PROXY", "https_proxy"])
def test_what_the_user_exports_stays(session: Session, name: str) -> None:
    session.use(WORK)
    own = {name: "https://mine"}
    found = session.run(env=own)
    assert told(found) == {key: value for key, value in WORK.items() if key != name.upper()} | own
    # Also in the shell below, and where it was changed behind the export of a profile.
    assert told(session.run(env=found)) == told(found)
    session.use({})
    assert session.run(env=found) == own
    changed = session.run(env=session_of(session, WORK) | own)
    assert changed == own


def session_of(session: Session, settings: Mapping[str, str]) -> dict[str, str]:
    session.use(settings)
    found = session.run()
    session.use({})
    return found


def test_an_empty_export_counts_as_none(session: Session) -> None:
    session.use(CN)
    assert told(session.run(env={"GOPROXY": ""})) == CN


def test_a_directory_has_its_own(session: Session, tmp_path: Path) -> None:
    bound = tmp_path / "b*[d]" / HOSTILE
    for place in (
        bound / "below",
        tmp_path / "b*[d]",
        tmp_path / "bxd" / HOSTILE,
        bound.with_name(f"{HOSTILE}2"),
    ):
        place.mkdir(parents=True, exist_ok=True)
    session.use(CN, [(str(bound), WORK), (str(bound.parent), {})])
    assert told(session.run(cwd=bound)) == told(session.run(cwd=bound / "below")) == WORK
    assert told(session.run(cwd=bound.parent)) == {}
    assert told(session.run(cwd=bound.with_name(f"{HOSTILE}2"))) == {}
    assert told(session.run(cwd=tmp_path / "bxd" / HOSTILE)) == CN


def test_the_shell_that_changes_the_profile_sees_it_at_once(session: Session) -> None:
    """`gvmpy profile use` and `gvmpy use --default` go through the shell's function."""
    session.use(CN)
    shim = session.home.shims / "gvmpy"
    (session.home.shell / "next").mkdir()
    held = Home(session.home.root)
    session.use(WORK)
    for name in ("profile.sh", "profile.fish"):
        (held.shell / name).rename(held.shell / "next" / name)
    session.use(CN)
    shim.write_text('#!/bin/sh\nhere=${0%/shims/*}\ncp "$here"/shell/next/* "$here/shell/"\n')
    shim.chmod(0o755)
    for words in ("profile use work", "use 1.22.3 --default"):
        assert told(session.run(f"gvmpy {words}")) == WORK
        session.use(CN)
    assert told(session.run("gvmpy list")) == CN
