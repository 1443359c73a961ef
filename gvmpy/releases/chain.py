"""The configured sources in order: the first that can serve does, and every refusal keeps its reason."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar

from gvmpy.errors import GvmpyError, IntegrityError, NetworkError, NoSuchVersionError, UsageError
from gvmpy.releases import sources
from gvmpy.releases.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gvmpy.platform import Platform
    from gvmpy.releases.model import Context, Release, Source


T = TypeVar("T")

PROXY_HINT = "behind a company proxy, set HTTPS_PROXY, or GOPROXY to your module proxy"


class TooLittleProofError(IntegrityError):
    """A source proves less than `trust.minimum` asks for; another may prove more."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one source did not serve."""

    source: str
    error: GvmpyError

    def __str__(self) -> str:
        return f"{self.source}: {self.error.message}"


@dataclass(frozen=True, slots=True)
class Served(Generic[T]):
    """What a source gave, and why those before it did not."""

    value: T
    source: str
    refusals: tuple[Refusal, ...]


def open_sources(context: Context) -> tuple[Source, ...]:
    """Return the sources of `sources.order`. Raises UsageError for a name nobody implements.

    The names that each lists are kept for completion.
    """
    check_names(context.config.sources)
    modules = [import_module(f"{sources.__name__}.{name}") for name in context.config.sources]
    return tuple(Remembered(module.open_source(context), context.config.cache) for module in modules)


def check_names(names: Sequence[str]) -> None:
    """Raise UsageError for a name of a source that nobody implements."""
    known = sorted(module.name for module in pkgutil.iter_modules(sources.__path__))
    for name in names:
        if name not in known:
            raise UsageError(f"unknown source {name!r} in `sources.order`", hint=f"known: {', '.join(known)}")


def first_to_serve(chain: Sequence[Source], what: str, attempt: Callable[[Source], T]) -> Served[T]:
    """Return what the first source to succeed at `attempt` gave.

    A source that cannot be reached, has nothing, or proves less than is asked for, passes the turn on. A
    failed proof or wrong bytes do not: that is not the moment to ask somebody else. Raises
    NoSuchVersionError when every source answered and none has it, NetworkError when one could not be asked,
    else IntegrityError; all list each source's own reason.
    """
    refusals: list[Refusal] = []
    for source in chain:
        try:
            return Served(attempt(source), source.name, tuple(refusals))
        except (NetworkError, NoSuchVersionError, TooLittleProofError) as error:
            refusals.append(Refusal(source.name, error))
    raise none_served(what, refusals)


def list_releases(chain: Sequence[Source], platform: Platform) -> Served[list[Release]]:
    """Return the releases of the first source that can list any, newest first."""

    def listed(source: Source) -> list[Release]:
        found = source.releases(platform)
        if all(release.last_listed for release in found):
            raise NoSuchVersionError(f"nothing listed for {platform}")
        return sorted(found, key=lambda release: release.version, reverse=True)

    return first_to_serve(chain, "the list of Go releases", listed)


def none_served(what: str, refusals: Sequence[Refusal]) -> GvmpyError:
    """Return the error that sums `refusals` up; `what` is what was asked for."""
    details = tuple(str(refusal) for refusal in refusals)
    hint = next((refusal.error.hint for refusal in refusals if refusal.error.hint), None)
    if not refusals:
        return UsageError("no source is configured", hint="set `sources.order` or GVMPY_SOURCES")
    if all(isinstance(refusal.error, NoSuchVersionError) for refusal in refusals):
        return NoSuchVersionError(f"no source has {what}", details=details, hint="gvmpy list --remote")
    if not any(isinstance(refusal.error, NetworkError) for refusal in refusals):
        return IntegrityError(f"no source proves {what} well enough", details=details, hint=hint)
    return NetworkError(f"no source could serve {what}", details=details, hint=hint or PROXY_HINT)
