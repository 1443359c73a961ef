"""Real toolchains: fetched once by gvmpy's own source, kept between runs, served again on loopback."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock
from platformdirs import user_cache_path

from gvmpy.config import Config
from gvmpy.goenv.goproxy import parse_goproxy
from gvmpy.goenv.settings import GoSettings
from gvmpy.home import Home
from gvmpy.install.download import Downloader, Wanted
from gvmpy.install.progress import Cancellation
from gvmpy.install.unpack import Budget, hash_zip, unpack_toolchain_zip
from gvmpy.net import Network
from gvmpy.platform import host
from gvmpy.releases.model import Context
from gvmpy.releases.sources.goproxy import MODULE, open_source
from gvmpy.ui.progress import progress_for
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from tests.support.loopback import Request, Site

VERSIONS = ("1.21.6", "1.22.3", "1.25.5")
CACHE = Path(os.environ.get("GVMPY_TEST_CACHE") or user_cache_path("gvmpy-tests"))
SUMDB = "sum.golang.org"


@dataclass(frozen=True)
class Toolchain:
    """One real release, as the module zip and re-packed as the official archive is made."""

    version: str
    zip: Path
    archive: Path

    @property
    def module_version(self) -> str:
        return f"v0.0.1-go{self.version}.{host()}"

    @property
    def archive_sha256(self) -> str:
        return hashlib.sha256(self.archive.read_bytes()).hexdigest()


def system_goroots() -> list[Path]:
    """Return the GOROOT of a Go on this machine, whose go.env may name the proxy to use."""
    from gvmpy.selection.resolve import find_system_go
    from gvmpy.selection.system import goroot_of

    found = find_system_go(os.environ, Home(Path("/nonexistent")))
    goroot = goroot_of(found) if found else None
    return [goroot] if goroot else []


def real_goproxy() -> str:
    """Return the machine's own GOPROXY, as Go reads it."""
    setting = GoSettings(os.environ, system_goroots()).get("GOPROXY")
    return setting.value if setting else "direct"


def fetch(version: str) -> Toolchain:
    """Return `version`, fetched and proven the first time; a failure names what could not be reached."""
    module_version = f"v0.0.1-go{version}.{host()}"
    kept = CACHE / "zips" / f"{module_version}.zip"
    archive = CACHE / "archives" / f"go{version}.{host().archive_suffix}.tar.gz"
    for directory in (kept.parent, archive.parent):
        directory.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes, and all of them want it first.
    with FileLock(f"{archive}.lock"):
        if not kept.exists():
            _fetch_proven(version, kept)
        if not archive.exists():
            _repack(kept, archive, f"{MODULE}@{module_version}/")
    return Toolchain(version, kept, archive)


def _fetch_proven(version: str, kept: Path) -> None:
    with Network(os.environ) as network:
        settings = GoSettings(os.environ, system_goroots())
        home = Home(CACHE / "home")
        context = Context(Config(cache=CACHE / "gvmpy"), network, home, settings)
        artifact = open_source(context).artifact(GoVersion.parse(version), host())
        wanted = Wanted(artifact.addresses[0].url, version, None, artifact.limit, b"PK\x03\x04")
        downloader = Downloader(network, progress_for(quiet=True), Cancellation())
        fetched = downloader.fetch(wanted, kept.with_suffix(".part"))
        assert (
            hash_zip(fetched.path, prefix=f"{artifact.evidence['module']}/", budget=Budget())
            == artifact.digest.value
        )
        os.replace(fetched.path, kept)


