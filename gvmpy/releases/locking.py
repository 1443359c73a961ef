"""What to write into a lock file: what the index and the checksum database each say of a release."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from gvmpy.errors import NetworkError, NoSuchVersionError
from gvmpy.releases.chain import Refusal, none_served, open_sources
from gvmpy.releases.model import Artifact, Digest
from gvmpy.releases.sources.goproxy import (
    LARGEST_ZIP,
    MODULE,
    goproxy_setting,
    gosumdb_setting,
    module_version,
    reach_database,
)
from gvmpy.trust.lockfile import LockedArtifact, archive_name, sort
from gvmpy.trust.sumdb import Database, MissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Release, Source
    from gvmpy.version import GoVersion

_ORIGINS = frozenset({"origin-sha256", "signature"})
_FOR_SAVING = str.maketrans(dict.fromkeys('"\\', "?"))


@dataclass(slots=True)
class _Asked:
    """A source, and whether it may still be worth asking."""

    source: Source
    answered: bool = False
    silent: NetworkError | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be locked, sorted, who has its bytes, and which sources could not tell."""

    artifacts: tuple[LockedArtifact, ...]
    offers: tuple[Artifact, ...]
    refusals: tuple[Refusal, ...]


class DatabaseAlone:
    """The checksum database, asked without a look whether any proxy has the bytes."""

    name = "goproxy"

    def __init__(self, context: Context) -> None:
        self._context = context

    @cached_property
    def _database(self) -> Database:
        context = self._context
        goproxy, gosumdb = goproxy_setting(context), gosumdb_setting(context)
        verifier, fetch = reach_database(context.network, goproxy, gosumdb)
        home, cache = context.home, context.config.cache
        home.prepare()
        return Database(verifier, fetch, cache_dir=cache, state_dir=home.state)

    def releases(self, platform: Platform) -> list[Release]:
        """Return nothing: a database lists none."""
        del platform
        return []

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        """Return an artifact that is nowhere, and the digest it would have to have."""
        name = module_version(version, platform)
        evidence = self._database.prove(MODULE, name)
        return Artifact(
            version=version,
            platform=platform,
            source=self.name,
            addresses=(),
            layout="toolchain-module",
            digest=Digest("h1", evidence.h1),
            size=None,
            limit=LARGEST_ZIP,
            trust="transparency-log",
            evidence={"database": evidence.database},
        )


def witnesses(context: Context) -> tuple[Source, ...]:
    """Return the configured sources, the module proxy's place taken by the checksum database itself."""
    return tuple(
        DatabaseAlone(context) if source.name == DatabaseAlone.name else source
        for source in open_sources(context)
    )


@dataclass(slots=True)
class Locksmith:
    """Asks every source, rather than the first that serves: each knows another digest of the same release."""

    chain: Sequence[Source]
    _asked: list[_Asked] = field(init=False)
    _offers: list[Artifact] = field(init=False, default_factory=list)
    _refusals: list[Refusal] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._asked = [_Asked(source) for source in self.chain]

    def find(self, versions: Iterable[GoVersion], platforms: Sequence[Platform]) -> Found:
        """Return what there is to lock of each version for each platform.

        Raises NoSuchVersionError or NetworkError when no source knows one of them, IntegrityError when a
        proof fails.
        """
        found = [self._find_one(version, platform) for version in versions for platform in platforms]
        return Found(sort(found), tuple(self._offers), tuple(self._refusals))

    def _find_one(self, version: GoVersion, platform: Platform) -> LockedArtifact:
        locked = LockedArtifact(version, platform, archive_name(version, platform), "", None, "")
        refusals: list[Refusal] = []
        for asked in self._asked:
            try:
                artifact = self._ask(asked, version, platform)
                locked = _with_digest(locked, artifact)
                self._offers.append(artifact)
            except MissingError as error:
                refusals.append(Refusal(asked.source.name, NoSuchVersionError(error.message)))
            except (NetworkError, NoSuchVersionError) as error:
                refusals.append(Refusal(asked.source.name, error))
        if not locked.sha256 and not locked.h1:
            raise none_served(f"a digest of {version.name} for {platform}", refusals)
        self._refusals += refusals
        return locked

    def _ask(self, asked: _Asked, version: GoVersion, platform: Platform) -> Artifact:
        """Ask once; a source that never answered is not waited for again."""
        if asked.silent is not None:
            raise asked.silent
        try:
            artifact = asked.source.artifact(version, platform)
        except (MissingError, NoSuchVersionError):
            asked.answered = True
            raise
        except NetworkError as error:
            asked.silent = None if asked.answered else error
            raise
        asked.answered = True
        return artifact


def _with_digest(locked: LockedArtifact, artifact: Artifact) -> LockedArtifact:
    """Add what `artifact` tells; a redistributor's own digest is none of the release's."""
    digest, evidence = artifact.digest, artifact.evidence
    if artifact.layout == "archive" and digest.algorithm == "sha256" and artifact.trust in _ORIGINS:
        origin = _saved(evidence.get("index", artifact.source))
        return replace(locked, sha256=digest.value, size=artifact.size, sha256_from=origin)
    if artifact.layout == "toolchain-module" and artifact.trust == "transparency-log":
        return replace(locked, h1=digest.value, h1_from=_saved(evidence.get("database", artifact.source)))
    raise NoSuchVersionError("has no digest that the Go project vouches for")


def _saved(origin: object) -> str:
    """Return `origin` fit to stand between quotes on one line."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(origin))
    return text.translate(_FOR_SAVING)[:500]
