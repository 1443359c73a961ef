"""A loopback server in a process of its own, with one real release as archive and as module."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support import toolchains
from tests.support.loopback import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

VERSION = "1.22.3"


@dataclass(frozen=True)
class Served:
    """Where things are, and the settings that make gvmpy look there."""

    base: str
    archive_name: str
    sha256: str
    module_version: str

    @property
    def official(self) -> dict[str, str]:
        return {
            "GVMPY_SOURCES": "official",
            "GVMPY_OFFICIAL_INDEX": f"{self.base}/dl/",
            "GVMPY_MIRRORS": f"{self.base}/mirror/",
        }

    @property
    def goproxy(self) -> dict[str, str]:
        return {"GVMPY_SOURCES": "goproxy", "GOPROXY": f"{self.base}/proxy"}


@contextlib.contextmanager
def serving(*, quickly: bool = False) -> Iterator[Served]:
    """Serve for the length of the block; the archive is compressed as the official ones are, by gzip -9.

    That takes half a minute, once. `quickly` serves the archive of the tests instead, made by gzip -1.
    """
    toolchain = toolchains.fetch(VERSION)
    archive = toolchain.archive if quickly else _as_published(toolchain.archive)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, archive), daemon=True)
    process.start()
    try:
        base = ours.recv()
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        yield Served(base, archive.name, sha256, toolchain.module_version)
    finally:
        ours.send(None)
        process.join()


def _serve(pipe: Connection, archive: Path) -> None:
    toolchain = toolchains.fetch(VERSION)
    published = toolchains.Toolchain(VERSION, toolchain.zip, archive)
    with serve() as site:
        toolchains.serve_official(site, [published])
        toolchains.serve_goproxy(site, [published])
        pipe.send(site.base)
        pipe.recv()


def _as_published(archive: Path) -> Path:
    kept = toolchains.CACHE / "published" / archive.name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{os.getpid()}")
        with temporary.open("wb") as stream:
            unpacked = subprocess.Popen(["gzip", "-dc", str(archive)], stdout=subprocess.PIPE)
            subprocess.run(["gzip", "-9nc"], stdin=unpacked.stdout, stdout=stream, check=True)
        os.replace(temporary, kept)
    return kept
