"""Real OpenPGP keys, made by the real gpg for one test run, and what they sign."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_QUIETLY = ("--batch", "--yes", "--pinentry-mode=loopback", "--passphrase=")
THEN, EXPIRY, NOW = "20200101T000000!", "20200201T000000", "20200110T000000!"  # "!": the clock stands still


@dataclass
class Signer:
    """A primary key that only certifies, with a subkey that signs; in a home of its own."""

    home: Path
    fingerprint: str
    subkey: str

    def gpg(self, *arguments: str, text: bytes = b"") -> bytes:
        return _gpg(self.home, *arguments, text=text)

    def public(self) -> bytes:
        return self.gpg("--armor", "--export", self.fingerprint)

    def sign(self, data: bytes, *how: str, by: str = "") -> bytes:
        return self.gpg("--local-user", f"{by or self.subkey}!", "--armor", *how, "--detach-sign", text=data)


class Keys:
    """Makes signers; all their homes and agents are gone at the end of the block."""

    def __enter__(self) -> Self:
        # Sockets of agents need a short path.
        self.place = Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp"))
        self._count = 0
        return self

    def __exit__(self, *_: object) -> None:
        for home in self.place.iterdir():
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    def make(self, name: str, *, expires: str = "never", at: str = "") -> Signer:
        """Return a new signer; its subkey expires at `expires`, and all of it was made `at` some time."""
        self._count += 1
        home = self.place / str(self._count)
        home.mkdir(mode=0o700)
        clock = ["--faked-system-time", at] if at else []
        _gpg(home, *clock, "--quick-generate-key", f"{name} <{name}@example.com>", "ed25519", "cert", "never")
        primary = _fingerprints(home)[0]
        _gpg(home, *clock, "--quick-add-key", primary, "ed25519", "sign", expires)
        return Signer(home, primary, _fingerprints(home)[1])


def _fingerprints(home: Path) -> list[str]:
    listed = _gpg(home, "--with-colons", "--list-keys").decode()
    return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")]


def _gpg(home: Path, *arguments: str, text: bytes = b"") -> bytes:
    done = subprocess.run(
        ["gpg", "--homedir", str(home), *_QUIETLY, *arguments],
        input=text,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
