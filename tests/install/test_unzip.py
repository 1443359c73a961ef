from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvmpy.errors import HostError, IntegrityError
from gvmpy.install.unpack import Budget, hash_zip, unpack_toolchain_zip
from gvmpy.trust.tree import hash_tree

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "golang.org/toolchain@v0.0.1-go1.22.3.linux-amd64/"
TIME = b"UT\x05\x00\x01\xdb\x9c\x32\x66"
NOISE = random.Random(5).randbytes(2_500_000)  # noqa: S311 - content of files


@dataclass(frozen=True)
class Part:
    """One member, byte for byte; None means: what an honest packer would write."""

    name: bytes
    data: bytes = b"content\n"
    below: bytes = PREFIX.encode()
    local_name: bytes | None = None
    method: int = 8
    flags: int = 0
    local_flags: int | None = None
    crc: int | None = None
    size: int | None = None
    packed: bytes | None = None
    packed_size: int | None = None
    external: int = 0
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    trailer: bytes | None = None
    offset: int | None = None
    local_signature: bytes = b"PK\x03\x04"

    @property
    def full_name(self) -> bytes:
        return self.below + self.name

    @property
    def content(self) -> bytes:
        if self.packed is not None or self.method != 8:
            return self.data if self.packed is None else self.packed
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        return packer.compress(self.data) + packer.flush()

    @property
    def numbers(self) -> tuple[int, int, int]:
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        packed_size = len(self.content) if self.packed_size is None else self.packed_size
        return crc, packed_size, len(self.data) if self.size is None else self.size

    def local(self) -> bytes:
        name = self.full_name if self.local_name is None else self.local_name
        flags = self.flags if self.local_flags is None else self.local_flags
        numbers = (0, 0, 0) if flags & 8 else self.numbers
        lengths = (len(name), len(self.local_extra))
        head = struct.pack(
            "<4s5H3I2H", self.local_signature, 20, flags, self.method, 0, 33, *numbers, *lengths
        )
        trailer = self.trailer
        if trailer is None:
            trailer = b"PK\x07\x08" + struct.pack("<3I", *self.numbers) if flags & 8 else b""
        return head + name + self.local_extra + self.content + trailer

    def central(self, offset: int) -> bytes:
        lengths = (len(self.full_name), len(self.extra), len(self.comment))
        where = offset if self.offset is None else self.offset
        common = (
            0x0314,
            20,
            self.flags,
            self.method,
            0,
            33,
            *self.numbers,
            *lengths,
            0,
            0,
            self.external,
            where,
        )
        return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *common) + self.full_name + self.extra + self.comment


def build(*parts: Part, **changes: int | bytes) -> bytes:
    """Return a zip of the parts; `junk` goes before them, `before` the directory, `end` after everything."""
    body, directory = changes.get("junk", b""), b""
    assert isinstance(body, bytes)
    for part in parts:
        directory += part.central(len(body))
        body += part.local()
    before = changes.get("before", b"")
    end = changes.get("end", b"")
    count = changes.get("count", len(parts))
    assert isinstance(before, bytes)
    assert isinstance(end, bytes)
    start = len(body) + len(before)
    comment_size = changes.get("comment_size", 0)
    record = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, comment_size)
    return body + before + directory + record + end


def pack(directory: Path, data: bytes) -> Path:
    archive = directory / "v0.0.1-go1.22.3.linux-amd64.zip"
    archive.write_bytes(data)
    return archive


def go_hash(archive: Path) -> str:
    """dirhash.HashZip, written a second time."""
    with zipfile.ZipFile(archive) as opened:
        names = sorted(opened.namelist(), key=str.encode)
        digests = [hashlib.sha256(opened.read(name)).hexdigest() for name in names]
    lines = [f"{digest}  {name}\n".encode() for digest, name in zip(digests, names, strict=True)]
    return "h1:" + base64.b64encode(hashlib.sha256(b"".join(lines)).digest()).decode()


TOOLCHAIN = {
    "VERSION": (b"go1.22.3\n", False),
    "bin/go": (NOISE, True),
    "bin/gofmt": (b"\x7fELF" + b"fmt" * 70_000, True),
    "pkg/tool/linux_amd64/compile": (bytes(3_000_000), True),
    "pkg/include/textflag.h": (b"#define NOSPLIT 4\n", False),
    "lib/wasm/go_js_wasm_exec": (b"#!/bin/sh\n", True),
    "lib/wasm/go_exec": (b"not a wrapper\n", False),
    "src/_go.mod": (b"module std\n", False),
    "src/cmd/_go.mod": (b"module cmd\n", False),
    "src/cmd/not_go.mod": (b"other\n", False),
    "src/all.bash": (b"#!/bin/bash\n", True),
    "src/syscall/mksyscall.pl": (b"#!/usr/bin/perl\n", True),
    "src/a.sh": (b"", True),
    "src/run.rc": (b"#!/bin/rc\n", True),
    "test/Þmain.go": (b"package main\n", False),
}


