"""What proves a tree after it was unpacked can raise the level: the hook, without those who use it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gvmpy.config import Config
from gvmpy.errors import IntegrityError
from gvmpy.goenv.settings import GoSettings
from gvmpy.home import Home
from gvmpy.install.pipeline import Installer
from gvmpy.install.progress import Cancellation
from gvmpy.net import Network
from gvmpy.releases.chain import open_sources
from gvmpy.releases.model import Context
from gvmpy.ui.progress import progress_for
from gvmpy.version import GoVersion
from tests.support import tiny, wheels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.install.pipeline import TreeProof
    from gvmpy.releases.model import Artifact
    from gvmpy.trust.manifest import Manifest
    from tests.conftest import User
    from tests.support.loopback import Site

VERSION = GoVersion.parse(tiny.VERSION)


def raised(artifact: Artifact, tree: Path, manifest: Manifest) -> Artifact:
    """A proof that holds for the tree that `tiny` makes and no other."""
    names = [record.name for record in manifest.records]
    assert all((tree / name).is_file() for name in names)
    if names != sorted(tiny.tree()):
        return artifact
    return replace(artifact, trust="transparency-log", evidence={"proven": manifest.h1})


def disproved(artifact: Artifact, tree: Path, manifest: Manifest) -> Artifact:
    raise IntegrityError("the tree is another")


def install(
    user: User, site: Site, place: Path, proofs: Sequence[TreeProof], **more: bytes
) -> tuple[str, object]:
    files = {f"go/{name}": data for name, data in (tiny.tree() | more).items()}
    wheels.Index(site, user).add(wheels.make_wheel(place, tiny.VERSION, files))
    config = Config(sources=("wheel",), trust_minimum="transparency-log", cache=user.cache)
    home = Home(user.root)
    with Network({}) as network:
        context = Context(config, network, home, GoSettings({}, ()), user.env)
        installer = Installer(
            home,
            config,
            open_sources(context),
            network=network,
            progress=progress_for(quiet=True),
            cancellation=Cancellation(),
            environ=user.env,
            tree_proofs=proofs,
        )
        receipt = installer.install(VERSION).receipt
    return receipt.trust, receipt.evidence


def test_a_proven_tree_is_as_good_as_its_proof(user: User, site: Site, fast_path: Path) -> None:
    trust, evidence = install(user, site, fast_path, [raised])
    assert trust == "transparency-log"
    assert isinstance(evidence, dict)
    assert evidence["proven"].startswith("h1:")


def test_without_a_proof_too_little_is_too_little(user: User, site: Site, fast_path: Path) -> None:
    with pytest.raises(IntegrityError, match="proves only `third-party`"):
        install(user, site, fast_path, [raised], extra=b"")
    assert (user.installed(), user.leavings()) == ([], [])


def test_a_tree_that_is_proven_wrong_is_not_installed(user: User, site: Site, fast_path: Path) -> None:
    with pytest.raises(IntegrityError, match="the tree is another"):
        install(user, site, fast_path, [raised, disproved])
    assert (user.installed(), user.leavings()) == ([], [])
