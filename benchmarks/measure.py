"""Measuring whole processes: CPU and wall time of a command and all it starts, beside a baseline.

CPU time is what the kernel booked on the process and on every descendant that was waited for. On a machine
that others use as well it moves by a few per cent where wall time doubles, so ratios are made of it. Each
command and its baseline run one right after the other, either first, rows in an order shuffled anew each
round: whatever slows the machine for a while slows all alike.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_WARM_UP = 2
_MILLI = 1000


@dataclass(frozen=True)
class Command:
    """What is run: the arguments, the first an absolute path; all of the environment; the directory."""

    arguments: Sequence[str]
    env: Mapping[str, str]
    directory: str = "/"

    def missing(self) -> str | None:
        """Return the program when it does not exist."""
        return None if os.access(self.arguments[0], os.X_OK) else self.arguments[0]


@dataclass(frozen=True)
class Sample:
    """What one run took, in seconds: wall from start to exit, CPU as user and system time of the tree."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Proof:
    """A command whose output shows that a row measures what its name says: `text` must be in its stdout."""

    command: Command
    text: str


@dataclass(frozen=True)
class Row:
    """A command beside its baseline; `of` says in words what the baseline is.

    `needs` are files without which the row means nothing. The rows of others name in `times` the row in which
    gvmpy does the same; they are compared by what both add to their baselines, or, where `whole`, by all they
    take: what a command adds to a shell that does nothing may be too little to divide by.
    """

    name: str
    command: Command
    baseline: Command
    of: str
    proof: Proof | None = None
    needs: Sequence[str] = field(default=())
    times: str = ""
    whole: bool = False


@dataclass(frozen=True)
class Measured:
    """Pairs of samples, the command's and its baseline's, one a round; or why there are none."""

    row: Row
    pairs: Sequence[tuple[Sample, Sample]] = field(default=())
    absent: str = ""

    def median(self, figure: Callable[[Sample, Sample], float]) -> float:
        """Return the median of `figure` over all pairs."""
        return statistics.median(figure(mine, theirs) for mine, theirs in self.pairs)

    @property
    def cpu(self) -> float:
        """The CPU that the command takes, in seconds."""
        return self.median(lambda mine, _: mine.cpu)

    @property
    def added(self) -> float:
        """The CPU that the command takes beyond its baseline, in seconds."""
        return self.median(lambda mine, theirs: mine.cpu - theirs.cpu)


@dataclass(frozen=True)
class Running:
    """A command that was started, and is to be finished."""

    command: Command
    pid: int
    began: float
    talk: BinaryIO

    def is_over(self) -> bool:
        """Tell whether the process has ended, and leave it to be finished."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def finish(self) -> Sample:
        """Wait for the end. Exits with what the command said on stderr when it failed."""
        _, status, usage = os.wait4(self.pid, 0)
        wall = time.perf_counter() - self.began
        with self.talk as talk:
            if status:
                talk.seek(0)
                said = talk.read().decode(errors="replace")
                code = os.waitstatus_to_exitcode(status)
                raise SystemExit(f"`{' '.join(self.command.arguments)}` failed with {code}:\n{said}")
        return Sample(wall, usage.ru_utime + usage.ru_stime)


def start(command: Command) -> Running:
    """Start `command`, its output thrown away, by posix_spawn: a fork would copy this process's tables."""
    talk = tempfile.TemporaryFile()  # noqa: SIM115 - Running.finish closes it
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, talk.fileno(), 2),
    ]
    with contextlib.chdir(command.directory):  # posix_spawn knows no directory
        began = time.perf_counter()
        pid = os.posix_spawn(command.arguments[0], list(command.arguments), command.env, file_actions=actions)
    return Running(command, pid, began, talk)


def run(command: Command) -> Sample:
    """Run `command` once."""
    return start(command).finish()


