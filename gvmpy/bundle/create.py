"""Making a kit, or adding to one. It may be interrupted anywhere: the same command goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from gvmpy import locks
from gvmpy.bundle.layout import FILE_MODE, index_of, sha256_of
from gvmpy.bundle.proofs import record
from gvmpy.errors import HostError, IntegrityError, NoSuchVersionError, UsageError
from gvmpy.files import make_private, refuse_foreign, remove_tree, sync_directory, write_atomic
from gvmpy.install.pipeline import Installer
from gvmpy.install.unpack import Budget, hash_zip
from gvmpy.releases.locking import Locksmith
from gvmpy.releases.sources.goproxy import (
    MODULE,
    goproxy_setting,
    gosumdb_setting,
    module_version,
    reach_database,
)
from gvmpy.trust.lockedit import merge, save
from gvmpy.trust.lockfile import LockFile, load_lock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.bundle.layout import Kit
    from gvmpy.install.progress import Cancellation, Progress
    from gvmpy.platform import Platform
    from gvmpy.releases.chain import Refusal
    from gvmpy.releases.model import Artifact, Context, Source
    from gvmpy.trust.lockfile import LockedArtifact
    from gvmpy.version import GoVersion

Kinds = Literal["all", "archives", "modules"]

_DIRECTORY = 0o755
_LARGEST_VERSION_FILE = 1 << 10
_LAYOUTS: dict[Kinds, tuple[str, ...]] = {
    "all": ("archive", "toolchain-module"),
    "archives": ("archive",),
    "modules": ("toolchain-module",),
}


@dataclass(frozen=True, slots=True)
class Created:
    """What the kit has of the versions asked for, the files this run brought, and who could not deliver."""

    artifacts: tuple[LockedArtifact, ...]
    fresh: tuple[str, ...]
    refusals: tuple[Refusal, ...]


class KitMaker:
    """Fills one kit from the sources of `chain`."""

    def __init__(
        self,
        kit: Kit,
        context: Context,
        chain: Sequence[Source],
        *,
        progress: Progress,
        cancellation: Cancellation,
        kinds: Kinds = "all",
    ) -> None:
        self._kit = kit
        self._context = context
        self._progress = progress
        self._layouts = _LAYOUTS[kinds]
        self._goproxy, self._gosumdb = goproxy_setting(context), gosumdb_setting(context)
        self._chain = chain
        # Downloads wait inside the kit: one file system, so that a rename is enough, and a retry finds them.
        self._installer = Installer(
            context.home,
            replace(context.config, cache=kit.incoming),
            chain,
            network=context.network,
            progress=progress,
            cancellation=cancellation,
        )

    def create(self, versions: Sequence[GoVersion], platforms: Sequence[Platform]) -> Created:
        """Bring `versions` for each of `platforms` into the kit; what it has already stays.

        Raises the errors of the sources, IntegrityError for bytes that are not what they must be, HostError
        when the kit cannot be written.
        """
        home = self._context.home
        _require_kit(self._kit)
        home.prepare()
        key = hashlib.sha256(os.fsencode(self._kit.path)).hexdigest()[:16]
        timeout = self._context.config.lock_timeout
        with locks.hold(home.locks / f"bundle-{key}.lock", timeout=timeout):
            try:
                return self._create(versions, platforms)
            except OSError as error:
                where = error.filename or self._kit.path
                raise HostError(f"cannot write `{where}`: {error.strerror or error}") from error

    def _create(self, versions: Sequence[GoVersion], platforms: Sequence[Platform]) -> Created:
        kit = self._kit
        before = load_lock(kit.lock) if kit.lock.exists() else LockFile(str(kit.lock), ())
        found = Locksmith(self._chain).find(versions, platforms)
        offers = [offer for offer in found.offers if offer.layout in self._layouts]
        _require_each(found.artifacts, offers, found.refusals)
        lock = merge(before, found.artifacts)
        kit.path.mkdir(mode=_DIRECTORY, parents=True, exist_ok=True)
        make_private(kit.incoming)
        fresh = [name for offer in offers if (name := self._bring(offer)) is not None]
        self._complete(lock)
        wanted = tuple(entry for item in found.artifacts if (entry := lock.find(item.version, item.platform)))
        return Created(wanted, tuple(fresh), found.refusals)

    def _bring(self, offer: Artifact) -> str | None:
        """Fetch `offer` into its place; return its name, or None when it is there already."""
        place = self._place(offer)
        if _is(place, offer):
            return None
        place.parent.mkdir(mode=_DIRECTORY, parents=True, exist_ok=True)
        fetched = self._installer.fetch(offer)
        path = fetched.path
        if not fetched.ours:
            path = self._kit.incoming / place.name
            shutil.copyfile(fetched.path, path)
            if not _is(path, offer):
                path.unlink()
                raise IntegrityError(f"`{fetched.path}` changed while it was copied")
        path.chmod(FILE_MODE)
        _sync(path)
        os.replace(path, place)
        sync_directory(place.parent)
        name = place.relative_to(self._kit.path).as_posix()
        self._progress.say(f"proven and kept: {name}")
        return name

    def _place(self, offer: Artifact) -> Path:
        if offer.layout == "toolchain-module":
            return self._kit.module(offer.version, offer.platform, ".zip")
        return self._kit.path / f"{offer.version.name}.{offer.platform.archive_suffix}.tar.gz"

    def _complete(self, lock: LockFile) -> None:
        """Write all that follows from the archives. Without its list of files, a kit is not whole."""
        kit = self._kit
        kit.sums.unlink(missing_ok=True)
        modules = [
            item for item in lock.artifacts if kit.module(item.version, item.platform, ".zip").exists()
        ]
        if modules:
            self._write_modules(modules)
            self._write_proofs(modules)
        locked = tuple(_with_size(kit, item) for item in lock.artifacts)
        archives = [item for item in locked if item.sha256 and kit.archive(item).exists()]
        write_atomic(kit.index, index_of(archives), mode=FILE_MODE)
        save(kit.lock, locked)
        remove_tree(kit.incoming)
        kit.write_sums()

    def _write_modules(self, modules: Sequence[LockedArtifact]) -> None:
        kit = self._kit
        for item in modules:
            info = {"Version": module_version(item.version, item.platform)} | _time(kit, item)
            text = json.dumps(info, separators=(",", ":"))
            write_atomic(kit.module(item.version, item.platform, ".info"), text.encode(), mode=FILE_MODE)
            text = f"module {MODULE}\n"
            write_atomic(kit.module(item.version, item.platform, ".mod"), text.encode(), mode=FILE_MODE)
        names = [module_version(item.version, item.platform) for item in modules]
        write_atomic(kit.modules / "list", "".join(f"{name}\n" for name in names).encode(), mode=FILE_MODE)

    def _write_proofs(self, modules: Sequence[LockedArtifact]) -> None:
        """Prove all modules anew, under one head, and keep just the files that this takes."""
        context = self._context
        verifier, fetch = reach_database(context.network, self._goproxy, self._gosumdb)
        self._progress.say(f"recording the proofs of {verifier.name}")
        names = [module_version(item.version, item.platform) for item in modules]
        files = record(verifier, fetch, context.home, names)
        place = self._kit.database(verifier.name)
        for path, data in files.items():
            file = place / path.removeprefix("/")
            file.parent.mkdir(mode=_DIRECTORY, parents=True, exist_ok=True)
            write_atomic(file, data, mode=FILE_MODE)
        for directory, _, leftovers in os.walk(place):
            for leftover in leftovers:
                path = os.path.join(directory, leftover)
                if "/" + os.path.relpath(path, place) not in files:
                    os.unlink(path)


def _require_kit(kit: Kit) -> None:
    """Raise UsageError for a directory that is something else: all in it would become part of the kit."""
    refuse_foreign(kit.path, "run gvmpy as that user, or name a directory of root's own")
    if not os.path.lexists(kit.path):
        return
    if not kit.path.is_dir():
        raise UsageError(f"`{kit.path}` is not a directory")
    begun = kit.lock.exists() or kit.incoming.exists()
    if not begun and any(kit.path.iterdir()):
        raise UsageError(f"`{kit.path}` is not empty, and not a kit", hint="name a new directory")
    for place, directories, names in os.walk(kit.path):
        for name in (*directories, *names):
            # Files are replaced and removed in there, which must not happen somewhere else.
            if os.path.islink(os.path.join(place, name)):
                raise UsageError(f"`{os.path.join(place, name)}` is a symbolic link: a kit has none")


def _require_each(
    artifacts: Sequence[LockedArtifact], offers: Sequence[Artifact], refusals: Sequence[Refusal]
) -> None:
    """Raise NoSuchVersionError when there are digests of something, and bytes from nobody."""
    offered = {(offer.version, offer.platform) for offer in offers}
    for item in artifacts:
        if (item.version, item.platform) not in offered:
            raise NoSuchVersionError(
                f"no source delivers {item.version.name} for {item.platform} in the kind asked for",
                details=tuple(str(refusal) for refusal in refusals),
            )


def _is(path: Path, offer: Artifact) -> bool:
    """Whether the file at `path` is what `offer` must be."""
    digest = sha256_of(path) if path.exists() else ""
    if offer.digest.algorithm == "sha256" or not digest:
        return digest == offer.digest.value
    prefix = f"{offer.evidence['module']}/"
    try:
        return hash_zip(path, prefix=prefix, budget=Budget()) == offer.digest.value
    except IntegrityError:
        return False


def _with_size(kit: Kit, item: LockedArtifact) -> LockedArtifact:
    """An index that does not tell the size leaves it to the file, which is proven."""
    if item.size or not item.sha256 or not kit.archive(item).exists():
        return item
    return replace(item, size=kit.archive(item).stat().st_size)


def _time(kit: Kit, item: LockedArtifact) -> dict[str, str]:
    """Return when Go was released, from the second line of VERSION in the proven zip; since Go 1.21."""
    name = f"{MODULE}@{module_version(item.version, item.platform)}/VERSION"
    try:
        with (
            zipfile.ZipFile(kit.module(item.version, item.platform, ".zip")) as archive,
            archive.open(name) as file,
        ):
            lines = file.read(_LARGEST_VERSION_FILE).decode("ascii").splitlines()
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return {}
    times = [line.removeprefix("time ") for line in lines if line.startswith("time ")]
    return {"Time": times[0]} if times else {}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
