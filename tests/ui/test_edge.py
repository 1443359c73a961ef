"""Results and errors become output and an exit code in one place."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy import errors
from gvmpy.errors import GvmpyError, IntegrityError, NetworkError
from gvmpy.ui.edge import answer
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = ["schema", "command", "status", "exit_code", "data", "errors"]


def raising(error: BaseException) -> Callable[[], Result]:
    def work() -> Result:
        raise error

    return work


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("UsageError", 2, "usage"),
        ("NoSuchVersionError", 3, "no-such-version"),
        ("NetworkError", 4, "network"),
        ("IntegrityError", 5, "integrity"),
        ("HostError", 6, "environment"),
        ("NotInstalledError", 127, "not-installed"),
    ],
)
def test_exit_codes_are_a_promise(
    capsys: pytest.CaptureFixture[str], name: str, code: int, kind: str
) -> None:
    error = getattr(errors, name)("it went wrong", hint="gvmpy list", details=("one", "two"))
    assert answer("x", raising(error), as_json=False) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: it went wrong\n  one\n  two\nhint: gvmpy list\n"
    assert answer("x", raising(error), as_json=True) == code
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out) == {
        "schema": 1,
        "command": "x",
        "status": "error",
        "exit_code": code,
        "data": None,
        "errors": [
            {"kind": kind, "message": "it went wrong", "details": ["one", "two"], "hint": "gvmpy list"}
        ],
    }


def test_data_on_stdout_and_talk_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    result = Result(data={"a": 1}, text="the answer", notes=("note: by the way",))
    assert answer("x", lambda: result, as_json=False) == 0
    assert tuple(capsys.readouterr()) == ("the answer\n", "note: by the way\n")


def test_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer("x", Result, as_json=False) == 0
    assert tuple(capsys.readouterr()) == ("", "")


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (Result(data=[1]), "ok"),
        (Result(exit_code=1), "no"),
        (Result(exit_code=4, errors=(NetworkError("down"),)), "error"),
    ],
)
def test_envelope(capsys: pytest.CaptureFixture[str], result: Result, status: str) -> None:
    assert answer("list", lambda: result, as_json=True) == result.exit_code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(document) == KEYS
    assert (document["schema"], document["command"], document["status"]) == (1, "list", status)
    assert (document["exit_code"], document["data"]) == (result.exit_code, result.data)
    assert len(document["errors"]) == len(result.errors)


def test_partial_success_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    result = Result(text="installed one", exit_code=5, errors=(IntegrityError("two is forged"),))
    assert answer("install", lambda: result, as_json=False) == 5
    assert tuple(capsys.readouterr()) == ("installed one\n", "error: two is forged\n")


def test_hostile_texts_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    error = GvmpyError("\x1b[2Jgone", hint="\x07", details=("\x9b1m",))
    answer("x", raising(error), as_json=False)
    answer("x", lambda: Result(notes=("\x1b]0;title\x07",)), as_json=False)
    shown = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b"} & set(shown.err)


def test_hostile_texts_in_json_stay_json(capsys: pytest.CaptureFixture[str]) -> None:
    error = GvmpyError("\x1b[2J\udcff")
    answer("x", raising(error), as_json=True)
    shown = capsys.readouterr().out
    assert json.loads(shown)["errors"][0]["message"] == "\x1b[2J\udcff"
    assert "\x1b" not in shown


def test_what_the_system_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer("x", raising(PermissionError(13, "Permission denied", "/a/b")), as_json=False) == 6
    assert capsys.readouterr().err == "error: the system refused `/a/b`: Permission denied\n"
    assert answer("x", raising(OSError("strange")), as_json=False) == 6
    assert capsys.readouterr().err == "error: the system refused: strange\n"


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer("x", raising(KeyboardInterrupt()), as_json=False) == 130
    assert tuple(capsys.readouterr()) == ("", "\ninterrupted\n")


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        answer("x", raising(ZeroDivisionError()), as_json=False)


ANSWER = """
from gvmpy.ui.edge import answer
from gvmpy.ui.result import Result
import sys
text = "caf\\udce9 \\u20ac"
raise SystemExit(answer("x", lambda: Result(text=text, data=text), as_json=sys.argv[1:] == ["--json"]))
"""


@pytest.mark.parametrize("option", [[], ["--json"]])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8:strict", "latin-1"])
def test_texts_the_terminal_cannot_show(encoding: str, option: list[str]) -> None:
    """A path that is no UTF-8, or a locale without it, is no reason for a traceback."""
    result = subprocess.run(
        [sys.executable, "-c", ANSWER, *option],
        env={"PYTHONIOENCODING": encoding, "PATH": ""},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert result.stderr == b""
    assert result.returncode == 0
    assert result.stdout


@pytest.mark.parametrize(
    ("redirection", "code", "words"),
    [
        (">/dev/full", 6, "error: the system refused: No space left on device\n"),
        (">&-", 6, "error: the system refused: Bad file descriptor\n"),
    ],
)
def test_stdout_that_takes_nothing(redirection: str, code: int, words: str) -> None:
    result = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {redirection}', sys.executable, "-c", ANSWER],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (code, words)
