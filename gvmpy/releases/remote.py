"""What can be had, from whoever can say: the sources, else a mirror's directory page, else what was kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, NetworkError, NoSuchVersionError
from gvmpy.net import Network, redact
from gvmpy.releases.chain import list_releases, open_sources
from gvmpy.releases.listing import mirror_releases

if TYPE_CHECKING:
    from datetime import datetime

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Release

ANY_AGE = float("inf")
"""As the age of a list: whatever is kept is the answer, and nobody is asked."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The releases on offer, newest first, who listed them, and when that was last confirmed.

    `withdrawn` were listed before and are no longer. `is_page`: this is only a mirror's directory page, which
    says what lies there and proves nothing. `reasons` tell who could not say, and why.
    """

    source: str
    releases: tuple[Release, ...]
    withdrawn: tuple[Release, ...]
    as_of: datetime | None
    is_page: bool
    reasons: tuple[str, ...]


def list_remote(context: Context, platform: Platform) -> Listing:
    """Return what the sources list; what a mirror's page shows, or was kept, only when none can be asked.

    Raises NetworkError when nobody says anything, NoSuchVersionError when all say that there is nothing.
    """
    try:
        return _from_sources(context, platform)
    except NetworkError as error:
        if context.list_age == ANY_AGE:
            raise
        failure = error
    reasons = list(failure.details)
    for base in context.config.mirrors if "official" in context.config.sources else ():
        try:
            found = mirror_releases(context.network, base, platform)
        except (NetworkError, NoSuchVersionError) as error:
            reasons.append(f"mirror: {error.message}")
            continue
        newest_first = sorted(found, key=lambda release: release.version, reverse=True)
        place = redact(f"{base.rstrip('/')}/")
        return Listing(place, tuple(newest_first), (), None, is_page=True, reasons=tuple(reasons))
    try:
        kept = _from_sources(
            replace(context, list_age=ANY_AGE, network=Network({}, offline=True)), platform, tuple(reasons)
        )
    except GvmpyError:
        raise NetworkError(failure.message, details=tuple(reasons), hint=failure.hint) from failure
    return kept


def _from_sources(context: Context, platform: Platform, reasons: tuple[str, ...] = ()) -> Listing:
    served = list_releases(open_sources(context), platform)
    return Listing(
        served.source,
        tuple(release for release in served.value if not release.last_listed),
        tuple(release for release in served.value if release.last_listed),
        context.journal.as_of.get(served.source),
        is_page=False,
        reasons=reasons or tuple(map(str, served.refusals)),
    )
