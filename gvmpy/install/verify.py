"""Whether an installed tree is still, file for file, what was installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError, NoSuchVersionError
from gvmpy.install.commit import manifest_path
from gvmpy.trust.manifest import Manifest, compare
from gvmpy.trust.receipt import load_receipt, mend
from gvmpy.trust.tree import hash_tree

if TYPE_CHECKING:
    from gvmpy.home import Home
    from gvmpy.trust.manifest import Difference
    from gvmpy.trust.receipt import Receipt
    from gvmpy.version import GoVersion


@dataclass(frozen=True, slots=True)
class Verification:
    """What re-hashing found. `difference` is empty when every file is as it was installed."""

    version: GoVersion
    receipt: Receipt
    files: int
    difference: Difference

    @property
    def intact(self) -> bool:
        """Whether nothing changed."""
        return not self.difference


def verify(home: Home, version: GoVersion) -> Verification:
    """Hash the tree of `version` anew and compare it with what its receipt vouches for. Writes nothing.

    Raises NoSuchVersionError when it is not installed, IntegrityError when the list of files is not the one
    the receipt names: then there is nothing to compare with.
    """
    if not home.is_installed(version):
        raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")
    return compare_with_records(home, version)


def compare_with_records(home: Home, version: GoVersion) -> Verification:
    """Do what `verify` does, for a tree in any state: where no directory stands, all files are missing."""
    receipt = load_receipt(home.receipt(version))
    if receipt.version != version.text:
        raise IntegrityError(
            f"`{home.receipt(version)}` is the receipt of go{receipt.version}",
            hint=mend(version.text),
        )
    listing = manifest_path(home, version)
    try:
        expected = Manifest.loads(listing.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise IntegrityError(
            f"cannot read `{listing}`: {error}",
            hint=mend(version.text),
        ) from error
    if expected.h1 != receipt.tree_h1:
        raise IntegrityError(
            f"`{listing}` is not the list of files that the receipt of {version.name} vouches for",
            details=(f"receipt {receipt.tree_h1}", f"list    {expected.h1}"),
            hint=mend(version.text),
        )
    goroot = home.goroot(version)
    actual = hash_tree(goroot) if goroot.is_dir() and not goroot.is_symlink() else Manifest(())
    return Verification(version, receipt, expected.count, compare(expected, actual))
