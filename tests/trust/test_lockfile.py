"""Lock files: a narrow grammar with line numbers, edits that leave people's words alone, and git's merges."""

from __future__ import annotations

import base64
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvmpy.errors import HostError, IntegrityError, UsageError
from gvmpy.platform import Platform
from gvmpy.trust import lockedit
from gvmpy.trust.lockfile import LockedArtifact, LockFile, archive_name, find_lock, load_lock, parse, sort
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = Path("gvmpy.lock")
H1 = "h1:" + base64.b64encode(b"\x01" * 32).decode()
WHOLE = f"""\
schema = 1

["go1.22.3.linux-amd64"]
filename = "go1.22.3.linux-amd64.tar.gz"
size = 68965341
sha256 = "{"a" * 64}"
sha256-from = "https://go.dev/dl/?…"
h1 = "{H1}"
h1-from = "sum.golang.org"
"""


def locked(
    version: str, platform: str = "linux-amd64", *, sha256: str = "a" * 64, h1: str = ""
) -> LockedArtifact:
    go, machine = GoVersion.parse(version), Platform.parse(platform)
    size, said = (5, "an index") if sha256 else (None, "")
    return LockedArtifact(
        go, machine, archive_name(go, machine), sha256, size, h1, said, "a database" if h1 else ""
    )


def test_reads_every_fact() -> None:
    assert parse(WHOLE, PATH) == (
        LockedArtifact(
            GoVersion.parse("1.22.3"),
            Platform("linux", "amd64"),
            "go1.22.3.linux-amd64.tar.gz",
            "a" * 64,
            68965341,
            H1,
            "https://go.dev/dl/?…",
            "sum.golang.org",
        ),
    )


def test_finds_by_version_and_platform() -> None:
    lock = LockFile("x", sort([locked("1.22.3"), locked("1.9", "linux-arm"), locked("1.10", "linux-arm")]))
    assert lock.find(GoVersion.parse("1.9"), Platform("linux", "arm")) == locked("1.9", "linux-arm")
    assert lock.find(GoVersion.parse("1.9"), Platform("linux", "amd64")) is None
    assert [version.text for version in lock.versions(Platform("linux", "arm"))] == ["1.9", "1.10"]


def changed(old: str, new: str) -> Callable[[], str]:
    assert old in WHOLE
    return lambda: WHOLE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lambda: "", "line 1: there is no `schema = 1`"),
        (changed("schema = 1", "schema = 2"), "line 1: only `schema = 1` may stand before the first table"),
        (changed("schema = 1", "other = 1"), "line 1: only `schema = 1`"),
        (changed("size = 68965341", "size = -1"), "line 5: neither"),
        (changed("size = 68965341", "size = 0x10"), "line 5: neither"),
        (changed("size = 68965341", 'size = "5"'), "line 5: `size` must be a number"),
        (changed('"go1.22.3.linux-amd64.tar.gz"', "7"), "line 4: `filename` must be a string"),
        (changed("go1.22.3.linux-amd64.tar.gz", "../../etc/passwd"), "line 3: `filename` must be 'go1.22.3"),
        (changed("a" * 64, "A" * 64), "line 6: `sha256` is not a digest"),
        (changed("a" * 64, ""), "line 6: `sha256` is not a digest"),
        (changed(H1, "h1:AAAA"), "line 8: `h1` is not a digest"),
        (changed(H1, H1 + "="), "line 8: `h1` is not a digest"),
        (changed("h1-from", "h2-from"), "line 9: unknown key `h2-from`"),
        (changed('["go1.22.3.linux', '["go1.22.3.LINUX'), "line 3: the table is not named goVERSION.OS-ARCH"),
        (changed('["go1.22.3.linux', '["go1.22.linux'), "line 3: the table is not named"),
        (changed('["go1.22.3.linux', '["go01.22.3.linux'), "line 3: the table is not named"),
        (changed('["go1.22.3.linux-amd64"]', "[go]"), "line 3: neither"),
        (changed('["go1.22.3.linux-amd64"]', '[["go1.22.3.linux-amd64"]]'), "line 3: neither"),
        (changed("size = 68965341", "size = { a = 1 }"), "line 5: neither"),
        (changed("size = 68965341", 'size = """\n5"""'), "line 5: neither"),
        (changed('h1 = "', 'h1 = "\\u0068'), "line 8: neither"),
        (lambda: WHOLE + WHOLE.partition("\n\n")[2], "is not a lock file"),
        (lambda: WHOLE + "size = 5\n", "is not a lock file"),
        (lambda: WHOLE + "\x00", "is not a lock file"),
        (lambda: WHOLE + "x" * 10, "is not a lock file"),
        (lambda: "a = " + "[" * 100_000, "is not a lock file"),
    ],
)
def test_refuses_with_the_line(text: Callable[[], str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text(), PATH)
    assert words in caught.value.message
    assert str(PATH) in caught.value.message


def test_a_table_without_a_digest_proves_nothing() -> None:
    text = 'schema = 1\n["go1.22.3.linux-amd64"]\nfilename = "go1.22.3.linux-amd64.tar.gz"\n'
    with pytest.raises(UsageError, match="line 2: there is neither `sha256` nor `h1`"):
        parse(text, PATH)


def test_an_unfinished_merge_is_called_one() -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"<<<<<<< ours\n{WHOLE}=======\n>>>>>>> theirs\n", PATH)
    assert caught.value.hint == "finish the merge first: keep the tables of both sides"