def measure(rows: Sequence[Row], runs: int) -> list[Measured]:
    """Measure all rows, interleaved; those that do not work as their name says come back with the reason."""
    absent = {row.name: _why_not(row) for row in rows}
    present = [row for row in rows if not absent[row.name]]
    pairs: dict[str, list[tuple[Sample, Sample]]] = {row.name: [] for row in rows}
    for row in present:
        for _ in range(_WARM_UP):
            run(row.baseline)
            run(row.command)
    for _ in range(runs):
        for row in random.sample(present, len(present)):
            # Whoever comes second finds the caches warm.
            order = random.sample((True, False), 2)
            took = {mine: run(row.command if mine else row.baseline) for mine in order}
            pairs[row.name].append((took[True], took[False]))
    return [Measured(row, pairs[row.name], absent[row.name]) for row in rows]


def _why_not(row: Row) -> str:
    missing = [path for path in row.needs if not os.path.exists(path)]
    missing += filter(None, (row.command.missing(), row.baseline.missing()))
    if missing:
        home = row.command.env.get("HOME", "~")
        return f"`{missing[0].replace(home, '~')}` does not exist"
    if row.proof is None:
        return ""
    command = row.proof.command
    done = subprocess.run(
        command.arguments,
        env=command.env,
        cwd=command.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        return f"exit code {done.returncode}: {_last_line(done.stderr)}"
    if row.proof.text not in done.stdout:
        return f"answers `{_last_line(done.stdout)}`, not `{row.proof.text}`"
    return ""


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def print_rows(measured: Sequence[Measured]) -> None:
    """Print a table of milliseconds, with the ratio of the CPU times; below it, why a row has no figures."""
    with_times = any(one.row.times for one in measured)
    headings = ["what", "cpu ms", "added", "ratio", "wall ms", "added", "of"]
    if with_times:
        headings.append("times gvmpy's")
    by_name = {one.row.name: one for one in measured}
    lines = []
    for one in measured:
        figures = _figures(one) if one.pairs else ["-"] * 5
        times = [_times(one, by_name.get(one.row.times))] if with_times else []
        lines.append([one.row.name, *figures, one.row.of, *times])
    print_table(headings, lines)
    for reason in dict.fromkeys(one.absent for one in measured if one.absent):
        names = ", ".join(f"`{one.row.name}`" for one in measured if one.absent == reason)
        print(f"no figures for {names}: {reason}")


def _figures(one: Measured) -> list[str]:
    wall = one.median(lambda mine, _: mine.wall)
    ratio = one.median(lambda mine, theirs: mine.cpu / theirs.cpu)
    added_wall = one.median(lambda mine, theirs: mine.wall - theirs.wall)
    millis = [f"{seconds * _MILLI:.2f}" for seconds in (one.cpu, one.added, wall, added_wall)]
    return [*millis[:2], f"{ratio:.2f}", *millis[2:]]


def _times(one: Measured, reference: Measured | None) -> str:
    """Return how many times as much as gvmpy's row this one takes."""
    if not one.pairs or reference is None or not reference.pairs:
        return "-" if one.row.times else ""
    mine, theirs = (one.cpu, reference.cpu) if one.row.whole else (one.added, reference.added)
    return f"{mine / theirs:.1f} x {reference.row.name}" if theirs > 0 else "-"


def print_table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table; a column whose every cell is a number or a dash is set flush right."""
    columns = list(zip(headings, *lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numbers = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    rule = ("-" * (w + 1) + (":" if n else "-") for w, n in zip(widths, numbers, strict=True))
    body = [
        "|".join(f" {c:>{w}} " if n else f" {c:<{w}} " for c, w, n in zip(line, widths, numbers, strict=True))
        for line in (headings, *lines)
    ]
    for text in (body[0], "|".join(rule), *body[1:]):
        print(f"|{text}|")


def _is_number(cell: str) -> bool:
    return cell == "-" or cell.lstrip("-").replace(".", "", 1).isdigit()
