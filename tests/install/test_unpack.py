from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import random
import resource
import subprocess
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gvmpy.errors import HostError, IntegrityError
from gvmpy.install.archives import inflate, tar_header
from gvmpy.install.archives.tar_header import (
    DIRECTORY,
    FILE,
    GNU_NAME,
    PAX,
    PAX_GLOBAL,
    HeaderError,
    parse_header,
    parse_pax,
)
from gvmpy.install.archives.write import TreeWriter
from gvmpy.install.unpack import Budget, unpack_tar
from gvmpy.trust.tree import hash_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

END = bytes(1024)
NOISE = random.Random(7).randbytes(3_000_001)  # noqa: S311 - content of files


def header(
    name: bytes,
    *,
    kind: bytes = b"0",
    size: int | bytes = 0,
    mode: bytes = b"0000644\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    checksum: bytes | None = None,
) -> bytes:
    digits = size if isinstance(size, bytes) else b"%011o\0" % size
    block = (
        name.ljust(100, b"\0")
        + mode
        + b"0000000\0" * 2
        + digits.ljust(12, b"\0")
        + b"00000000000\0"
        + b" " * 8
        + kind
        + bytes(100)
        + magic
        + bytes(80)
        + prefix.ljust(155, b"\0")
        + bytes(12)
    )
    assert len(block) == 512
    return block[:148] + (checksum or b"%06o\0 " % sum(block)) + block[156:]


def member(name: bytes, data: bytes = b"", *, kind: bytes = b"0", **fields: bytes) -> bytes:
    return header(name, kind=kind, size=len(data), **fields) + data + bytes(-len(data) % 512)


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    text = b""
    for key, value in records:
        length = len(key) + len(value) + 3
        while length != len(str(length)) + len(key) + len(value) + 3:
            length = len(str(length)) + len(key) + len(value) + 3
        text += b"%d %s=%s\n" % (length, key, value)
    return member(b"PaxHeaders/x", text, kind=kind)


def pack(directory: Path, *blocks: bytes, end: bytes = END) -> Path:
    archive = directory / "go1.22.3.linux-amd64.tar.gz"
    archive.write_bytes(gzip.compress(b"".join(blocks) + end, 1))
    return archive


def listing(root: Path) -> dict[str, tuple[int, bytes | None]]:
    return {
        os.fspath(path.relative_to(root)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else None,
        )
        for path in root.rglob("*")
    }


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    previous = os.umask(mask)
    try:
        yield
    finally:
        os.umask(previous)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    contents = {
        "VERSION": b"go1.22.3\ntime 2024-05-01T19:49:50Z\n",
        "bin/go": NOISE,
        "bin/gofmt": NOISE[: 1 << 20],
        "pkg/include/empty.h": b"",
        "src/block": b"x" * 512,
        "src/all.bash": b"#!/bin/sh\n",
        "test/fixedbugs/issue27836.dir/Þfoo.go": b"package foo\n",
        f"src/{'long/' * 19}of over one hundred.go": b"package long\n",
        f"src/{'longer' * 20}/{'longest' * 25}.go": b"package longer\n",
    }
    for name, data in contents.items():
        path = tmp_path / "go" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if name.startswith("bin/") or name.endswith(".bash") else 0o644)
    (tmp_path / "go" / "misc" / "empty").mkdir(parents=True)
    return tmp_path / "go"


@pytest.mark.parametrize("layout", ["gnu", "pax"])
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_result_is_what_gnu_tar_makes(tmp_path: Path, tree: Path, layout: str, mask: int) -> None:
    archive = tmp_path / "go.tar.gz"
    subprocess.run(["tar", f"--format={layout}", "-czf", archive, "-C", tmp_path, "go"], check=True)
    (tmp_path / "theirs").mkdir()
    with umask(mask):
        no_root = ["--no-same-permissions", "--no-same-owner"]
        subprocess.run(["tar", *no_root, "-xzf", archive, "-C", tmp_path / "theirs"], check=True)
        manifest = unpack_tar(archive, tmp_path / "ours", budget=Budget())
    assert listing(tmp_path / "ours") == listing(tmp_path / "theirs" / "go")
    assert manifest.records == hash_tree(tree).records


