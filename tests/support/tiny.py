"""Release archives that look like Go until they are used: for what is decided before a toolchain runs."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

from gvmpy.install.unpack import Budget, hash_zip
from gvmpy.platform import host
from gvmpy.releases.sources.goproxy import MODULE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site
    from tests.trust.fakedb import FakeDatabase

VERSION = "1.20.7"  # of releases before 1.21 only the core of a GOROOT is asked for


def tree(version: str = VERSION) -> dict[str, bytes]:
    """Return the files of a GOROOT whose `go` can say its version and nothing else."""
    script = f"#!/bin/sh\necho go version go{version} {host().os}/{host().arch}\n".encode()
    return {
        "VERSION": f"go{version}\n".encode(),
        "bin/go": script,
        "bin/gofmt": script,
        "src/fmt/print.go": b"package fmt\n",
    }


def archive(place: Path, files: Mapping[str, bytes] | None = None, version: str = VERSION) -> Path:
    """Write `go{version}.OS-ARCH.tar.gz` as the Go project names it."""
    path = place / f"go{version}.{host().archive_suffix}.tar.gz"
    with (
        path.open("wb") as out,
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in (files or tree(version)).items():
            info = tarfile.TarInfo(f"go/{name}")
            info.size, info.mode = len(content), 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(info, io.BytesIO(content))
    return path


def serve_official(site: Site, user: User, path: Path, version: str = VERSION) -> str:
    """Serve the archive and an index that `user` asks alone; return the path of the archive."""
    data = path.read_bytes()
    file = {"filename": path.name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    entry = {"version": f"go{version}", "stable": True, "files": [file | {"kind": "archive"}]}
    site.body("/dl/", json.dumps([entry]).encode())
    site.file(f"/mirror/{path.name}", path)
    user.env |= {
        "GVMPY_SOURCES": "official",
        "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/?mode=json&include=all",
        "GVMPY_OFFICIAL_TRUSTED": "127.0.0.1",
        "GVMPY_MIRRORS": f"{site.base}/mirror/",
    }
    return f"/mirror/{path.name}"


def module_zip(place: Path, version: str = VERSION, files: Mapping[str, bytes] | None = None) -> Path:
    """Write the same tree as the version of golang.org/toolchain that it would be."""
    module_version = f"v0.0.1-go{version}.{host()}"
    path = place / f"{module_version}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in (files or tree(version)).items():
            packed.writestr(f"{MODULE}@{module_version}/{name}", content)
    return path


def serve_goproxy(site: Site, user: User, path: Path, database: FakeDatabase) -> str:
    """Serve the zip as a proxy that relays `database`, which `user` trusts; return the path of the zip."""
    module_version = path.stem
    h1 = hash_zip(path, prefix=f"{MODULE}@{module_version}/", budget=Budget())
    database.add(MODULE, module_version, h1=h1)
    base = f"/proxy/{MODULE}/@v/{module_version}"
    site.body(f"{base}.info", json.dumps({"Version": module_version}).encode())
    site.file(f"{base}.zip", path)
    relay = f"/proxy/sumdb/{database.name}"

    def answer(request: Request) -> None:
        body = database.answer(request.path.removeprefix(relay))
        request.answer(404) if body is None else request.answer(200, body)

    site.prefixes[relay] = answer
    user.env |= {"GVMPY_SOURCES": "goproxy", "GOPROXY": f"{site.base}/proxy", "GOSUMDB": database.vkey}
    return f"{base}.zip"