def test_files_that_are_none(tmp_path: Path) -> None:
    big, binary = tmp_path / "big", tmp_path / "binary"
    big.write_bytes(b"#" * (1 << 20) + b"\n")
    binary.write_bytes(b"\xff\xfe")
    for path, words in (
        (big, "more than 1048576 bytes"),
        (binary, "cannot read"),
        (tmp_path, "cannot read"),
        (tmp_path / "none", "there is no lock file"),
    ):
        with pytest.raises(UsageError, match=words):
            load_lock(path)


def test_the_nearest_upward_counts(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "gvmpy.lock").mkdir()
    (tmp_path / "a" / "gvmpy.lock").write_text(WHOLE)
    assert find_lock(below) == tmp_path / "a" / "gvmpy.lock"


COMMENTED = f"""\
# Ours, see the wiki.
schema = 1 # for ever

# The build farm is old.
# Do not remove.
["go1.22.3.linux-amd64"] # yes
filename = "go1.22.3.linux-amd64.tar.gz"
# from the day of the release
sha256 = "{"a" * 64}" # checked by hand
sha256-from = "Ada"
# the end of it

# Nobody uses this one.
["go1.25.5.linux-amd64"]
filename = "go1.25.5.linux-amd64.tar.gz"
sha256 = "{"b" * 64}"
"""


def test_an_edit_leaves_comments_and_other_entries_alone() -> None:
    before = parse(COMMENTED, PATH)
    lock = lockedit.merge(LockFile("x", before), [locked("1.22.3", h1=H1), locked("1.23.0", h1=H1)])
    after = lockedit.edited(COMMENTED, lock.artifacts, PATH)
    assert parse(after, PATH) == lock.artifacts
    lines = COMMENTED.splitlines()
    kept = [line for line in after.splitlines() if line in lines]
    assert [line for line in kept if line] == [line for line in lines if line]
    assert after.index("# Nobody uses this one.\n[") > after.index('["go1.23.0.linux-amd64"]')
    assert f'h1 = "{H1}"' in after[: after.index("go1.23.0")]
    assert lockedit.edited(after, lock.artifacts, PATH) == after


def test_an_edit_keeps_line_ends() -> None:
    text = COMMENTED.replace("\n", "\r\n")
    artifacts = sort([*parse(text, PATH), locked("1.23.0")])
    after = lockedit.edited(text, artifacts, PATH)
    assert "\n" not in after.replace("\r\n", "")
    assert parse(after, PATH) == artifacts


