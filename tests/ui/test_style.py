from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.ui.style import paint, printable
from gvmpy.ui.tables import table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestPaint:
    @pytest.fixture(autouse=True)
    def _plain_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("NO_COLOR", "TERM"):
            monkeypatch.delenv(variable, raising=False)

    def test_on_a_terminal(self) -> None:
        assert paint("error:", "red", Terminal()) == "\x1b[31merror:\x1b[0m"

    def test_not_into_a_pipe(self) -> None:
        assert paint("error:", "red", io.StringIO()) == "error:"

    @pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("NO_COLOR", "0"), ("TERM", "dumb")])
    def test_not_where_unwanted(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        assert paint("error:", "red", Terminal()) == "error:"

    def test_an_empty_no_color_counts_as_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As https://no-color.org has it: present and not an empty string."""
        monkeypatch.setenv("NO_COLOR", "")
        assert paint("x", "red", Terminal()) != "x"


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain text", "plain text"),
            ("f\u00fcr \u65e5\u672c", "f\u00fcr \u65e5\u672c"),
            ("two\nlines", "two\nlines"),
            ("\x1b[31m", "\\x1b[31m"),
            ("a\rb\tc\0", "a\\rb\\tc\\x00"),
            ("\u202egpj.exe", "\\u202egpj.exe"),
            ("\x9b31m", "\\x9b31m"),
            ("\udcff", "\\udcff"),
            ("\U000e0041", "\\U000e0041"),
        ],
    )
    def test_control_characters_are_spelled_out(self, text: str, shown: str) -> None:
        assert printable(text) == shown

    @given(st.text())
    def test_always_safe_and_encodable(self, text: str) -> None:
        shown = printable(text)
        assert all(character.isprintable() or character == "\n" for character in shown)
        shown.encode("utf-8")


class TestTable:
    def test_columns(self) -> None:
        text = table(("", "VERSION", "FROM"), [("*", "1.22.3", "goproxy"), ("", "1.21", "")])
        assert text == "   VERSION  FROM\n*  1.22.3   goproxy\n   1.21"

    def test_only_a_header(self) -> None:
        assert table(("A", "B"), []) == "A  B"
