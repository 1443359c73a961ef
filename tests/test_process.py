from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import HostError
from gvmpy.process import Finished, run_bounded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENV = {"PATH": os.defpath}


def run(
    script: str, *, seconds: float = 60, most: int = 1 << 20, tick: Callable[[], None] = lambda: None
) -> Finished:
    return run_bounded(["/bin/sh", "-c", script], environ=ENV, seconds=seconds, most_output=most, tick=tick)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ended(pid: int) -> bool:
    """Whether the process ends, for which the kernel may take a moment."""
    for _ in range(500):
        if not is_running(pid):
            return True
        time.sleep(0.01)
    return False


def test_it_returns_both_outputs_and_the_status() -> None:
    found = run("echo out; echo err >&2; exit 3")
    assert found == Finished(3, b"out\n", b"err\n", overlong=False)


def test_there_is_no_input_and_no_terminal() -> None:
    assert run("cat; test -t 0 || echo none").stdout == b"none\n"


def test_output_beyond_the_bound_ends_it() -> None:
    found = run("yes", most=1 << 16)
    assert found.overlong
    assert len(found.stdout) <= (1 << 16) * 3
    assert found.status < 0


def test_time_beyond_the_bound_ends_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(HostError, match="`sh` took too long and was ended"):
        run(f"sleep 300 & echo $! $$ >{pids}.new; mv {pids}.new {pids}; wait", seconds=1)
    assert all(ended(int(pid)) for pid in pids.read_text().split())


def test_what_closes_its_outputs_and_stays_is_ended(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="took too long"):
        run("exec >/dev/null 2>&1; exec sleep 300", seconds=1)


def test_what_a_tick_raises_ends_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def give_up() -> None:
        if pid.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 300", tick=give_up)
    assert ended(int(pid.read_text()))


def test_a_file_beyond_the_bound_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    run_bounded(
        # The limit is set from outside, a moment after the start.
        ["/bin/sh", "-c", f"sleep 0.5; trap '' XFSZ; head -c 100000 /dev/zero >{file}"],
        environ=ENV,
        seconds=60,
        most_output=1 << 16,
        most_file=1 << 12,
    )
    assert file.stat().st_size == 1 << 12


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(HostError, match="cannot run `/nonexistent/gpg`"):
        run_bounded(["/nonexistent/gpg"], environ=ENV, seconds=1, most_output=1)
