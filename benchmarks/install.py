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
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.program import installed_program
from benchmarks.serving import VERSION, Served, serving


@dataclass(frozen=True)
class Way:
    """One way to come by a Go: a command line and the environment it needs besides HOME."""

    name: str
    command: list[str]
    env: dict[str, str]


@dataclass(frozen=True)
class Run:
    """What one run took: wall and CPU seconds of the whole process tree, peak memory of it in MB."""

    wall: float
    cpu: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    runs: int = parser.parse_args().runs
    with installed_program() as program, serving() as served:
        ways = _ways(program, served)
        results: dict[str, list[Run]] = {way.name: [] for way in ways}
        # Watching memory costs time: it has a round of its own, which also warms the caches.
        peaks = {way.name: _measure(way, watch=True).peak for way in ways}
        for _ in range(runs):
            for way in random.sample(ways, len(ways)):
                results[way.name].append(_measure(way, watch=False))
    _print(results, peaks)


def _ways(program: str, served: Served) -> list[Way]:
    gvmpy = {"PATH": "/usr/bin:/bin"}
    archive_url = f"{served.base}/mirror/{served.archive_name}"
    check = f"curl -sSo f {archive_url} && echo '{served.sha256}  f' | sha256sum -c - && tar -xzf f"
    module = f"golang.org/toolchain@{served.module_version}"
    go = shutil.which("go") or "go"
    return [
        Way("curl | sha256sum | tar", ["sh", "-c", check], {"PATH": "/usr/bin:/bin"}),
        Way("gvmpy, archive", [program, "install", VERSION], gvmpy | served.official),
        Way(
            "go mod download",
            [go, "mod", "download", module],
            {
                "PATH": "/usr/bin:/bin",
                "GOPROXY": f"{served.base}/proxy",
                "GOTOOLCHAIN": "local",
                "GOFLAGS": "-modcacherw",
            },
        ),
        Way("gvmpy, module", [program, "install", VERSION], gvmpy | served.goproxy),
    ]


def _measure(way: Way, *, watch: bool) -> Run:
    directory = tempfile.mkdtemp(prefix="gvmpy-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        before = os.times()
        start = time.perf_counter()
        process = subprocess.Popen(
            way.command,
            env={"HOME": directory, **way.env},
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        peak = _watch(process) if watch else 0.0
        process.wait()
        wall = time.perf_counter() - start
        after = os.times()
        if process.returncode != 0:
            stderr = process.stderr.read().decode() if process.stderr else ""
            raise SystemExit(f"{way.name} failed:\n{stderr}")
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return Run(wall, cpu, peak)
    finally:
        shutil.rmtree(directory)


def _watch(process: subprocess.Popen[bytes]) -> float:
    """Wait for `process`; return the peak of its tree's memory in MB, shared pages counted once (PSS)."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_pss(pid) for pid in _tree(process.pid)))
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


def _print(results: dict[str, list[Run]], peaks: dict[str, float]) -> None:
    baselines = {"gvmpy, archive": "curl | sha256sum | tar", "gvmpy, module": "go mod download"}
    print(f"| {'way':24} | wall s | cpu s | peak MB | wall ratio | of |")
    print(f"|{'-' * 26}|-------:|------:|--------:|-----------:|----|")
    for name, runs in results.items():
        wall = statistics.median(run.wall for run in runs)
        cpu = statistics.median(run.cpu for run in runs)
        base = baselines.get(name)
        ratio = "1.00"
        if base:
            pairs = zip(runs, results[base], strict=True)
            ratio = f"{statistics.median(mine.wall / theirs.wall for mine, theirs in pairs):.2f}"
        figures = f"{wall:6.2f} | {cpu:5.2f} | {peaks[name]:7.1f} | {ratio:>10}"
        print(f"| {name:24} | {figures} | {base or 'itself'} |")


if __name__ == "__main__":
    main()
