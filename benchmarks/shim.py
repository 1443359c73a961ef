"""What the shim adds to `go version`, and what `eval "$(gvmpy init -)"` adds to a shell's start.

    python benchmarks/shim.py [--runs 100]

Runs alternate one by one, so both sides see the same machine. The toolchain is a real one, chosen by a
`.go-version` ten directories up.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.program import installed_program
from benchmarks.serving import VERSION, serving

_DEPTH = 10


@dataclass(frozen=True)
class Case:
    """A command beside its baseline, both started the same way."""

    name: str
    command: list[str]
    baseline: list[str]
    env: dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100)
    runs: int = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="gvmpy-bench-") as directory, installed_program() as program:
        home = Path(directory)
        env = {"HOME": directory, "PATH": "/usr/bin:/bin"}
        with serving() as served:
            for command in (["install", VERSION], ["use", VERSION, "--default"]):
                subprocess.run(
                    [program, *command], env=env | served.official, check=True, capture_output=True
                )
        deep = home.joinpath("project", *(str(level) for level in range(_DEPTH)))
        deep.mkdir(parents=True)
        (home / "project" / ".go-version").write_text(f"{VERSION}\n")
        os.chdir(deep)
        _print(_cases(home, program, env), runs)


def _cases(home: Path, program: str, env: dict[str, str]) -> list[Case]:
    root = home / ".gvmpy"
    go = str(root / "versions" / f"go{VERSION}" / "bin" / "go")
    shim = str(root / "shims" / "go")
    version = ["version"]
    chosen = env | {"GVMPY_VERSION": VERSION}
    init = ["sh", "-c", f'eval "$({program} init -)"']
    return [
        Case("shim, .go-version 10 up", [shim, *version], [go, *version], env),
        Case("shim, $GVMPY_VERSION", [shim, *version], [go, *version], chosen),
        Case("links/go/bin/go", [str(root / "links/go/bin/go"), *version], [go, *version], env),
        Case("gvmpy --version", [program, "--version"], [sys.executable, "-I", "-c", "pass"], env),
        Case("eval init -", init, ["sh", "-c", ":"], env),
    ]


def _print(cases: list[Case], runs: int) -> None:
    print(f"| {'what':24} | median ms | baseline ms | added ms | ratio |")
    print(f"|{'-' * 26}|----------:|------------:|---------:|------:|")
    for case in cases:
        mine, theirs = [], []
        for number in range(runs + 3):
            pair = (_time(case.command, case.env), _time(case.baseline, case.env))
            if number >= 3:  # noqa: PLR2004 - the first few warm the caches
                mine.append(pair[0])
                theirs.append(pair[1])
        one, other = statistics.median(mine), statistics.median(theirs)
        added = statistics.median(a - b for a, b in zip(mine, theirs, strict=True))
        print(f"| {case.name:24} | {one:9.2f} | {other:11.2f} | {added:8.2f} | {one / other:5.2f} |")


def _time(command: list[str], env: dict[str, str]) -> float:
    """Return the wall time of one run in milliseconds, from spawn to exit."""
    start = time.perf_counter()
    actions = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    path = command[0] if "/" in command[0] else f"/bin/{command[0]}"
    pid = os.posix_spawn(path, command, env, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    elapsed = (time.perf_counter() - start) * 1000
    if status:
        raise SystemExit(f"{' '.join(command)} failed with {status}")
    return elapsed


if __name__ == "__main__":
    main()