def toolchain_parts() -> list[Part]:
    """Members in the forms Go's tools write: with and without descriptor and time, deflated and stored."""
    parts = []
    for number, (name, (data, _)) in enumerate(TOOLCHAIN.items()):
        utf8 = 0 if name.isascii() else 0x800
        descriptor = 8 if number % 2 else 0
        extra = TIME if number % 3 else b""
        method = 0 if number % 4 == 3 else 8
        parts.append(
            Part(name.encode(), data, method=method, flags=utf8 | descriptor, extra=extra, local_extra=extra)
        )
    return parts


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return pack(tmp_path, build(*toolchain_parts()))


def test_hash_is_that_of_the_go_command_and_nothing_is_written(good: Path) -> None:
    assert hash_zip(good, prefix=PREFIX, budget=Budget()) == go_hash(good)
    assert list(good.parent.iterdir()) == [good]


def test_hash_covers_what_the_checksum_database_covers(tmp_path: Path) -> None:
    # The go.mod line that sum.golang.org has for every toolchain, as a zip of that one file.
    archive = pack(tmp_path, build(Part(b"go.mod", b"module golang.org/toolchain\n", below=b"")))
    expected = "h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0="
    assert hash_zip(archive, prefix="", budget=Budget()) == expected


def test_tree_is_that_of_the_official_archive(good: Path) -> None:
    out = good.parent / "out"
    manifest = unpack_toolchain_zip(good, out, prefix=PREFIX, budget=Budget(), expected=go_hash(good))
    expected = {
        name.replace("/_go.mod", "/go.mod"): (data, 0o755 if executable else 0o644)
        for name, (data, executable) in TOOLCHAIN.items()
    }
    found = {
        os.fspath(path.relative_to(out)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in out.rglob("*")
        if path.is_file()
    }
    assert found == expected
    assert manifest == hash_tree(out)
    assert {record.name for record in manifest.records} == expected.keys()


def test_zip_of_other_tools_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "other.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{PREFIX}bin/go", NOISE)
        opened.writestr(f"{PREFIX}VERSION", "go1.22.3")
    assert hash_zip(archive, prefix=PREFIX, budget=Budget()) == go_hash(archive)


def test_zip_changed_after_it_was_proven_is_noticed(good: Path) -> None:
    proven = hash_zip(good, prefix=PREFIX, budget=Budget())
    changed = [
        replace(part, data=b"go1.22.4\n") if part.name == b"VERSION" else part for part in toolchain_parts()
    ]
    good.write_bytes(build(*changed))
    with pytest.raises(IntegrityError, match="changed after it was verified"):
        unpack_toolchain_zip(good, good.parent / "out", prefix=PREFIX, budget=Budget(), expected=proven)


