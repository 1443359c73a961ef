"""What the shim adds to `go version`, whatever it has to read to know which `go` is meant.

    python benchmarks/shim.py [--runs 100] [--peers]

Each row stands beside the chosen binary itself, run in the same directory with the same environment. The
first row is the floor: a script that does nothing but exec. With --peers, other managers choose the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measure import Command, Proof, Row
from benchmarks.program import CHOSEN, DEFAULT
from benchmarks.session import session

if TYPE_CHECKING:
    from benchmarks.peers import Peers
    from benchmarks.program import Prepared

_DEEP = 10
_REFERENCE = f"shim, .go-version, depth {_DEEP}"


def main() -> None:
    with session(__doc__, runs=100) as here:
        here.show(_rows(here.made) + _peer_rows(here.made, here.peers))


def _rows(made: Prepared) -> list[Row]:
    """Return gvmpy's rows: every source of a choice that the shim knows."""
    module = "module example.com/m\n\ngo 1.22\n\ntoolchain go1.22.3\n"
    sources = [
        (".go-version, depth 1", {".go-version": f"{CHOSEN}\n"}, 1),
        (f".go-version, depth {_DEEP}", {".go-version": f"{CHOSEN}\n"}, _DEEP),
        ("prefix `1.22`, depth 1", {".go-version": "1.22\n"}, 1),
        (".tool-versions, depth 1", {".tool-versions": f"golang {CHOSEN}\n"}, 1),
        ("go.mod, depth 1", {"go.mod": module}, 1),
        (f"go.mod, depth {_DEEP}", {"go.mod": module}, _DEEP),
        (f"go.work, depth {_DEEP}", {"go.work": "go 1.22\n\ntoolchain go1.22.3\n"}, _DEEP),
    ]
    shim = str(made.root / "shims" / "go")
    rows = [
        _row(made, f"shim, {name}", shim, made.directory(f"source-{number}", files, depth=depth))
        for number, (name, files, depth) in enumerate(sources)
    ]
    empty = made.directory("empty", {}, depth=_DEEP)
    return [
        _row(made, "a script that only execs", _floor(made), empty),
        *rows,
        _row(made, "shim, $GVMPY_VERSION", shim, empty, env={"GVMPY_VERSION": CHOSEN}),
        _row(made, f"shim, default, depth {_DEEP}", shim, empty, version=DEFAULT),
        _row(made, f"shims/go{CHOSEN}", str(made.root / "shims" / f"go{CHOSEN}"), empty),
        _row(made, "links/go/bin/go", str(made.root / "links/go/bin/go"), empty, version=DEFAULT),
    ]


def _row(
    made: Prepared,
    name: str,
    program: str,
    directory: str,
    *,
    version: str = CHOSEN,
    env: dict[str, str] | None = None,
    times: str = "",
) -> Row:
    """Return the row of `program version` beside the binary of `version`, which `program` has to choose."""
    whole = {**made.env, **(env or {})}
    command = Command((program, "version"), whole, directory)
    binary = Command((str(made.goroot(version) / "bin" / "go"), "version"), whole, directory)
    # Not by the go command's own switch, which would come to the same version later.
    proof = Command(command.arguments, {"GOTOOLCHAIN": "local", **whole}, directory)
    return Row(name, command, binary, "the binary", Proof(proof, f"go version go{version} "), times=times)


def _floor(made: Prepared) -> str:
    path = made.home / "floor"
    path.write_text(f'#!/bin/sh\nexec {made.goroot(CHOSEN)}/bin/go "$@"\n')
    path.chmod(0o755)
    return str(path)


def _peer_rows(made: Prepared, peers: Peers) -> list[Row]:
    rows = []
    for number, peer in enumerate(peers.found):
        if peer.shim:
            directory = made.directory(f"peer-{number}", peer.pin, depth=_DEEP)
            name = f"{peer.name}, depth {_DEEP}" if peer.pin else peer.name
            rows.append(_row(made, name, peer.shim, directory, env=dict(peer.env), times=_REFERENCE))
    return rows


if __name__ == "__main__":
    main()
