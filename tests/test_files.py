from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from gvmpy import files
from gvmpy.files import remove_tree, replace_link, sync_directory, write_atomic

if TYPE_CHECKING:
    from pathlib import Path


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


class TestWriteAtomic:
    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
    def test_content_and_mode_whatever_the_umask(self, tmp_path: Path, mode: int) -> None:
        for umask in (0o000, 0o077):
            before = os.umask(umask)
            try:
                write_atomic(tmp_path / "x", b"text", mode=mode)
            finally:
                os.umask(before)
            assert (tmp_path / "x").read_bytes() == b"text"
            assert (tmp_path / "x").stat().st_mode & 0o7777 == mode
        assert names(tmp_path) == ["x"]

    def test_a_link_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "victim").write_bytes(b"victim")
        (tmp_path / "x").symlink_to("victim")
        write_atomic(tmp_path / "x", b"text")
        assert (tmp_path / "victim").read_bytes() == b"victim"
        assert not (tmp_path / "x").is_symlink()

    def test_nothing_is_left_of_a_failure(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        with pytest.raises(IsADirectoryError):
            write_atomic(tmp_path / "x", b"text")
        assert names(tmp_path) == ["x"]

    def test_a_failed_write_keeps_the_old(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_atomic(tmp_path / "x", b"old")

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomic(tmp_path / "x", b"new")
        assert (tmp_path / "x").read_bytes() == b"old"
        assert names(tmp_path) == ["x"]

    def test_readers_see_one_or_the_other(self, tmp_path: Path) -> None:
        target = tmp_path / "x"
        contents = [bytes([letter]) * 50_000 for letter in b"ab"]
        write_atomic(target, contents[0])
        stop = threading.Event()

        def write(content: bytes) -> None:
            while not stop.is_set():
                write_atomic(target, content)

        writers = [threading.Thread(target=write, args=(content,)) for content in contents]
        for writer in writers:
            writer.start()
        seen = {target.read_bytes() for _ in range(500)}
        stop.set()
        for writer in writers:
            writer.join()
        assert seen <= set(contents)
        assert names(tmp_path) == ["x"]


class TestReplaceLink:
    def test_made_and_replaced(self, tmp_path: Path) -> None:
        replace_link(tmp_path / "go", "one")
        assert os.readlink(tmp_path / "go") == "one"
        replace_link(tmp_path / "go", "../two")
        assert os.readlink(tmp_path / "go") == "../two"
        assert names(tmp_path) == ["go"]

    def test_a_file_gives_way(self, tmp_path: Path) -> None:
        (tmp_path / "go").write_text("x")
        replace_link(tmp_path / "go", "one")
        assert os.readlink(tmp_path / "go") == "one"

    def test_a_directory_does_not(self, tmp_path: Path) -> None:
        (tmp_path / "go").mkdir()
        (tmp_path / "go" / "precious").write_text("x")
        with pytest.raises(OSError):
            replace_link(tmp_path / "go", "one")
        assert names(tmp_path) == ["go"]
        assert names(tmp_path / "go") == ["precious"]


class TestRemoveTree:
    def test_read_only_directories_go_too(self, tmp_path: Path) -> None:
        """As somebody who is not root, for whom the modes count."""
        tree = tmp_path / "tree"
        (tree / "a" / "b").mkdir(parents=True)
        for path in (tree / "x", tree / "a" / "y", tree / "a" / "b" / "z"):
            path.write_text("x")
            path.chmod(0o400)
        (tree / "empty").mkdir()
        (tree / "locked").mkdir()
        (tree / "locked" / "w").write_text("x")
        (tree / "locked").chmod(0o000)
        for path in (tree / "a" / "b", tree / "a", tree / "empty", tree):
            path.chmod(0o500)
        as_nobody(tmp_path, "from gvmpy.files import remove_tree; remove_tree(pathlib.Path('tree'))")
        assert names(tmp_path) == []

    def test_links_are_removed_and_not_followed(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "precious").write_text("x")
        outside.chmod(0o500)
        tree = tmp_path / "tree"
        tree.mkdir()
        (tree / "link").symlink_to(outside)
        (tree / "dangling").symlink_to("nowhere")
        tree.chmod(0o500)
        as_nobody(tmp_path, "from gvmpy.files import remove_tree; remove_tree(pathlib.Path('tree'))")
        assert names(tmp_path) == ["outside"]
        assert names(outside) == ["precious"]
        assert outside.stat().st_mode & 0o777 == 0o500

    def test_nothing_there_is_fine(self, tmp_path: Path) -> None:
        remove_tree(tmp_path / "none")
        assert names(tmp_path) == []

    def test_a_link_in_its_place_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "precious").write_text("x")
        (tmp_path / "tree").symlink_to("outside")
        with pytest.raises(OSError):
            remove_tree(tmp_path / "tree")
        assert names(tmp_path / "outside") == ["precious"]


def test_directories_are_synced_and_others_refused(tmp_path: Path) -> None:
    sync_directory(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        sync_directory(tmp_path / "file")


def as_nobody(place: Path, program: str) -> None:
    """Run `program` in `place`, as an ordinary user: root needs no permissions, and may become one."""
    drop = ""
    if os.geteuid() == 0:
        drop = "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
        subprocess.run(["chown", "-hR", "65534:65534", str(place)], check=True)
    preload = "import os, pathlib, sys, gvmpy.files"
    code = f"{preload}\nos.chdir({str(place)!r})\n{drop}\n{program}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class TestExchange:
    @pytest.fixture(params=["in one step", "in three"])
    def way(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        if request.param == "in three":
            monkeypatch.setattr(files, "_exchanged", lambda one, other: False)
        return str(request.param)

    def put(self, directory: Path) -> tuple[Path, Path, Path]:
        new, present = directory / "new", directory / "present"
        for path in (new, present):
            path.mkdir()
            (path / path.name).write_text("x")
        return new, present, directory / "aside"

    def test_two_directories(self, tmp_path: Path, way: str) -> None:
        new, present, aside = self.put(tmp_path)
        files.exchange(new, present, aside=aside)
        assert [path.name for path in (*new.iterdir(), *present.iterdir())] == ["present", "new"]
        assert not aside.exists()

    def test_a_directory_and_a_dangling_link(self, tmp_path: Path, way: str) -> None:
        new, present, aside = self.put(tmp_path)
        (present / "present").unlink()
        present.rmdir()
        present.symlink_to("nowhere")
        files.exchange(new, present, aside=aside)
        assert (os.readlink(new), [path.name for path in present.iterdir()]) == ("nowhere", ["new"])

    def test_nothing_there(self, tmp_path: Path, way: str) -> None:
        new, present, aside = self.put(tmp_path)
        (present / "present").unlink()
        present.rmdir()
        files.exchange(new, present, aside=aside)
        assert (new.exists(), [path.name for path in present.iterdir()]) == (False, ["new"])

    def test_nothing_new_leaves_the_old(self, tmp_path: Path, way: str) -> None:
        _, present, aside = self.put(tmp_path)
        with pytest.raises(FileNotFoundError):
            files.exchange(tmp_path / "missing", present, aside=aside)
        assert [path.name for path in present.iterdir()] == ["present"]
        assert not aside.exists()

    def test_this_machine_does_it_in_one_step(self, tmp_path: Path) -> None:
        new, present, _ = self.put(tmp_path)
        assert files._exchanged(new, present)