A = Part(b"a")
LINK = (stat.S_IFLNK | 0o777) << 16
HOSTILE = {
    "parent": (build(A, Part(b"../evil")), "has an empty or dotted component"),
    "parent below": (build(A, Part(b"src/../../evil")), "has an empty or dotted component"),
    "absolute": (build(A, Part(b"/etc/passwd")), "has an absolute name"),
    "absolute without prefix": (build(A, Part(b"/etc/passwd", below=b"")), "does not lie below"),
    "other module": (
        build(A, Part(b"x", below=b"golang.org/toolchain@v0.0.1-go1.22.4/")),
        "does not lie below",
    ),
    "prefix alone": (build(A, Part(b"")), "has an empty or dotted component"),
    "directory": (build(A, Part(b"src/", b"")), "has an empty or dotted component"),
    "directory attribute": (build(A, Part(b"src", external=0x10)), "is a link, a directory or a device"),
    "dot": (build(A, Part(b"./a")), "has an empty or dotted component"),
    "backslash": (build(A, Part(b"..\\evil")), "has a character in its name"),
    "newline": (build(A, Part(b"b\nc")), r"b\nc` has a character in its name"),
    "escape": (build(A, Part(b"b\x1b[2J")), r"b\x1b[2J` has a character in its name"),
    "nul": (build(A, Part(b"b\0c")), r"b\x00c` has a character in its name"),
    "code page 437": (build(A, Part(b"\x81")), "has a name in an unknown encoding"),
    "not utf-8": (build(A, Part(b"\xff", flags=0x800)), "has a name in an unknown encoding"),
    "duplicate": (build(A, A), "has the name of another member"),
    "case duplicate": (build(A, Part(b"A")), "has the name of another member"),
    "go.mod twice": (build(Part(b"src/go.mod"), Part(b"src/_go.mod")), "has the name of another member"),
    "file as directory": (build(A, Part(b"a/b")), "has the name of another member"),
    "directory as file": (build(Part(b"a/b"), A), "has the name of another member"),
    "link": (build(A, Part(b"l", b"/etc/passwd", external=LINK)), "`" + PREFIX + "l` is a link"),
    "device": (
        build(A, Part(b"l", external=(stat.S_IFCHR | 0o666) << 16)),
        "is a link, a directory or a device",
    ),
    "encrypted": (build(A, Part(b"b", flags=1)), "is encrypted"),
    "strongly encrypted": (build(A, Part(b"b", flags=0x41)), "is encrypted"),
    "masked headers": (build(A, Part(b"b", flags=0x2000)), "is encrypted"),
    "bzip2": (build(A, Part(b"b", method=12)), "is packed in a way that is not understood"),
    "stored sizes differ": (
        build(A, Part(b"b", method=0, size=3)),
        "is packed in a way that is not understood",
    ),
    "wrong crc": (build(A, Part(b"b", crc=1)), "has a wrong CRC-32"),
    "wrong crc stored": (build(A, Part(b"b", method=0, crc=1)), "has a wrong CRC-32"),
    "damaged deflate": (build(A, Part(b"b", packed=b"\xff" * 40)), "is damaged"),
    "deflate cut short": (
        build(A, Part(b"b", NOISE, packed=Part(b"b", NOISE).content[:-9])),
        "not packed in as many",
    ),
    "bytes after deflate": (
        build(A, Part(b"b", packed=A.content + b"evil")),
        "is not packed in as many bytes",
    ),
    "far bytes after deflate": (
        build(A, Part(b"b", packed=A.content + NOISE)),
        "is not packed in as many bytes",
    ),
    "no deflate at all": (build(A, Part(b"b", b"", packed=b"")), "is not packed in as many bytes"),
    "bomb that says it is small": (
        build(A, Part(b"b", bytes(50_000_000), size=100)),
        "is longer than announced",
    ),
    "one byte more": (build(A, Part(b"b", b"12345", size=4)), "is longer than announced"),
    "one byte less": (build(A, Part(b"b", b"12345", size=6)), "is shorter than announced"),
    "over budget": (build(A, Part(b"b", size=1 << 31)), "unpacks to more than 2147483648 bytes"),
    "zip64 size": (build(A, Part(b"b", size=0xFFFFFFFF)), "is larger than any file of Go"),
    "zip64 extra": (build(A, Part(b"b", extra=b"\x01\x00\x00\x00")), "has an extra field 0x0001"),
    "other name in extra": (build(A, Part(b"b", extra=b"up\x01\x00x")), "has an extra field 0x7075"),
    "other name in local extra": (
        build(A, Part(b"b", local_extra=b"up\x01\x00x")),
        "has an extra field 0x7075",
    ),
    "extra cut short": (build(A, Part(b"b", extra=b"UT\x09\x00x")), "has an extra field 0x5455"),
    "extra of one byte": (build(A, Part(b"b", extra=b"U")), "has an extra field"),
    "local name differs": (
        build(A, Part(b"b", local_name=PREFIX.encode() + b"c")),
        "has a header that differs",
    ),
    "local name longer": (
        build(A, Part(b"b", local_name=PREFIX.encode() + b"bb")),
        "has a header that differs",
    ),
    "local flags differ": (build(A, Part(b"b", flags=0, local_flags=8)), "has a header that differs"),
    "local header missing": (
        build(A, Part(b"b", local_signature=b"PK\x01\x02")),
        "has a header that differs",
    ),
    "entry comment": (build(A, Part(b"b", comment=b"hello")), "or one with a comment"),
    "overlap": (build(A, Part(b"b", offset=0)), "overlaps another member"),
    "overlap by length": (build(replace(A, packed_size=400), Part(b"b")), "overlaps another member"),
    "offset outside": (build(A, Part(b"b", offset=1 << 30)), "overlaps another member"),
    "bytes before": (build(A, junk=b"#!/bin/sh\n"), "or bytes that belong to none"),
    "bytes between": (
        build(replace(A, trailer=b"hidden"), Part(b"b")),
        "is followed by bytes that belong to nothing",
    ),
    "bytes before the directory": (build(A, before=b"hidden"), "is followed by bytes that belong to nothing"),
    "bytes after": (build(A, end=b"hidden"), "is no whole zip file"),
    "comment": (build(A, comment_size=6, end=b"hidden"), "is no whole zip file"),
    "descriptor differs": (
        build(replace(A, flags=8, trailer=struct.pack("<3I", 1, 2, 3))),
        "is followed by bytes that do not repeat its sizes",
    ),
    "descriptor missing": (build(replace(A, flags=8, trailer=b"")), "do not repeat its sizes"),
    "count too small": (build(A, Part(b"b"), count=1), "has a damaged directory"),
    "count too large": (build(A, count=2), "has a damaged directory"),
    "empty file": (b"", "is no whole zip file"),
    "cut short": (build(A)[:-1], "is no whole zip file"),
    "not a zip": (b"<!doctype html>" * 10, "is no whole zip file"),
    "a second archive before it": (build(A) + build(A), "has a damaged directory, or bytes that belong"),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_zip_is_refused_by_hashing_and_by_unpacking(tmp_path: Path, data: bytes, reason: str) -> None:
    archive = pack(tmp_path, data)
    (tmp_path / "below").mkdir()
    out = tmp_path / "below" / "out"
    with pytest.raises(IntegrityError) as hashing:
        hash_zip(archive, prefix=PREFIX, budget=Budget())
    with pytest.raises(IntegrityError) as unpacking:
        unpack_toolchain_zip(archive, out, prefix=PREFIX, budget=Budget())
    for caught in (hashing, unpacking):
        assert reason in caught.value.message
        assert caught.value.message.startswith(f"`{archive.name}`")
        assert caught.value.message.isprintable()
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "below"}
    assert [path.name for path in (tmp_path / "below").iterdir()] == ["out"]
    files = [path for path in out.rglob("*") if not path.is_dir()]
    assert all(path.is_file() and not path.is_symlink() for path in files)
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_bomb_is_refused_without_writing_more_than_announced(tmp_path: Path) -> None:
    archive = pack(tmp_path, build(Part(b"bomb", bytes(200_000_000), size=5_000_000)))
    with pytest.raises(IntegrityError, match="is longer than announced"):
        unpack_toolchain_zip(archive, tmp_path / "out", prefix=PREFIX, budget=Budget())
    assert (tmp_path / "out" / "bomb").stat().st_size <= 5_000_000


