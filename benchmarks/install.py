"""How long an installation takes, and how much memory, against the tools everybody has.

    python benchmarks/install.py [--runs 7]

Each round runs every way once, in shuffled order, from one loopback server into fresh directories on
tmpfs, so that neither the network, nor the disk, nor a slower quarter of an hour favours anybody:

- a release archive: `gvmpy install` against `curl -o f && sha256sum -c && tar -xzf f`
- a toolchain module: `gvmpy install` against `go mod download golang.org/toolchain@V`, module cache empty
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import Command, Running, Sample, print_table, start
from benchmarks.program import PATH, installed_program, memory_directory
from benchmarks.serving import VERSION, Served, serving


@dataclass(frozen=True)
class Way:
    """One way to come by a Go: a command line and the environment it needs besides HOME.

    `base` is the name of the way it is compared with, None for the way that others are compared with.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    base: str | None = None


@dataclass(frozen=True)
class Run:
    """What one run took, and the peak memory of its whole process tree in MB."""

    took: Sample
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--what", choices=("archive", "module", "both"), default="both")
    parser.add_argument("--quickly", action="store_true", help="an archive by gzip -1: nothing to compress")
    parser.add_argument("--program", help="this gvmpy, instead of one newly installed")
    options = parser.parse_args()
    with installed_program(options.program) as program, serving(quickly=options.quickly) as served:
        ways = _archive_ways(program, served) if options.what != "module" else []
        ways += _module_ways(program, served) if options.what != "archive" else []
        results: dict[str, list[Run]] = {way.name: [] for way in ways}
        # Watching memory costs time: it has a round of its own, which also warms the caches.
        peaks = {way.name: _measure(way, watch=True).peak for way in ways}
        for _ in range(options.runs):
            for way in random.sample(ways, len(ways)):
                results[way.name].append(_measure(way, watch=False))
    _print(ways, results, peaks)


def _archive_ways(program: str, served: Served) -> list[Way]:
    url = f"{served.base}/mirror/{served.archive_name}"
    check = f"curl -sSo f {url} && echo '{served.sha256}  f' | sha256sum -c - && tar -xzf f"
    tools = Way("curl, sha256sum, tar", ["/bin/sh", "-c", check], {"PATH": PATH})
    env = {"PATH": PATH, **served.official}
    return [tools, Way("gvmpy, archive", [program, "install", VERSION], env, tools.name)]


def _module_ways(program: str, served: Served) -> list[Way]:
    go = shutil.which("go")
    if not go:
        print("not measured: modules: no `go` is on PATH to compare with")
        return []
    module = f"golang.org/toolchain@{served.module_version}"
    proxy = {"PATH": PATH, "GOPROXY": f"{served.base}/proxy"}
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw"}
    download = Way("go mod download", [go, "mod", "download", module], proxy | settings)
    env = {"PATH": PATH, **served.goproxy}
    return [download, Way("gvmpy, module", [program, "install", VERSION], env, download.name)]


def _measure(way: Way, *, watch: bool) -> Run:
    directory = tempfile.mkdtemp(prefix="gvmpy-bench-", dir=memory_directory())
    try:
        running = start(Command(way.command, {"HOME": directory, **way.env}, directory))
        peak = _watch(running) if watch else 0.0
        return Run(running.finish(), peak)
    finally:
        shutil.rmtree(directory)


def _watch(running: Running) -> float:
    """Wait for the end; return the peak of the tree's memory in MB, shared pages counted once (PSS)."""
    peak = 0
    while not running.is_over():
        peak = max(peak, sum(_pss(pid) for pid in _tree(running.pid)))
        time.sleep(0.02)
    return peak / 1000


def _tree(root: int) -> list[int]:
    """Return `root` and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def _pss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as stream:
            return next((int(line.split()[1]) for line in stream if line.startswith("Pss:")), 0)
    except OSError:
        return 0


def _print(ways: list[Way], results: dict[str, list[Run]], peaks: dict[str, float]) -> None:
    lines = []
    for way in ways:
        theirs_too = zip(results[way.name], results[way.base or way.name], strict=True)
        pairs = [(mine.took, theirs.took) for mine, theirs in theirs_too]
        figures = [
            statistics.median(mine.wall for mine, _ in pairs),
            statistics.median(mine.cpu for mine, _ in pairs),
            statistics.median(mine.wall / theirs.wall for mine, theirs in pairs),
            statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs),
        ]
        texts = [f"{figure:.2f}" for figure in figures]
        lines.append([way.name, *texts, f"{peaks[way.name]:.1f}", way.base or "itself"])
    print_table(["way", "wall s", "cpu s", "wall ratio", "cpu ratio", "peak MB", "of"], lines)


if __name__ == "__main__":
    main()
