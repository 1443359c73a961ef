from __future__ import annotations

import base64
import hashlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import HostError, IntegrityError
from gvmpy.trust.dirhash import h1, name_fault
from gvmpy.trust.tree import hash_files, hash_tree

if TYPE_CHECKING:
    from pathlib import Path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_h1_is_what_the_checksum_database_says() -> None:
    # Every golang.org/toolchain go.mod in sum.golang.org has this one.
    entry = ("go.mod", sha256(b"module golang.org/toolchain\n"))
    assert h1([entry]) == "h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0="


def test_h1_sorts_names_bytewise() -> None:
    names = ["a/b", "a-b", "a", "Z", "é", "\U0001f600", "\uffee"]
    text = b"".join(b"%s  %s\n" % (sha256(b"").encode(), name) for name in sorted(map(str.encode, names)))
    expected = "h1:" + base64.b64encode(hashlib.sha256(text).digest()).decode()
    assert h1((name, sha256(b"")) for name in names) == expected
    assert h1((name, sha256(b"")) for name in reversed(names)) == expected


def test_h1_refuses_a_newline_as_go_does() -> None:
    with pytest.raises(IntegrityError, match=r"'a\\nb' holds a newline"):
        h1([("a\nb", sha256(b""))])


@pytest.mark.parametrize(
    "name",
    ["a", "a/b.c", ".gitignore", "a/...", "a b", "Þ/é", "a" * 255, "/".join("a" * 255 for _ in range(4))],
)
def test_good_names(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "/a", "a/", "a//b", ".", "..", "a/./b", "a/../b", "a/..", "a\\b"),
        *("a\0b", "a\x7f", "\x85", "\u2028", "\udcff", "\u202e"),
        *("a" * 256, "é" * 128, "a/" * 512 + "a"),
    ],
)
def test_bad_names(name: str) -> None:
    assert name_fault(name)


def test_tree_is_hashed_file_by_file(tmp_path: Path) -> None:
    contents = {
        "VERSION": b"go1.22.3",
        "bin/go": os.urandom(1_000_000),
        "src/a/b/c.go": b"",
        "src/é.go": b"x",
    }
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "bin/go").chmod(0o755)
    (tmp_path / "VERSION").chmod(0o600)
    (tmp_path / "empty/er").mkdir(parents=True)
    manifest = hash_tree(tmp_path)
    assert [(record.name, record.digest) for record in manifest.records] == [
        (name, sha256(contents[name])) for name in sorted(contents)
    ]
    assert {
        record.name: record.mode for record in manifest.records if record.name in {"VERSION", "bin/go"}
    } == {
        "VERSION": 0o600,
        "bin/go": 0o755,
    }
    assert manifest.others == ()
    assert manifest.h1 == h1((f"go/{name}", sha256(data)) for name, data in contents.items())


def test_what_is_no_file_is_named_and_not_followed(tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    for directory in (tree, elsewhere):
        directory.mkdir()
    (elsewhere / "secret").write_bytes(b"x")
    (tree / "file").write_bytes(b"x")
    (tree / "to-file").symlink_to(elsewhere / "secret")
    (tree / "to-directory").symlink_to(elsewhere)
    (tree / "to-nothing").symlink_to("nowhere")
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tree)  # a socket's path is short by law
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        manifest = hash_tree(tree)
    assert [record.name for record in manifest.records] == ["file"]
    assert manifest.others == (
        ("fifo", "fifo"),
        ("socket", "socket"),
        ("to-directory", "symbolic link"),
        ("to-file", "symbolic link"),
        ("to-nothing", "symbolic link"),
    )


def test_what_changes_its_kind_after_the_walk_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    names = [b"gone", b"link", b"directory", b"fifo"]
    results = hash_files((os.fsencode(tmp_path), names))
    assert [digest for digest, _ in results] == [None] * 4
    assert results[0][1] == 0
    assert all(mode for _, mode in results[1:])


def test_names_that_are_no_text_are_hashed_too(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/new\nline\x1b", "wb") as file:
        file.write(b"x")
    assert [record.name for record in hash_tree(tmp_path).records] == ["new\nline\x1b"]


def test_missing_tree_is_a_host_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"cannot read `.*/none"):
        hash_tree(tmp_path / "none")