def test_directories_that_the_archive_only_implies_are_made(tmp_path: Path) -> None:
    archive = pack(
        tmp_path, member(b"go/src/fmt/print.go", b"package fmt\n"), member(b"go/VERSION", b"go1.22.3")
    )
    manifest = unpack_tar(archive, tmp_path / "out", budget=Budget())
    assert [(record.name, record.digest, record.mode) for record in manifest.records] == [
        ("VERSION", hashlib.sha256(b"go1.22.3").hexdigest(), 0o644),
        ("src/fmt/print.go", hashlib.sha256(b"package fmt\n").hexdigest(), 0o644),
    ]
    assert (tmp_path / "out/src/fmt/print.go").read_bytes() == b"package fmt\n"


def test_ustar_prefix_pax_path_and_harmless_records_are_understood(tmp_path: Path) -> None:
    archive = pack(
        tmp_path,
        pax((b"comment", b"from git"), kind=b"g"),
        member(b"b.go", b"1", prefix=b"go/src"),
        pax((b"path", "go/src/é.go".encode()), (b"mtime", b"1.5"), (b"size", b"2"), (b"uname", b"root")),
        member(b"go/x", b"22"),
        member(b"././@LongLink", b"go/src/long.go\0", kind=b"L", magic=b"ustar  \0"),
        member(b"go/y", b"333", mode=b"0000755\0", magic=b"ustar  \0"),
    )
    manifest = unpack_tar(archive, tmp_path / "out", budget=Budget())
    assert [(record.name, record.mode) for record in manifest.records] == [
        ("src/b.go", 0o644),
        ("src/long.go", 0o755),
        ("src/é.go", 0o644),
    ]


