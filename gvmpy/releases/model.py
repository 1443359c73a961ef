"""What a source offers: releases to choose from, and artifacts with the digest they must have."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from gvmpy.config import Config
    from gvmpy.goenv.settings import GoSettings
    from gvmpy.home import Home
    from gvmpy.net import Network
    from gvmpy.platform import Platform
    from gvmpy.version import GoVersion

Layout = Literal["archive", "toolchain-module", "wheel"]

Carry = Callable[["Path", Callable[[int], None]], "Carried"]
"""Brings an artifact's file into an empty directory, for a source whose bytes come by another program than
our own client. It calls back several times a second with the bytes there are so far; what that raises ends
it. Raises as `Source.artifact` does.
"""


@dataclass(frozen=True, slots=True)
class Release:
    """A version some source can deliver for one platform.

    `last_listed`, a day in ISO 8601, marks one that the source listed until then and lists no longer: no
    offer, but a sign that its list is older than one seen before.
    """

    version: GoVersion
    stable: bool
    last_listed: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """What the bytes must be: `sha256` of the file in hex, or `h1` of a module zip as go.sum has it."""

    algorithm: Literal["sha256", "h1"]
    value: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A file that was brought, what it must hash to, and the address it had, without credentials."""

    path: Path
    digest: Digest
    url: str


@dataclass(frozen=True, slots=True)
class Address:
    """One place the bytes may come from. `any_failure`: whether the next is tried after whatever goes wrong
    here, or only after a plain "not found". `mirror`: the directory it is in, where one that fails is not to
    be asked for other files either; empty where it says nothing about them.
    """

    url: str
    any_failure: bool = True
    mirror: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A toolchain to fetch: the addresses in the order to try, and what proves the bytes.

    `size` is exact when known, in bytes; `limit` is never exceeded. `trust` is one of
    gvmpy.config.TRUST_LEVELS, `evidence` what it rests on, kept in the receipt. `notes` are for the user.
    `signatures` are where a detached OpenPGP signature of the file may be. With `carry` the bytes come that
    way, and with them the digest: the artifact's own is empty, which nothing fits, and there is no address.
    """

    version: GoVersion
    platform: Platform
    source: str
    addresses: tuple[Address, ...]
    layout: Layout
    digest: Digest
    size: int | None
    limit: int
    trust: str
    evidence: Mapping[str, str | int]
    notes: tuple[str, ...] = ()
    signatures: tuple[Address, ...] = ()
    carry: Carry | None = None


@dataclass(slots=True)
class Journal:
    """What sources have to tell besides their answers: warnings, and of when the list of each one is."""

    warnings: list[str] = field(default_factory=list)
    as_of: dict[str, datetime] = field(default_factory=dict)

    def warn(self, text: str) -> None:
        """Keep one sentence for the user, once."""
        if text not in self.warnings:
            self.warnings.append(text)


@dataclass(frozen=True, slots=True)
class Context:
    """What a source may use of the world around it.

    `list_age` is for how many seconds a kept list of releases may answer in place of the source; whoever is
    about to install always asks.
    """

    config: Config
    network: Network
    home: Home
    settings: GoSettings
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    list_age: float = 0.0
    journal: Journal = field(default_factory=Journal)


class Source(Protocol):
    """One way to get Go. Construction asks nothing of the network."""

    name: str

    def releases(self, platform: Platform) -> list[Release]:
        """Return what is on offer for `platform`, in no particular order; may be incomplete.

        Raises NetworkError when the source cannot say.
        """
        ...

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        """Return where the exact `version` is and what it must hash to.

        Raises NoSuchVersionError when the source does not have it, NetworkError when it cannot be asked,
        IntegrityError when its proof does not hold.
        """
        ...
