"""The files of a toolchain's module, and how much of a tree they cover.

What the checksum database has on record is one hash over names and digests of all files in the module zip.
cmd/distpack of Go makes that zip from the same files as the official archive: it leaves out four directories
and calls each `go.mod` `_go.mod`. So the list behind the hash can be made from a tree that was never in such
a zip, and when the hash comes out, every file on the list is the Go project's own, byte for byte. Modes are
not in the hash.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.trust.dirhash import h1, name_fault
from gvmpy.trust.manifest import FileRecord, Manifest, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gvmpy.version import GoVersion

LEFT_OUT = ("api", "doc", "misc", "test")
"""The directories that cmd/distpack keeps out of the module zip."""

TOP = "."
"""How the files directly below the GOROOT are told in a list of directories."""

_COUNTING = frozenset({"VERSION", "go.env"})
_OTHER_TEXTS = frozenset({"AUTHORS", "CONTRIBUTORS", "README", "codereview.cfg", "favicon.ico", "robots.txt"})
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "CONTRIBUTING.md": (
        "1244fcb5fbb7f0629bc134e99a90c18e63097a66d034acee0f18eabdd4fb32d9",
        "5fc12eec01cf37040ee3065c06d68002ae5c2edd041b84fc9620bf48d9052d8f",
    ),
    "LICENSE": (
        "911f8f5782931320f5b8d1160a76365b83aea6447ee6c04fa6d5591467db9dad",
        "2d36597f7117c38b006835ae7f537487207d8ec407aa9d9980794b2030cbc067",
    ),
    "PATENTS": ("96f408bfae65bf137fc2525d3ecb030271c50c1e90799f87abf8846d8dd505cc",),
    "README.md": (
        "8247b7c5de1e74854aac1a08aa5894444d1d33b4045c70d5cc3367ad0e25c3f3",
        "161c938b911ece3f72405b3778915ecb52c91c25632ab3a9e56d501fa6db1a29",
        "b55700999cab54c7d9983425983546595c3080da3c92828a2d2f9d34bb6b188c",
    ),
    "SECURITY.md": (
        "6bceabb262ed2ca799127f6732dc300f0cb060aaec4459ec156bddfe572754d3",
        "f82d6b06e77402da0dcb80a42b58d284ef3533eb7573ccf21f2ad344368bfb0c",
    ),
}
"""Digests that these texts have had since Go 1.19. Only guesses: the hash tells which one is right."""


@dataclass(frozen=True, slots=True)
class Share:
    """Some files of a tree: where they are, how many, and how many bytes they have."""

    directory: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which files of a tree are on a list of the Go project's own, and how they compare with it.

    `files` and `bytes` count the whole tree, `covered_files` and `covered_bytes` what is on the list and
    agrees. `differing` have other bytes; `missing` are on the list and not in the tree; `added` are in the
    tree where the list is complete, and not on it. `absent` are texts at the top that a redistributor left
    out, and `uncovered` what the list says nothing of.
    """

    files: int
    bytes: int
    covered_files: int
    covered_bytes: int
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    absent: tuple[str, ...]
    uncovered: tuple[Share, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing in the tree contradicts the list."""
        return not (self.differing or self.missing or self.added)


def module_h1(files: Manifest, module: str) -> str:
    """Return the `h1:` that the zip of `module`, golang.org/toolchain@VERSION, has with these files in it."""
    return h1((f"{module}/{_name_in_zip(record.name)}", record.digest) for record in files.records)


def find_list(tree: Manifest, module: str, wanted: str, version: GoVersion) -> Manifest | None:
    """Return the files of `tree` that hash to `wanted` as `module`, or None when the tree is not such a one.

    Tried are all files outside of what the module leaves out, and where texts at the top are missing, these
    with the digests they are known to have had.
    """
    candidates = [record for record in tree.records if _is_listed(record.name)]
    if any(f"/{record.name}".endswith("/_go.mod") for record in candidates):
        return None  # it would pass for the go.mod that is missing beside it
    there = {record.name for record in candidates}
    for texts in _guesses(there, version):
        files = Manifest.of([*candidates, *texts])
        if module_h1(files, module) == wanted:
            return files
    return None


def cover(tree: Manifest, listed: Manifest, sizes: Mapping[str, int]) -> Coverage:
    """Return how `tree` compares with the list of the module's files; `sizes` are of the tree's, in bytes."""
    difference = compare(listed, tree)
    names = {record.name for record in listed.records}
    agreeing = names - {*difference.changed, *difference.missing}
    outside = [name for name in difference.added if _may_stand_outside(name)]
    absent = [name for name in difference.missing if "/" not in name and name not in _COUNTING]
    counts, sums = Counter[str](), Counter[str]()
    for name in outside:
        counts[_directory(name)] += 1
        sums[_directory(name)] += sizes.get(name, 0)
    return Coverage(
        files=len(tree.records) + len(tree.others),
        bytes=sum(sizes.values()),
        covered_files=len(agreeing),
        covered_bytes=sum(sizes.get(name, 0) for name in agreeing),
        differing=difference.changed,
        missing=tuple(sorted(set(difference.missing) - set(absent))),
        added=tuple(sorted(set(difference.added) - set(outside))),
        absent=tuple(absent),
        uncovered=tuple(Share(name, counts[name], sums[name]) for name in sorted(counts)),
    )


def _guesses(there: set[str], version: GoVersion) -> Iterator[list[FileRecord]]:
    """Yield what may have to be added to a list that holds the names `there`: first of all, nothing."""
    yield []
    major, minor = version.minor
    branch = f"branch: release-branch.go{major}.{minor}\nparent-branch: master\n"
    known = {**_TEXTS, "codereview.cfg": (hashlib.sha256(branch.encode()).hexdigest(),)}
    absent = [name for name in known if name not in there]
    if absent:
        for digests in itertools.product(*(known[name] for name in absent)):
            yield [FileRecord(name, digest, 0o644) for name, digest in zip(absent, digests, strict=True)]


def _is_listed(name: str) -> bool:
    """Whether a Go release with a file of this `name` has it in its module, too."""
    if name_fault(name):
        return False
    if "/" in name:
        return not _is_left_out(name)
    return name in _COUNTING or name in _TEXTS or name in _OTHER_TEXTS


def _is_left_out(name: str) -> bool:
    return name.partition("/")[0] in LEFT_OUT


def _may_stand_outside(name: str) -> bool:
    """Whether a genuine release may have a file of this name that is on no list; go builds nothing there."""
    return "/" not in name or _is_left_out(name)


def _directory(name: str) -> str:
    return name.partition("/")[0] if "/" in name else TOP


def _name_in_zip(name: str) -> str:
    return f"{name.removesuffix('go.mod')}_go.mod" if f"/{name}".endswith("/go.mod") else name