HOSTILE = {
    "hard link": ([header(b"go/a", kind=b"1")], "member `go/a` is a hard link"),
    "symbolic link": ([header(b"go/a", kind=b"2")], "member `go/a` is a symbolic link"),
    "character device": ([header(b"go/a", kind=b"3")], "is a character device"),
    "block device": ([header(b"go/a", kind=b"4")], "is a block device"),
    "fifo": ([header(b"go/a", kind=b"6")], "is a fifo"),
    "contiguous": ([header(b"go/a", kind=b"7")], "is of unknown type b'7'"),
    "sparse": ([header(b"go/a", kind=b"S", magic=b"ustar  \0")], "is a sparse file"),
    "long link": ([member(b"x", b"/etc/passwd", kind=b"K")], "is a link with a long name"),
    "escape in type": ([header(b"go/a", kind=b"\x1b")], r"is of unknown type b'\x1b'"),
    "parent": ([member(b"go/../evil")], "member `go/../evil` has an empty or dotted component"),
    "parent at end": ([member(b"go/..")], "has an empty or dotted component"),
    "parent by prefix field": ([member(b"evil", prefix=b"go/..")], "has an empty or dotted component"),
    "parent by pax": (
        [pax((b"path", b"go/../../evil")), member(b"go/a")],
        "has an empty or dotted component",
    ),
    "parent by long name": (
        [member(b"x", b"go/../evil\0", kind=b"L"), member(b"go/a")],
        "has an empty or dotted",
    ),
    "dot": ([member(b"go/./a")], "has an empty or dotted component"),
    "empty component": ([member(b"go/a//b")], "has an empty or dotted component"),
    "file named as directory": ([member(b"go/a/")], "has an empty or dotted component"),
    "the prefix as a file": ([member(b"go/")], "has an empty or dotted component"),
    "absolute": ([member(b"/go/a")], "does not lie below `go/`"),
    "absolute below": ([member(b"go//a")], "has an absolute name"),
    "outside": ([member(b"gopher/a")], "member `gopher/a` does not lie below `go/`"),
    "outside directory": ([header(b"gopher/", kind=b"5")], "does not lie below `go/`"),
    "parent directory": ([header(b"go/../x/", kind=b"5")], "has an empty or dotted component"),
    "no name": ([member(b"")], "member `` does not lie below"),
    "backslash": ([member(b"go/a\\b")], "has a character in its name"),
    "newline": ([member(b"go/a\nb")], r"member `go/a\nb` has a character"),
    "escape": ([member(b"go/a\x1b[2J")], r"member `go/a\x1b[2J` has a character"),
    "nul by pax": ([pax((b"path", b"go/a\0b")), member(b"go/a")], r"member `go/a\x00b` has a character"),
    "nul in long name": (
        [member(b"x", b"go/a\0b\0", kind=b"L"), member(b"go/a")],
        "has a character in its name",
    ),
    "bidirectional override": ([member("go/\u202eog.txt".encode())], r"go/\u202eog.txt` has a character"),
    "not utf-8": ([member(b"go/\xff")], r"member `go/\udcff` has a name that is not UTF-8"),
    "too long a component": ([pax((b"path", b"go/" + b"a" * 256)), member(b"go/a")], "has too long a name"),
    "too long a name": (
        [pax((b"path", b"go/" + b"a/" * 600 + b"b")), member(b"go/a")],
        "has too long a name",
    ),
    "duplicate": ([member(b"go/a"), member(b"go/a")], "member `go/a` has the name of another member"),
    "case duplicate": ([member(b"go/a"), member(b"go/A")], "member `go/A` has the name of another member"),
    "case duplicate directory": ([member(b"go/a/x"), member(b"go/A/y")], "has the name of another member"),
    "composed duplicate": (
        [member("go/\u00e9".encode()), member("go/e\u0301".encode())],
        "has the name of another member",
    ),
    "sharp s": ([member("go/straße".encode()), member(b"go/STRASSE")], "has the name of another member"),
    "file then directory": ([member(b"go/a"), member(b"go/a/b")], "has the name of another member"),
    "directory then file": ([member(b"go/a/b"), member(b"go/a")], "has the name of another member"),
    "directory twice": ([header(b"go/a/", kind=b"5")] * 2, "member `go/a` appears twice"),
    "directory with content": ([member(b"go/a/", b"x", kind=b"5")], "is a directory with content"),
    "wrong checksum": ([header(b"go/a", checksum=b"000001\0 ")], "member `go/a` has a header whose checksum"),
    "no checksum": ([header(b"go/a", checksum=b"        ")], "has a malformed checksum"),
    "v7": ([header(b"go/a", magic=bytes(8))], "has a header of no known tar format"),
    "binary size": ([header(b"go/a", size=b"\x80" + bytes(10) + b"\1")], "has a malformed size"),
    "negative size": ([header(b"go/a", size=b"-0000000001\0")], "has a malformed size"),
    "underscore in size": ([header(b"go/a", size=b"0000000_001\0")], "has a malformed size"),
    "size with a nine": ([header(b"go/a", size=b"00000000009\0")], "has a malformed size"),
    "no mode": ([header(b"go/a", mode=bytes(8))], "has a malformed mode"),
    "pax size lies": (
        [pax((b"size", b"1")), member(b"go/a", b"22")],
        "member `go/a` has two different sizes",
    ),
    "pax size is no number": ([pax((b"size", b"+2")), member(b"go/a", b"22")], "has a malformed pax record"),
    "pax link": ([pax((b"linkpath", b"/etc")), member(b"go/a")], "has a pax record b'linkpath'"),
    "pax sparse": (
        [pax((b"GNU.sparse.major", b"1")), member(b"go/a")],
        "has a pax record b'GNU.sparse.major'",
    ),
    "pax charset": ([pax((b"hdrcharset", b"BINARY")), member(b"go/a")], "has a pax record b'hdrcharset'"),
    "pax twice": ([pax((b"path", b"go/a"), (b"path", b"go/b")), member(b"go/c")], "malformed pax record"),
    "pax length lies": (
        [member(b"x", b"99 path=go/a\n", kind=b"x"), member(b"go/a")],
        "malformed pax record",
    ),
    "pax short length": (
        [member(b"x", b"5 path=go/a\n", kind=b"x"), member(b"go/a")],
        "malformed pax record",
    ),
    "pax without length": (
        [member(b"x", b"path=go/a\n", kind=b"x"), member(b"go/a")],
        "malformed pax record",
    ),
    "pax global path": ([pax((b"path", b"go/a"), kind=b"g"), member(b"go/b")], "is a global header"),
    "pax alone": ([pax((b"path", b"go/a"))], "is missing after its extended header"),
    "pax twice in a row": ([pax((b"path", b"go/a"))] * 2, "has two extended headers"),
    "huge pax": ([header(b"x", kind=b"x", size=1 << 32)], "has an oversized extended header"),
    "one zero block": ([member(b"go/a"), bytes(512), member(b"go/b")], "has data after its end"),
    "data after the end": ([member(b"go/a"), END, member(b"go/b")], "has data after its end"),
    "endless padding": ([member(b"go/a"), bytes(3 << 20)], "has data after its end"),
}