def test_what_is_locked_does_not_change() -> None:
    lock = LockFile("x", (locked("1.22.3"),))
    assert lockedit.merge(lock, [locked("1.22.3", sha256="", h1=H1)]).artifacts == (locked("1.22.3", h1=H1),)
    with pytest.raises(IntegrityError, match="locks another sha256 for"):
        lockedit.merge(lock, [locked("1.22.3", sha256="b" * 64)])


def test_a_file_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "gvmpy.lock"
    real.write_text(WHOLE)
    real.chmod(0o664)
    link.symlink_to(real)
    assert lockedit.save(link, sort([*parse(WHOLE, PATH), locked("1.23.0")]))
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o664
    assert len(load_lock(link).artifacts) == 2
    assert not lockedit.save(link, load_lock(link).artifacts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gvmpy.lock", "real"]


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    link, elsewhere = tmp_path / "gvmpy.lock", tmp_path / "elsewhere"
    link.symlink_to(elsewhere)
    with pytest.raises(HostError, match="leads nowhere"):
        lockedit.save(link, (locked("1.23.0"),))
    assert not elsewhere.exists()


def test_git_merges_two_branches_that_lock(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
        return subprocess.check_output(["git", *identity, *arguments], cwd=tmp_path, text=True)

    path = tmp_path / "gvmpy.lock"
    versions = ("1.20.1", "1.21.6", "1.22.3", "1.23.4")

    def commit(branch: str, *artifacts: LockedArtifact) -> None:
        git("checkout", "-q", "-B", branch, *(("main",) if branch != "main" else ()))
        lockedit.save(path, sort([*(load_lock(path).artifacts if path.exists() else ()), *artifacts]))
        git("add", ".")
        git("commit", "-qm", branch)

    git("init", "-q")
    commit("main", *map(locked, versions))
    commit("one", locked("1.20.9", h1=H1), locked("1.22.3", "linux-arm64"))
    commit("two", locked("1.21.9", h1=H1), locked("1.24.0"))
    git("merge", "-q", "one")
    text = path.read_text()
    merged = [item.name for item in load_lock(path).artifacts]
    assert len(merged) == 8
    assert text == lockedit.edited("", load_lock(path).artifacts, path)


_texts = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters='"\\'), max_size=20)
_digests = st.binary(min_size=32, max_size=32)
_entries = st.builds(
    lambda minor, patch, machine, digest, size, h1, one, two: LockedArtifact(
        version := GoVersion.parse(f"1.{minor}.{patch}"),
        platform := Platform.parse(machine),
        archive_name(version, platform),
        digest.hex(),
        size,
        "h1:" + base64.b64encode(h1).decode() if h1 else "",
        one,
        two if h1 else "",
    ),
    st.integers(9, 30),
    st.integers(1, 12),
    st.sampled_from(["linux-amd64", "linux-arm", "windows-386", "darwin-arm64"]),
    _digests,
    st.none() | st.integers(1, 10**11),
    st.none() | _digests,
    _texts,
    _texts,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_entries, max_size=6, unique_by=lambda item: item.name), st.integers(0, 6))
def test_what_is_written_is_read(entries: list[LockedArtifact], first: int) -> None:
    """In one go or in two, in whatever order; and TOML readers see the same."""
    whole = lockedit.edited("", sort(entries), PATH)
    assert parse(whole, PATH) == sort(entries)
    half = lockedit.edited("", sort(entries[:first]), PATH)
    assert lockedit.edited(half, sort(entries), PATH) == whole
    document = tomllib.loads(whole)
    assert document.pop("schema") == 1
    assert document == {item.name: item.facts() for item in entries}


@settings(max_examples=200, deadline=None)
@given(st.text(), st.integers(0, len(WHOLE)), st.integers(0, 3))
def test_junk_is_refused_or_read_and_never_crashes(junk: str, at: int, cut: int) -> None:
    try:
        artifacts = parse(WHOLE[:at] + junk + WHOLE[at + cut :], PATH)
    except UsageError:
        return
    assert all(item.sha256 or item.h1 for item in artifacts)