def test_names_are_checked_before_anything_is_written(tmp_path: Path) -> None:
    archive = pack(tmp_path, build(*(Part(b"%d" % number) for number in range(50)), Part(b"../evil")))
    with pytest.raises(IntegrityError, match="dotted"):
        unpack_toolchain_zip(archive, tmp_path / "out", prefix=PREFIX, budget=Budget())
    assert list((tmp_path / "out").iterdir()) == []


def test_budget_of_entries_and_bytes(tmp_path: Path) -> None:
    archive = pack(tmp_path, build(Part(b"a/b", bytes(10)), Part(b"a/c", bytes(11))))
    hash_zip(archive, prefix=PREFIX, budget=Budget(entries=3, bytes=21))
    with pytest.raises(IntegrityError, match="holds more than 2 entries"):
        hash_zip(archive, prefix=PREFIX, budget=Budget(entries=2, bytes=21))
    with pytest.raises(IntegrityError, match="unpacks to more than 20 bytes"):
        hash_zip(archive, prefix=PREFIX, budget=Budget(entries=3, bytes=20))


SMALL = build(Part(b"a"), Part(b"src/_go.mod", flags=8, local_extra=TIME, extra=TIME), Part(b"b", method=0))


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
@settings(max_examples=40)
def test_any_flipped_byte_is_refused_or_changes_no_content(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    directory = tmp_path_factory.mktemp("flipped")
    changed = bytearray(SMALL)
    changed[place] ^= flip
    honest = hash_zip(pack(directory, SMALL), prefix=PREFIX, budget=Budget())
    archive = pack(directory, bytes(changed))
    try:
        found = hash_zip(archive, prefix=PREFIX, budget=Budget())
    except IntegrityError:
        return
    assert (
        found == honest
        or zipfile.ZipFile(io.BytesIO(changed)).namelist() != zipfile.ZipFile(io.BytesIO(SMALL)).namelist()
    )


def test_missing_zip_is_a_host_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"cannot read `.*/none.zip`: No such file"):
        hash_zip(tmp_path / "none.zip", prefix=PREFIX, budget=Budget())


def test_empty_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="holds no files"):
        hash_zip(pack(tmp_path, build()), prefix=PREFIX, budget=Budget())
