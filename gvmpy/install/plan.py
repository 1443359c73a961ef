"""From what was asked for to the exact versions to install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, IntegrityError, NoSuchVersionError, UsageError
from gvmpy.releases.chain import first_to_serve
from gvmpy.selection.request import Channel, Exact, Moving, Prefix, Range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gvmpy.platform import Platform
    from gvmpy.releases.chain import Refusal
    from gvmpy.releases.model import Release, Source
    from gvmpy.selection.request import Request
    from gvmpy.version import GoVersion


@dataclass(frozen=True, slots=True)
class Planned:
    """A version to install, and the sources that could not say that it is the one meant."""

    version: GoVersion
    refusals: tuple[Refusal, ...]


def plan(requests: Sequence[Request], chain: Sequence[Source], platform: Platform) -> list[Planned]:
    """Return the versions that `requests` mean, each once, in order.

    An exact version is taken as it is, without looking into any list: sources serve more than they list. The
    rest are answered by the first source whose list has an answer. Raises NoSuchVersionError when none has,
    NetworkError when one could not be asked, UsageError for what names nothing to install.
    """
    planned: dict[GoVersion, Planned] = {}
    lists = _Lists(platform)
    for request in requests:
        if isinstance(request, Exact):
            found = Planned(request.version, ())
        elif isinstance(request, Prefix | Range | Moving):
            served = first_to_serve(chain, f"Go `{request}`", lists.newest(request))
            found = Planned(served.value, served.refusals)
        else:
            raise UsageError(f"`{request}` names no version to install", hint="gvmpy install latest")
        planned.setdefault(found.version, found)
    return list(planned.values())


class _Lists:
    """What each source lists for a platform, or why it cannot say; asked once, however many want to know."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: dict[str, list[Release] | GvmpyError] = {}

    def newest(self, request: Prefix | Range | Moving) -> Callable[[Source], GoVersion]:
        return lambda source: newest(request, self._of(source))

    def _of(self, source: Source) -> list[Release]:
        if source.name not in self._known:
            try:
                self._known[source.name] = source.releases(self._platform)
            except GvmpyError as error:
                self._known[source.name] = error
        known = self._known[source.name]
        if isinstance(known, GvmpyError):
            raise known
        return known


def newest(request: Prefix | Range | Moving, releases: Sequence[Release]) -> GoVersion:
    """Return the newest version of `releases` that `request` means; a prerelease only where nothing else is,
    or where a bound of the range is one.

    `stable` and `latest` are the newest stable release, `oldstable` the newest of the release line before
    it, `unstable` the newest of all. Raises NoSuchVersionError, and IntegrityError when the answer would be
    one that was listed before and no longer is: an older list must not lead to an older Go.
    """
    found = _matching(request, releases)
    if not found:
        raise NoSuchVersionError(f"lists no Go that `{request}` means")
    all_count = isinstance(request, Range) and request.prereleases
    best = max(found, key=lambda release: (all_count or release.stable, release.version))
    if best.last_listed:
        raise IntegrityError(
            f"the list of releases is older than one seen before: `{request}` was {best.version.name}",
            details=(f"{best.version.name} was listed until {best.last_listed}, and is not now",),
            hint="ask another source (GVMPY_SOURCES=goproxy), or name the exact version that you want",
        )
    return best.version


def _matching(request: Prefix | Range | Moving, releases: Sequence[Release]) -> list[Release]:
    if isinstance(request, Prefix | Range):
        return [release for release in releases if request.matches(release.version)]
    stable = [release for release in releases if release.stable]
    match request.channel:
        case Channel.UNSTABLE:
            return [max(releases, key=lambda release: release.version)] if releases else []
        case Channel.OLDSTABLE:
            current = max((release.version.minor for release in stable), default=(0, 0))
            older = [release for release in stable if release.version.minor < current]
            before = max((release.version.minor for release in older), default=(0, 0))
            return [release for release in older if release.version.minor == before]
        case _:
            return stable
