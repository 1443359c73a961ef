"""Which operating system and processor a toolchain must be for, in Go's own words."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass

from gvmpy.errors import HostError

_ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "i386": "386",
    "i586": "386",
    "i686": "386",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv6l": "arm",
    "armv7l": "arm",
    "armv8l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
}
_NARROW = {"amd64": "386", "arm64": "arm"}
_WIDE_POINTER = 2**32
_SPELLING = re.compile(r"(?P<os>[a-z][a-z0-9]{0,15})-(?P<arch>[a-z0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Platform:
    """A GOOS and GOARCH pair."""

    os: str
    arch: str

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `linux-amd64`, or `linux-armv6l` as archives spell `linux-arm`. Raises ValueError."""
        match = _SPELLING.fullmatch(text)
        if match is None:
            raise ValueError(f"not a platform: {text[:40]!r}")
        return cls(match["os"], "arm" if match["arch"] == "armv6l" else match["arch"])

    @property
    def archive_suffix(self) -> str:
        """The pair as release archives spell it: GOARCH arm is published as `armv6l`."""
        return f"{self.os}-{'armv6l' if self.arch == 'arm' else self.arch}"

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}"


def host() -> Platform:
    """Return the platform this process runs on; a 32-bit userland on a 64-bit kernel counts as 32-bit.

    Raises HostError where Go publishes no toolchain.
    """
    system = "darwin" if sys.platform == "darwin" else "linux" if sys.platform.startswith("linux") else None
    machine = os.uname().machine
    arch = _ARCHITECTURES.get(machine.lower())
    if system is None or arch is None:
        raise HostError(f"no Go release is known for {sys.platform} on {machine}")
    if sys.maxsize < _WIDE_POINTER:
        arch = _NARROW.get(arch, arch)
    return Platform(system, arch)
