"""A checksum database run by the Go project's own code (golang.org/x/mod/sumdb), and other answers of Go's.

The program is built by a toolchain of the suite's own, whose vendored x/mod and netrc reader it takes, and is
kept between runs. No Go on the machine is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvmpy.errors import NetworkError
from gvmpy.install.unpack import Budget, unpack_toolchain_zip
from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.trust.sumdb import MissingError
from tests.support.toolchains import CACHE, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gvmpy.trust.sumdb import Fetch

GO = "1.25.5"
NAME = "sums.example.com"
_SOURCE = Path(__file__).with_name("sumdbserver") / "main.go"
_MOD = f"""module sumdbserver

go {GO}

require golang.org/x/mod v0.0.0

replace golang.org/x/mod => ./xmod
"""


@dataclass(frozen=True)
class RealDatabase:
    """Two databases with one key and a common past: BASE/main and BASE/fork, each with a relay's paths."""

    base: str
    vkey: str

    def proxy(self, branch: str = "main") -> str:
        return f"{self.base}/{branch}"

    def fetch(self, branch: str = "main") -> Fetch:
        def get(path: str, limit: int) -> bytes:
            status, body = self.read(f"/{branch}/sumdb/{NAME}{path}")
            if status == 404:
                raise MissingError(f"{path} answered 404")
            if status != 200 or len(body) > limit:
                raise NetworkError(f"{path} answered {status}")
            return body

        return get

    def grow(self, name: str, count: int, branch: str = "main") -> None:
        assert self.read(f"/{branch}/grow?name={name}&count={count}")[0] == 200

    def ask(self, path: str, question: Any) -> Any:
        status, body = self.read(path, json.dumps(question).encode())
        assert status == 200, body
        return json.loads(body)

    def read(self, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.base + path, data, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@contextlib.contextmanager
def serve_database(size: int, records: Mapping[str, str]) -> Iterator[RealDatabase]:
    """Run the server with `size` common records, and the text of those in `records` given."""
    with tempfile.TemporaryDirectory() as scratch:
        listing = Path(scratch, "records.json")
        listing.write_text(json.dumps(records))
        command = [str(_program()), str(size), str(listing)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                yield RealDatabase(**json.loads(server.stdout.readline()))
            finally:
                server.kill()


def _program() -> Path:
    key = hashlib.sha256(GO.encode() + _SOURCE.read_bytes()).hexdigest()[:16]
    kept = CACHE / f"sumdbserver-{key}"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as scratch:
            built = kept.with_name(f"{kept.name}.{os.getpid()}")
            _build(Path(scratch), built)
            os.replace(built, kept)
    return kept


def _build(scratch: Path, built: Path) -> None:
    toolchain, goroot, source = fetch(GO), scratch / "goroot", scratch / "source"
    prefix = f"{MODULE}@{toolchain.module_version}/"
    unpack_toolchain_zip(toolchain.zip, goroot, prefix=prefix, budget=Budget())
    shutil.copytree(goroot / "src/cmd/vendor/golang.org/x/mod", source / "xmod")
    (source / "xmod" / "go.mod").write_text(f"module golang.org/x/mod\n\ngo {GO}\n")
    (source / "go.mod").write_text(_MOD)
    shutil.copy(_SOURCE, source)
    netrc = (goroot / "src/cmd/go/internal/auth/netrc.go").read_text()
    (source / "netrc.go").write_text(netrc.replace("package auth", "package main", 1))
    environ = {
        "GOTOOLCHAIN": "local",
        "GOENV": "off",
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
        "GOCACHE": str(scratch / "gocache"),
        "GOPATH": str(scratch / "gopath"),
        "HOME": str(source),
    }
    command = [str(goroot / "bin" / "go"), "build", "-o", str(built), "."]
    subprocess.run(command, cwd=source, env=environ, check=True, timeout=600)
