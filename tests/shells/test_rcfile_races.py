"""Editing rc files, at the points where somebody else does so at the same moment; and the block alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import GvmpyError
from gvmpy.shells import rcfile
from gvmpy.shells.block import END, START, block, install, uninstall
from gvmpy.shells.rcplaces import Place
from tests.shells.real import HOSTILE
from tests.shells.test_rcfile import CONTENTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("how", ["append", "rewrite", "rename", "remove"])
def test_a_change_between_the_look_and_the_edit_is_kept(tmp_path: Path, how: str) -> None:
    rc = tmp_path / ".bashrc"
    rc.write_bytes(b"a\n")
    [planned] = rcfile.plan_install([Place(str(rc), "bash")], "/root", "/gvmpy")
    expected = b"a\nnew\n" if how != "remove" else b""
    if how == "append":
        with rc.open("ab") as stream:
            stream.write(b"new\n")
    elif how == "rewrite":
        rc.write_bytes(expected)
    else:
        rc.unlink()
    if how == "rename":
        (tmp_path / "next").write_bytes(expected)
        (tmp_path / "next").rename(rc)
    # What was planned may not be put in place any more, and leaves nothing beside the file.
    assert not rcfile._swap(planned)
    assert (rc.read_bytes() if rc.exists() else b"") == expected
    assert {path.name for path in tmp_path.iterdir()} <= {".bashrc"}
    [done] = rcfile.apply([planned], tmp_path / "backups")
    assert rc.read_bytes().startswith(expected + START)
    if done.backup is not None:
        assert done.backup.read_bytes() == expected


def test_what_is_appended_to_the_old_file_at_the_last_moment_is_handed_on(tmp_path: Path) -> None:
    """Somebody opened the file before it was replaced, and writes after."""
    rc = tmp_path / ".bashrc"
    for content in (b"a\n", b"a"):
        rc.write_bytes(content)
        [planned] = rcfile.plan_install([Place(str(rc), "bash")], "/root", "/gvmpy")
        with rc.open("rb") as old, rc.open("ab", buffering=0) as late:
            assert rcfile._swap(planned)
            late.write(b"late\n")
            rcfile._carry_over(old.fileno(), planned)
        assert rc.read_bytes().startswith(content)
        assert rc.read_bytes().endswith(b"\nlate\n")
        assert rc.read_bytes().count(END + b"\n") == 1


def test_what_was_changed_before_a_failure_is_named(tmp_path: Path) -> None:
    first, second = tmp_path / ".bashrc", tmp_path / ".zshrc"
    first.write_bytes(b"a\n")
    second.write_bytes(b"b\n")
    edits = rcfile.plan_install([Place(str(first), "bash"), Place(str(second), "zsh")], "/root", "/gvmpy")
    second.unlink()
    second.mkdir()
    with pytest.raises(GvmpyError) as caught:
        rcfile.apply(edits, tmp_path / "backups")
    assert caught.value.details == (f"changed before that: {first}",)
    assert caught.value.exit_code == 6


def test_the_group_is_kept(tmp_path: Path) -> None:
    """Any group that this user is in; root may give any."""
    rc = tmp_path / ".bashrc"
    rc.write_bytes(b"a\n")
    group = 65533 if os.geteuid() == 0 else min(os.getgroups() or [os.getegid()])
    os.chown(rc, -1, group)
    rc.chmod(0o640)
    rcfile.apply(rcfile.plan_install([Place(str(rc), "bash")], "/root", "/gvmpy"), tmp_path / "backups")
    status = rc.stat()
    assert (status.st_gid, status.st_mode & 0o7777) == (group, 0o640)


@pytest.mark.parametrize("content", CONTENTS.values())
def test_block_there_and_back(content: bytes) -> None:
    for shell in ("sh", "fish"):
        lines = block(f"/{HOSTILE}", "/p", shell)
        changed = install(content, lines, "rc")
        assert install(changed, lines, "rc") == changed
        assert uninstall(changed, "rc") == content
        # What is written behind it stays.
        if content.endswith(b"\n"):
            assert uninstall(changed + b"more", "rc") == content + b"more"
    assert uninstall(install(None, b"".join((START, b"\n", END)), "rc"), "rc") is not None


@pytest.mark.parametrize("marker", [START, END])
def test_a_path_may_not_hold_a_marker(marker: bytes) -> None:
    with pytest.raises(GvmpyError, match="marker"):
        block(f"/a\n{marker.decode()}\nb", "/p", "sh")
