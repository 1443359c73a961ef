"""Reading netrc as the go command does: its own table, and its own code as the oracle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gvmpy.goenv.netrc import Login, netrc_path, parse_netrc, read_netrc
from gvmpy.goenv.patterns import matches_prefix
from tests.support.realsumdb import RealDatabase, serve_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GO_TEST = """
machine incomplete
password none

machine api.github.com
  login user
  password pwd

machine incomlete.host
  login justlogin

machine test.host
login user2
password pwd2

machine oneline login user3 password pwd3

machine ignore.host macdef ignore
  login nobody
  password nothing

machine hasmacro.too macdef ignore-next-lines login user4 password pwd4
  login nobody
  password nothing

default
login anonymous
password gopher@golang.org

machine after.default
login oops
password too-late-in-file
"""


def parsed(text: str) -> list[tuple[str, str, str]]:
    return [(entry.machine, entry.login, entry.password) for entry in parse_netrc(text)]


def test_the_table_of_gos_own_test() -> None:
    assert parsed(GO_TEST) == [
        ("api.github.com", "user", "pwd"),
        ("test.host", "user2", "pwd2"),
        ("oneline", "user3", "pwd3"),
        ("hasmacro.too", "user4", "pwd4"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("machine a login b password c", [("a", "b", "c")]),
        ("machine a login b password c\r\n", [("a", "b", "c")]),
        ("machine a password c login b", [("a", "b", "c")]),
        ("machine a login b account x password c", [("a", "b", "c")]),
        ("login b password c\nmachine a", []),
        ("machine a login b\nmachine c password d", []),
        ('machine a login "b" password "c d"', [("a", '"b"', '"c')]),
        ("machine a login b password c # tail", [("a", "b", "c")]),
        ("# machine a login b password c", []),
        ("default login b password c\nmachine a login b password c", [("a", "b", "c")]),
        ("default\nmachine a login b password c", []),
        ("macdef x\nmachine a login b password c\n\nmachine d login e password f", [("d", "e", "f")]),
        ("macdef x\n \nmachine a login b password c", []),
        ("macdef\nmachine a login b password c", [("a", "b", "c")]),
        ("machine a login b password c\nmachine a login d password e", [("a", "b", "c"), ("a", "d", "e")]),
        ("", []),
    ],
)
def test_odd_ones(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert parsed(text) == expected


def test_no_password_in_a_representation() -> None:
    assert "hunter2" not in repr(Login("a", "ada", "hunter2"))


class TestFile:
    def test_where(self) -> None:
        assert str(netrc_path({"HOME": "/h", "NETRC": "/n"})) == "/n"
        assert str(netrc_path({"HOME": "/h", "NETRC": ""})) == "/h/.netrc"
        assert netrc_path({}) is None

    def test_none(self, tmp_path: Path) -> None:
        assert read_netrc({"HOME": str(tmp_path)}) == ()
        assert read_netrc({}) == ()

    def test_one_that_others_may_read(self, tmp_path: Path) -> None:
        """Python's own reader refuses such a file, go does not."""
        (tmp_path / ".netrc").write_bytes(b"machine a login b password \xff\n")
        (tmp_path / ".netrc").chmod(0o644)
        assert read_netrc({"HOME": str(tmp_path)}) == (Login("a", "b", "\udcff"),)

    def test_one_that_is_no_file(self, tmp_path: Path) -> None:
        (tmp_path / ".netrc").mkdir()
        with pytest.raises(OSError, match="directory"):
            read_netrc({"HOME": str(tmp_path)})

    def test_a_fifo_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / ".netrc")
        assert read_netrc({"HOME": str(tmp_path)}) == ()


@pytest.fixture(scope="module")
def go() -> Iterator[RealDatabase]:
    """Go's own code: parseNetrc of a real toolchain, MatchPrefixPatterns of x/mod."""
    with serve_database(1, {}) as running:
        yield running


WORDS = st.sampled_from(["machine", "login", "password", "default", "macdef", "account", "a", "b", "#", "é"])
BLANKS = st.sampled_from([" ", "  ", "\t", "\n", "\n\n", "\r\n", "\x0b", "\x1c", "\x85", "\u2003", "\u200b"])
TEXTS = st.lists(WORDS | BLANKS, max_size=40).map("".join) | st.lists(WORDS, max_size=30).map(" ".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS | st.text(max_size=30))
@example(text=GO_TEST)
@example(text="machine a login b password c default\nmachine d login e password f")
@example(text="machine default login default password default\ndefault default\nmachine a login b password c")
def test_go_reads_the_same(go: RealDatabase, text: str) -> None:
    assert [list(entry) for entry in parsed(text)] == go.ask("/netrc", {"Text": text})


PATTERNS = [
    *("", "*", "golang.org", "golang.org/", "golang.org/toolchain", "golang.org/toolchain/", "golang.org/*"),
    *("*/*", "*/toolchain", "*.org", "*.com", "golang.org/toolchain/x", "golang.org/tool", "golang.org/t*l"),
    *(
        "golang.org/tool*",
        "g?lang.org",
        "g[a-z]lang.org",
        "g[^a-z]lang.org",
        "[gx]olang.org/t*",
        "*.a,golang.*",
    ),
    *("golang\\.org", ",,", "a,b,*", "golang.org/[", "golang.org/\\", "[]a]olang.org", "GOLANG.ORG", "none"),
    *(
        "**",
        "golang.or*g",
        "*g*",
        "*/*/*",
        "golang.org//",
        "/golang.org",
        "go[k-m]ang.org",
        "g[\\]o]lang.org",
    ),
]


@pytest.mark.parametrize("patterns", PATTERNS)
def test_go_matches_the_same(go: RealDatabase, patterns: str) -> None:
    for path in ("golang.org/toolchain", "golang.org", "example.com/a/b"):
        assert matches_prefix(patterns, path) is go.ask("/match", {"Patterns": patterns, "Path": path})
