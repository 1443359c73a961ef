"""Go's settings file: single lines changed, everything else left to the byte."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.errors import HostError
from gvmpy.goenv.envfile import EnvFile, EnvLine, env_file_path, read_env_file, replace_env_file

LINES = st.lists(
    st.sampled_from(
        [
            "",
            "# c",
            "GOPROXY=a",
            "GOPROXY=",
            "GOSUMDB=off\r",
            " GOPROXY=x",
            "export A=b",
            "Q=\udcff",
            "=",
            "Z",
        ]
    ),
    max_size=8,
)


def test_what_counts_as_a_line() -> None:
    file = EnvFile("# GOA=1\nGOB=1\n GOC=1\nexport GOD=1\nGOE\nGOB=2=3\r\ngof=1\nGOG=")
    assert file.lines == (
        EnvLine("GOB", "1", 2),
        EnvLine("GOB", "2=3\r", 6),
        EnvLine("GOG", "", 8),
    )
    assert file.get("GOB") == EnvLine("GOB", "2=3\r", 6)
    assert file.get("GOA") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "GOX=v\n"),
        ("A=1\n", "A=1\nGOX=v\n"),
        ("A=1", "A=1\nGOX=v\n"),
        ("GOX=1\nA=1\nGOX=2\n# end\n", "GOX=1\nA=1\nGOX=v\n# end\n"),
        ("GOX=1", "GOX=v"),
        ("\n\n", "\n\nGOX=v\n"),
    ],
)
def test_a_value_is_set(before: str, after: str) -> None:
    assert EnvFile(before).with_values({"GOX": "v"}).text == after


def test_a_value_is_taken_out_wherever_it_stands() -> None:
    file = EnvFile("GOX=1\n# c\nGOX=2\nA=1").with_values({"GOX": None, "GOY": None, "B": "2"})
    assert file.text == "# c\nA=1\nB=2\n"


@given(LINES, st.booleans())
def test_only_the_line_meant_changes(lines: list[str], final: bool) -> None:
    text = "\n".join(lines) + "\n" * final
    file = EnvFile(text).with_values({"GOPROXY": "new"})
    line = file.get("GOPROXY")
    assert line is not None
    assert line.value == "new"
    rows, others = file.text.split("\n"), text.split("\n")
    del rows[line.number - 1]
    old = EnvFile(text).get("GOPROXY")
    if old is not None:
        del others[old.number - 1]
    assert [row for row in rows if row] == [row for row in others if row]


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/h"}, "/h/.config/go/env"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/go/env"),
        ({"HOME": "/h", "GOENV": "/e"}, "/e"),
        ({"HOME": "/h", "GOENV": "off"}, None),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "x"}, None),
        ({}, None),
    ],
)
def test_where_it_is(environ: dict[str, str], path: str | None) -> None:
    assert env_file_path(environ) == (Path(path) if path else None)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / "none") == EnvFile()
    assert read_env_file(tmp_path / "none" / "below") == EnvFile()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * ((1 << 20) + 1))
    for name, said in (("pipe", "not a regular"), (".", "not a regular"), ("large", "more than")):
        with pytest.raises(HostError, match=said):
            read_env_file(tmp_path / name)


class TestReplacing:
    def test_through_a_link_with_mode_and_nothing_left(self, tmp_path: Path) -> None:
        real = tmp_path / "dotfiles" / "env"
        real.parent.mkdir()
        real.write_text("A=1\n")
        link = tmp_path / "env"
        link.symlink_to(real)
        replace_env_file(link, EnvFile("A=1\n"), EnvFile("A=2\n"), mode=0o640)
        assert link.is_symlink()
        assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == ("A=2\n", 0o640)
        assert list(real.parent.iterdir()) == [real]
        replace_env_file(link, EnvFile("A=2\n"), None, mode=0o640)
        assert not real.exists()
        assert link.is_symlink()
        replace_env_file(link, EnvFile(), EnvFile("B=1\n"), mode=0o600)
        assert real.read_text() == "B=1\n"

    def test_not_over_somebody_elses_change(self, tmp_path: Path) -> None:
        path = tmp_path / "env"
        path.write_text("A=2\n")
        with pytest.raises(HostError, match="in the meantime"):
            replace_env_file(path, EnvFile("A=1\n"), EnvFile("A=3\n"), mode=0o600)
        assert path.read_text() == "A=2\n"
        assert list(tmp_path.iterdir()) == [path]

    def test_not_where_a_rename_does_more(self, tmp_path: Path) -> None:
        path = tmp_path / "env"
        path.write_text("A=1\n")
        (tmp_path / "second").hardlink_to(path)
        with pytest.raises(HostError, match="has 2 names"):
            replace_env_file(path, EnvFile("A=1\n"), EnvFile(), mode=0o600)
        (tmp_path / "second").unlink()
        path.chmod(0o444)
        with pytest.raises(HostError, match="read-only"):
            replace_env_file(path, EnvFile("A=1\n"), EnvFile(), mode=0o600)
        assert path.read_text() == "A=1\n"