@pytest.mark.parametrize(("blocks", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_tar_is_refused(tmp_path: Path, blocks: list[bytes], reason: str) -> None:
    archive = pack(tmp_path, member(b"go/VERSION", b"go1.22.3"), *blocks)
    (tmp_path / "below").mkdir()
    with pytest.raises(IntegrityError) as caught:
        unpack_tar(archive, tmp_path / "below" / "out", budget=Budget())
    assert reason in caught.value.message
    assert caught.value.message.startswith(f"`{archive.name}`")
    assert caught.value.message.isprintable()
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "below"}
    assert {path.name for path in (tmp_path / "below").iterdir()} == {"out"}
    assert all(path.is_file() or path.is_dir() for path in (tmp_path / "below").rglob("*"))
    assert not any(path.is_symlink() for path in (tmp_path / "below").rglob("*"))


def test_budget_of_entries_counts_implied_directories(tmp_path: Path) -> None:
    archive = pack(tmp_path, member(b"go/a/b/c/d"), member(b"go/e"))
    assert unpack_tar(archive, tmp_path / "enough", budget=Budget(entries=5)).count == 2
    with pytest.raises(IntegrityError, match="holds more than 4 entries"):
        unpack_tar(archive, tmp_path / "short", budget=Budget(entries=4))


def test_budget_of_entries_bounds_headers_without_members(tmp_path: Path) -> None:
    archive = pack(tmp_path, *[pax((b"comment", b"x"))] * 50)
    with pytest.raises(IntegrityError, match="holds more than 4 entries"):
        unpack_tar(archive, tmp_path / "out", budget=Budget(entries=4))


def test_budget_of_bytes_is_checked_before_a_file_is_written(tmp_path: Path) -> None:
    archive = pack(tmp_path, member(b"go/a", bytes(1000)), member(b"go/b", bytes(1001)))
    assert unpack_tar(archive, tmp_path / "enough", budget=Budget(bytes=2001)).count == 2
    with pytest.raises(IntegrityError, match="unpacks to more than 2000 bytes"):
        unpack_tar(archive, tmp_path / "short", budget=Budget(bytes=2000))
    assert not (tmp_path / "short" / "b").exists()


def test_announced_size_beyond_the_budget_is_refused_unread(tmp_path: Path) -> None:
    archive = pack(tmp_path, header(b"go/a", size=(1 << 33) - 1))
    with pytest.raises(IntegrityError, match="unpacks to more than"):
        unpack_tar(archive, tmp_path / "out", budget=Budget())
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("end", [b"", bytes(512)], ids=["no end mark", "half an end mark"])
def test_missing_end_is_refused(tmp_path: Path, end: bytes) -> None:
    archive = pack(tmp_path, member(b"go/a", b"x"), end=end)
    with pytest.raises(IntegrityError, match="is cut short"):
        unpack_tar(archive, tmp_path / "out", budget=Budget())


def damaged_gzips() -> dict[str, bytes]:
    whole = gzip.compress(member(b"go/a", NOISE[:5000]) + END)
    return {
        "empty": b"",
        "half a header": whole[:9],
        "half": whole[: len(whole) // 2],
        "no trailer": whole[:-8],
        "last byte missing": whole[:-1],
        "wrong crc": whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:],
        "wrong length": whole[:-1] + bytes([whole[-1] ^ 1]),
        "flipped content": whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:],
        "not gzip": b"<!doctype html><title>Sign in</title>" * 100,
        "byte after the end": whole + b"\0",
        "second member": whole + gzip.compress(b""),
        "plain tar": member(b"go/a") + END,
    }


@pytest.mark.parametrize("data", damaged_gzips().values(), ids=damaged_gzips().keys())
def test_damaged_gzip_is_refused(tmp_path: Path, data: bytes) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(data)
    with pytest.raises(
        IntegrityError, match=r"^`a.tar.gz` (is cut short|is not a sound gzip|has data after)"
    ):
        unpack_tar(archive, tmp_path / "out", budget=Budget())


def inflated(data: bytes, room: int) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        source = inflate.Inflated(file.fileno(), "a.tar.gz")
        view, out = memoryview(bytearray(room)), io.BytesIO()
        while size := source.read_into(view):
            out.write(view[:size])
        return out.getvalue()


