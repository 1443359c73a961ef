"""What the benchmarks of the shim and of the start have in common: options, a prepared gvmpy, its peers."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import measure, print_rows
from benchmarks.peers import Peers, find_peers
from benchmarks.program import Prepared, installed_program, memory_directory, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measure import Row


@dataclass(frozen=True)
class Session:
    """A gvmpy to measure, the other managers to measure beside it, and how often."""

    made: Prepared
    peers: Peers
    runs: int

    def show(self, rows: Sequence[Row]) -> None:
        """Measure `rows` and print the table."""
        print_rows(measure(list(rows), self.runs))


@contextlib.contextmanager
def session(about: str, *, runs: int) -> Iterator[Session]:
    """Read the command line and set everything up; `about` is the script's docstring, `runs` the default."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--peers", action="store_true", help="other managers too, fetched from npm and Go")
    parser.add_argument("--program", help="this gvmpy, instead of one newly installed")
    options = parser.parse_args()
    with (
        installed_program(options.program) as program,
        prepared(program) as made,
        tempfile.TemporaryDirectory(prefix="gvmpy-bench-", dir=memory_directory()) as scratch,
    ):
        peers = find_peers(made, Path(scratch)) if options.peers else Peers()
        yield Session(made, peers, options.runs)
    peers.print_notes()
