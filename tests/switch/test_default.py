"""The default link: replaced by rename, so that no reader ever misses it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gvmpy.errors import HostError, NoSuchVersionError
from gvmpy.home import Home
from gvmpy.signals import Signals
from gvmpy.switch import history
from gvmpy.switch.default import Choice, default_version
from gvmpy.switch.transaction import Outcome, Switcher
from gvmpy.version import GoVersion

OLD, NEW = GoVersion.parse("1.21.6"), GoVersion.parse("1.22.3")

# Reads the link until told to stop, and says how often it was read and what was wrong.
READER = """
import os, select, sys
link = sys.argv[1]
print("ready", flush=True)
count, wrong, seen = 0, [], set()
while count % 50 or not select.select([0], [], [], 0)[0]:
    count += 1
    try:
        seen.add(os.readlink(link))
        os.stat(link + "/bin/go")
    except OSError as error:
        wrong.append(repr(error))
print(count, len(wrong), *sorted(seen))
"""

WRITER = """
import pathlib, sys
from gvmpy.home import Home
from gvmpy.signals import Signals
from gvmpy.switch.default import Choice
from gvmpy.switch.transaction import Switcher
from gvmpy.version import GoVersion
switcher = Switcher(Home(pathlib.Path(sys.argv[1])), (), Signals(), lock_timeout=60)
for turn in range(250):
    for text in sys.argv[2:]:
        switcher.switch(Choice.version(GoVersion.parse(text)))
"""


@pytest.fixture
def home(fast_path: Path) -> Home:
    """Two versions that look installed."""
    home = Home(fast_path / "root")
    home.prepare()
    for version in (OLD, NEW):
        binary = home.goroot(version) / "bin" / "go"
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
        home.receipt(version).write_text("{}")
    return home


def switcher(home: Home) -> Switcher:
    return Switcher(home, (), Signals(), lock_timeout=5)


def set_default(home: Home, version: GoVersion) -> Outcome:
    return switcher(home).switch(Choice.version(version))


def previous_default(home: Home) -> str | None:
    return history.previous(history.read(home), default_version(home))


def test_the_link_is_relative_and_a_goroot(home: Home) -> None:
    record = set_default(home, NEW).record
    assert (record.before.name, record.after.name) == (None, "1.22.3")
    assert os.readlink(home.default_link) == "../versions/go1.22.3"
    assert (home.default_link / "bin" / "go").samefile(home.goroot(NEW) / "bin" / "go")
    assert default_version(home) == "1.22.3"


def test_the_home_may_be_moved(home: Home) -> None:
    set_default(home, NEW)
    moved = Home(home.root.rename(home.root.with_name("elsewhere")))
    assert default_version(moved) == "1.22.3"
    assert (moved.default_link / "bin" / "go").is_file()


def test_not_installed_is_refused_and_changes_nothing(home: Home) -> None:
    set_default(home, OLD)
    home.receipt(NEW).unlink()
    with pytest.raises(NoSuchVersionError) as caught:
        set_default(home, NEW)
    assert (caught.value.message, caught.value.hint) == ("go1.22.3 is not installed", "gvmpy install 1.22.3")
    assert default_version(home) == "1.21.6"


def test_the_previous_one_is_remembered(home: Home) -> None:
    assert previous_default(home) is None
    set_default(home, OLD)
    assert previous_default(home) is None
    assert set_default(home, NEW).record.before.name == "1.21.6"
    assert previous_default(home) == "1.21.6"
    set_default(home, NEW)
    assert previous_default(home) == "1.21.6"
    switcher(home).switch(Choice.system(Path("/opt/go")))
    assert previous_default(home) == "1.22.3"
    set_default(home, OLD)
    assert previous_default(home) == "system"


@pytest.mark.parametrize(
    "text", [b"", b"nonsense\n", b"\xff\n", b"../../etc\n", b"1.22.3" * 1000, b"\x1b[31m"]
)
def test_a_spoilt_memory_is_none(home: Home, text: bytes) -> None:
    (home.state / "history.jsonl").write_bytes(text)
    assert previous_default(home) is None


def test_system(home: Home, tmp_path: Path) -> None:
    set_default(home, OLD)
    record = switcher(home).switch(Choice.system(tmp_path / "go")).record
    assert (record.before.name, record.after.name) == ("1.21.6", "system")
    assert os.readlink(home.default_link) == str(tmp_path / "go")
    assert default_version(home) == "system"


@pytest.mark.parametrize(
    "target", ["/usr/lib/go", "elsewhere", "../versions/mine", "../versions/go1.22.3/x", "../go1.22.3"]
)
def test_a_foreign_link_is_not_ours(home: Home, target: str) -> None:
    home.default_link.symlink_to(target)
    assert default_version(home) == "system"


def test_no_link_or_no_link_at_all(home: Home) -> None:
    assert default_version(home) is None
    home.default_link.mkdir()
    assert default_version(home) is None
    with pytest.raises(HostError, match="cannot replace"):
        set_default(home, NEW)


def test_forgetting(home: Home) -> None:
    set_default(home, NEW)
    assert not switcher(home).forget(OLD)[0]
    assert default_version(home) == NEW.text
    assert switcher(home).forget(NEW)[0]
    assert not switcher(home).forget(NEW)[0]
    assert not os.path.lexists(home.default_link)
    assert default_version(home) is None


def test_links_stay_private(home: Home) -> None:
    set_default(home, NEW)
    assert stat.S_IMODE(home.links.stat().st_mode) == 0o700


def test_no_reader_ever_misses_it(home: Home) -> None:
    """Two writers, 1000 flips, and a reader in a third process."""
    set_default(home, OLD)
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(home.default_link)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        orders = (["1.21.6", "1.22.3"], ["1.22.3", "1.21.6"])
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(home.root), *order]) for order in orders
        ]
        assert [writer.wait(120) for writer in writers] == [0, 0]
        stdout, _ = reader.communicate("stop", timeout=60)
    count, wrong, *seen = stdout.split()
    assert int(count) > 100
    assert int(wrong) == 0
    assert seen == ["../versions/go1.21.6", "../versions/go1.22.3"]
    assert os.listdir(home.links) == ["go"]
    assert sorted(os.listdir(home.state)) == ["history.jsonl"]