@pytest.fixture(params=["isal or zlib", "zlib"])
def codec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines without a wheel of isal inflate with zlib; both ways must accept and refuse the same."""
    if request.param == "zlib":
        monkeypatch.setattr(inflate, "decompressobj", zlib.decompressobj)
        monkeypatch.setattr(inflate, "InflateError", zlib.error)


@pytest.mark.usefixtures("codec")
def test_inflating_is_exact_whatever_the_room() -> None:
    for level in (0, 1, 6, 9):
        for content in (
            b"",
            b"x",
            b"ab" * 40_000,
            NOISE[:70_000],
            b"abacus" * 1500,
        ):
            packed = gzip.compress(content, level)
            for room in (1 << 20, 65_537, 4096, 259):
                assert inflated(packed, room) == content


@pytest.mark.usefixtures("codec")
def test_every_truncation_and_every_trailing_byte_is_noticed() -> None:
    whole = gzip.compress(NOISE[:50].hex().encode() + bytes(200))
    for cut in range(len(whole)):
        with pytest.raises(IntegrityError, match=r"cut short|not a sound"):
            inflated(whole[:cut], 100)
    for extra in range(1, 20):
        with pytest.raises(IntegrityError, match="has data after its end"):
            inflated(whole + bytes(extra), 100)


@given(
    st.lists(
        st.sampled_from(["a", "B", "b", "..", ".", "", "go", "\\", "\n", "é", "/", "x" * 200]), max_size=6
    )
    .map("/".join)
    .filter(bool)
)
@example("../../evil")
@example("a/../../evil")
@example("/etc/passwd")
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_name_is_refused_or_lands_below_the_destination(name: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        outer = Path(scratch).resolve()
        archive = pack(outer, pax((b"path", b"go/" + name.encode())), member(b"go/short", b"content"))
        destination = outer / "deep" / "er"
        with contextlib.suppress(IntegrityError):
            manifest = unpack_tar(archive, destination, budget=Budget())
            assert [record.name for record in manifest.records] == [name]
            assert (destination / name).resolve().is_relative_to(destination)
            assert (destination / name).read_bytes() == b"content"
        outside = {path for path in outer.rglob("*") if not path.is_relative_to(destination)}
        assert outside == {archive, destination.parent}


@given(
    st.binary(min_size=512, max_size=512)
    | st.binary(max_size=12).map(lambda junk: header(b"go/a", size=junk))
)
def test_any_header_is_read_or_refused(block: bytes) -> None:
    with contextlib.suppress(HeaderError):
        kind, _, size, mode = parse_header(block)
        assert kind in {FILE, DIRECTORY, PAX, PAX_GLOBAL, GNU_NAME}
        assert 0 <= size < 8**12
        assert 0 <= mode < 8**8


@given(st.binary(min_size=512, max_size=512))
@example(b"\xff" * 512)
@example(bytes(512))
def test_header_sum_is_exact(block: bytes) -> None:
    assert tar_header._sum(block) == sum(block)


@given(st.binary(max_size=60) | st.text("0123456789 =\npath", max_size=30).map(str.encode))
@example(b"11 path=a b\n")
def test_any_pax_header_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(HeaderError):
        assert parse_pax(data).keys() <= {b"path", b"size"}


def test_full_disk_names_the_file_it_could_not_write(tmp_path: Path) -> None:
    archive = pack(tmp_path, member(b"go/small", b"x"), member(b"go/bin/large", bytes(3 << 20)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(HostError, match=r"cannot write `.*/out/bin/large`: File too large"):
            unpack_tar(archive, tmp_path / "out", budget=Budget())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_destination_with_something_in_it_is_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path, member(b"go/a"))
    with pytest.raises(HostError, match="is not empty"):
        unpack_tar(archive, tmp_path, budget=Budget())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostError, match=r"cannot create `.*/file`"):
        unpack_tar(archive, tmp_path / "file", budget=Budget())


def test_missing_archive_is_a_host_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"cannot use `.*/none.tar.gz`: No such file"):
        unpack_tar(tmp_path / "none.tar.gz", tmp_path / "out", budget=Budget())


def test_writer_follows_no_link_that_appears_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "victim").mkdir()
    (tmp_path / "out" / "src").symlink_to(tmp_path / "victim")
    (tmp_path / "out" / "file").symlink_to(tmp_path / "victim" / "file")
    writer = TreeWriter(os.fsencode(tmp_path / "out"))
    for name in ("src/a", "file"):
        with pytest.raises(HostError, match=rf"cannot write `.*/out/{name}`"):
            writer.add_file(name, 0o644, [b"x"])
    assert list((tmp_path / "victim").iterdir()) == []
