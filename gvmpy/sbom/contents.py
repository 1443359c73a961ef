"""What a toolchain is made of: its receipt, and the modules of others that it carries as vendored code.

The go command keeps the list of vendored modules in `vendor/modules.txt`: a line `# path version` for each
(cmd/go/internal/modload, vendor.go). Everything read here has to be the file that was installed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError, NoSuchVersionError
from gvmpy.install.commit import manifest_path
from gvmpy.trust.manifest import Manifest
from gvmpy.trust.receipt import load_receipt

if TYPE_CHECKING:
    from gvmpy.home import Home
    from gvmpy.trust.receipt import Receipt
    from gvmpy.version import GoVersion

VENDORED = ("src/vendor", "src/cmd/vendor")
"""What the standard library carries, and what the go command and its tools do."""

_LARGEST = 1 << 20
_MODULE = re.compile(r"# (?P<path>[!-~]{1,300}) (?P<version>v[0-9][!-~]{0,200})(?: => .*)?")

# The words by which a licence is told; white space counts as one blank.
_LICENCES = (
    ("Apache-2.0", ("Apache License Version 2.0, January 2004",)),
    ("BSD-3-Clause", ("Redistribution and use in source and binary forms", "Neither the name")),
    ("BSD-2-Clause", ("Redistribution and use in source and binary forms",)),
    ("MIT", ("Permission is hereby granted, free of charge, to any person obtaining a copy",)),
)


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """A module that is vendored: where, and its licence as an SPDX identifier; empty when it is not known."""

    path: str
    version: str
    place: str
    licence: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A toolchain and what it carries, sorted by path, version and place."""

    version: GoVersion
    receipt: Receipt
    modules: tuple[Module, ...]


def contents_of(home: Home, version: GoVersion) -> Contents:
    """Read what the installed `version` consists of. Writes nothing.

    Raises NoSuchVersionError when it is not installed, IntegrityError when a file that counts here is not as
    it was installed.
    """
    if not home.is_installed(version):
        raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")
    receipt = load_receipt(home.receipt(version))
    tree = _Tree(home, version, receipt)
    modules = {module for place in VENDORED for module in _vendored(tree, place)}
    return Contents(version, receipt, tuple(sorted(modules)))


def licence_of(text: str) -> str:
    """Return the SPDX identifier of the licence that `text` is, empty for one that is not recognised."""
    flat = " ".join(text.split())
    return next((name for name, words in _LICENCES if all(word in flat for word in words)), "")


class _Tree:
    """The files of one installation, each compared with the list that its receipt vouches for."""

    def __init__(self, home: Home, version: GoVersion, receipt: Receipt) -> None:
        self._goroot = home.goroot(version)
        self._hint = f"gvmpy verify {version}"
        listing = manifest_path(home, version)
        try:
            manifest = Manifest.loads(listing.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError(f"cannot read `{listing}`: {error}", hint=self._hint) from error
        if manifest.h1 != receipt.tree_h1:
            raise IntegrityError(f"`{listing}` is not what the receipt vouches for", hint=self._hint)
        self._digests = {record.name: record.digest for record in manifest.records}

    def read(self, name: str) -> str:
        """Return a file's text, empty for one that the installation never had."""
        if name not in self._digests:
            return ""
        path = self._goroot / name
        try:
            with path.open("rb") as stream:
                data = stream.read(_LARGEST)
        except OSError as error:
            raise IntegrityError(f"cannot read `{path}`: {error.strerror}", hint=self._hint) from error
        if hashlib.sha256(data).hexdigest() != self._digests[name]:
            raise IntegrityError(f"`{path}` is not as it was installed", hint=self._hint)
        return data.decode("utf-8", errors="replace")


def _vendored(tree: _Tree, place: str) -> list[Module]:
    found = [_MODULE.fullmatch(line) for line in tree.read(f"{place}/modules.txt").splitlines()]
    return [
        Module(
            match["path"],
            match["version"],
            place,
            licence_of(tree.read(f"{place}/{match['path']}/LICENSE")),
        )
        for match in found
        if match is not None
    ]