def _repack(module_zip: Path, archive: Path, prefix: str) -> None:
    """Write the tree as `go/...` in a gzip'ed ustar file, as cmd/distpack lays it out."""
    tree = CACHE / f"tree-{os.getpid()}"
    manifest = unpack_toolchain_zip(module_zip, tree, prefix=prefix, budget=Budget())
    temporary = archive.with_suffix(f".{os.getpid()}")
    with (
        gzip.open(temporary, "wb", compresslevel=1) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for record in manifest.records:
            info = tarfile.TarInfo(f"go/{record.name}")
            path = tree / record.name
            info.size, info.mode, info.mtime = path.stat().st_size, record.mode, 1_700_000_000
            with path.open("rb") as content:
                tar.addfile(info, content)
    os.replace(temporary, archive)
    import shutil

    shutil.rmtree(tree)


def index_of(toolchains: list[Toolchain]) -> bytes:
    """Return a download index of the real shape, with the junk the real one has."""
    releases: list[object] = [
        {
            "version": f"go{toolchain.version}",
            "stable": True,
            "files": [
                _file(toolchain, f"go{toolchain.version}.src.tar.gz", os="", arch="", kind="source"),
                _file(toolchain, toolchain.archive.name),
                _file(toolchain, f"go{toolchain.version}.windows-amd64.zip", os="windows"),
            ],
        }
        for toolchain in toolchains
    ]
    junk_file = {
        "filename": "go1.4-bootstrap-20170531.tar.gz",
        "os": "4",
        "arch": "bootstrap",
        "version": "go1",
    }
    releases += [
        {"version": "go1.9.2rc2", "stable": False, "files": []},
        {
            "version": "go1",
            "stable": True,
            "files": [junk_file | {"sha256": "", "size": 0, "kind": "archive"}, 7],
        },
        {"version": 12, "files": None},
        "text",
    ]
    return json.dumps(releases, indent=1).encode()


def _file(toolchain: Toolchain, name: str, **changed: str) -> dict[str, object]:
    return {
        "filename": name,
        "os": host().os,
        "arch": host().arch,
        "version": f"go{toolchain.version}",
        "sha256": toolchain.archive_sha256 if name == toolchain.archive.name else "0" * 64,
        "size": toolchain.archive.stat().st_size,
        "kind": "archive",
        **changed,
    }


def serve_official(site: Site, toolchains: list[Toolchain]) -> None:
    """Serve the index at /dl/ and the archives at /mirror/."""
    site.body("/dl/", index_of(toolchains))
    for toolchain in toolchains:
        site.file(f"/mirror/{toolchain.archive.name}", toolchain.archive)


def serve_goproxy(site: Site, toolchains: list[Toolchain]) -> None:
    """Serve the module tree and the recorded relay of the checksum database below /proxy."""
    base = f"/proxy/{MODULE}/@v"
    site.body(f"{base}/list", "".join(f"{t.module_version}\n" for t in toolchains).encode(), "text/plain")
    for toolchain in toolchains:
        info = {"Version": toolchain.module_version, "Time": "2024-05-07T16:06:09Z"}
        site.body(f"{base}/{toolchain.module_version}.info", json.dumps(info).encode())
        site.body(f"{base}/{toolchain.module_version}.mod", f"module {MODULE}\n".encode(), "text/plain")
        site.file(f"{base}/{toolchain.module_version}.zip", toolchain.zip)
    site.prefixes["/proxy/sumdb/"] = _relay


def _relay(request: Request) -> None:
    """Answer from what was recorded; what is not yet recorded is asked of the machine's own GOPROXY."""
    path = urlsplit(request.path).path.removeprefix("/proxy")
    if path == f"/sumdb/{SUMDB}/supported":
        request.answer(200)
        return
    kept = CACHE / "relay" / path.strip("/").replace("!", "_").replace("@", "_at_")
    if not kept.exists():
        with Network(os.environ) as network:
            answer = network.get(_database_address(path), limit=1 << 20)
        if answer.status != 200:
            request.answer(answer.status, answer.body)
            return
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{os.getpid()}.{id(request)}")
        temporary.write_bytes(answer.body)
        os.replace(temporary, kept)
    request.answer(200, kept.read_bytes(), Content_Type="application/octet-stream")


def _database_address(path: str) -> str:
    """Return where the machine reaches the checksum database: its proxy's relay, else the database itself."""
    proxies = (entry.base for entry in parse_goproxy(real_goproxy()) if "://" in entry.base)
    proxy = next(proxies, None)
    return proxy + path if proxy else f"https://{SUMDB}{path.removeprefix(f'/sumdb/{SUMDB}')}"
