"""What a user may write where a version is wanted, parsed into a value.

On the command line: `1.22.3`, `go1.22.3`, a prefix `1.22`, a range `^1.21`, a channel, an alias, `system`, or
`-` for the previous choice. A project file and $GVMPY_VERSION may hold neither ranges nor channels nor `-`:
what they mean would change from one day, or one shell, to the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from gvmpy.errors import UsageError
from gvmpy.version import GoVersion

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DEFAULT_LINK = "go"
_SHOWN = 40
# What no other request has in it.
_RANGE_MARKS = frozenset("^~<>=!*|, \t")


class Channel(Enum):
    """A name for a version that moves as Go is released."""

    LATEST = "latest"
    STABLE = "stable"
    OLDSTABLE = "oldstable"
    UNSTABLE = "unstable"


_CHANNELS = {channel.value: channel for channel in Channel}


@dataclass(frozen=True, slots=True)
class Exact:
    """One version: `1.22.3`, `go1.22.3`, `1.23rc1`; `1.20.0` is the release called go1.20."""

    version: GoVersion

    def __str__(self) -> str:
        return self.version.text


@dataclass(frozen=True, slots=True)
class Prefix:
    """The newest of a line: `1.22` or `1`; prereleases count only where there is nothing else.

    `1.20` is a prefix although a release bears that name; the release alone is `1.20.0`.
    """

    text: str

    def matches(self, version: GoVersion) -> bool:
        """Whether `version` is a release or prerelease of this line."""
        rest = version.text.removeprefix(self.text)
        belongs = version.text.startswith(self.text) and not rest[:1].isdigit()
        return belongs and version.is_release

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Range:
    """The newest that keeps within bounds, as gvmpy.selection.ranges reads them: `^1.21`, `>=1.21,<1.23`.

    `specifiers` are the bounds in the words of PEP 440. `prereleases`: whether a bound is one, so that they
    count as much as releases do.
    """

    text: str
    specifiers: str
    prereleases: bool

    def matches(self, version: GoVersion) -> bool:
        """Whether `version` is a release or prerelease within the bounds."""
        from gvmpy.selection.ranges import contains

        return version.is_release and contains(self, version)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Moving:
    """A channel, to be answered by a source of releases, or from what is installed."""

    channel: Channel

    def __str__(self) -> str:
        return self.channel.value


@dataclass(frozen=True, slots=True)
class Alias:
    """A name the user gave a toolchain: links/NAME."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class System:
    """The `go` that PATH gives without gvmpy."""

    def __str__(self) -> str:
        return "system"


@dataclass(frozen=True, slots=True)
class Previous:
    """What was chosen before the present choice."""

    def __str__(self) -> str:
        return "-"


PinRequest = Exact | Prefix | Alias | System
Request = PinRequest | Range | Moving | Previous


def parse_request(text: str) -> Request:
    """Read a request as the command line takes it. Raises UsageError for anything else."""
    if text == "-":
        return Previous()
    if text in _CHANNELS:
        return Moving(_CHANNELS[text])
    if _looks_like_range(text):
        from gvmpy.selection.ranges import parse_range

        return parse_range(text)
    try:
        return parse_pin(text)
    except ValueError as error:
        raise UsageError(
            f"`{printable(text)}` is neither a version nor an alias",
            hint=_suggestion(text)
            or "write a version such as `1.22.3`, a prefix `1.22`, a range `^1.21`, or `latest`",
        ) from error


def _suggestion(text: str) -> str | None:
    """Read what other tools accept: `v1.22.3`."""
    plain = text.removeprefix("v")
    return f"did you mean `{plain}`?" if plain != text and _is_version(plain) else None


def _looks_like_range(text: str) -> bool:
    marked = not _RANGE_MARKS.isdisjoint(text) or text.lower().endswith(".x")
    return marked and any("0" <= character <= "9" for character in text)


def parse_pin(text: str) -> PinRequest:
    """Read a request as project files and $GVMPY_VERSION may hold it.

    Raises ValueError otherwise; its message does not repeat the text, which may be hostile.
    """
    if text == "system":
        return System()
    try:
        version = GoVersion.parse(text)
    except ValueError:
        if is_alias_name(text):
            return Alias(text)
        raise ValueError("neither a version nor an alias nor `system`") from None
    written = text.removeprefix("go")
    names_line = written.count(".") < 2 and not version.is_prerelease  # noqa: PLR2004 (major.minor.patch)
    return Prefix(written) if names_line else Exact(version)


def is_alias_name(text: str) -> bool:
    """Whether an alias may be called so: `go` is the default's link, and the other words are taken."""
    taken = text in _CHANNELS or text in {_DEFAULT_LINK, "system"}
    return _ALIAS.fullmatch(text) is not None and not taken and not _is_version(text)


def _is_version(text: str) -> bool:
    """`go1` fits the grammar of aliases too, and means the version."""
    try:
        GoVersion.parse(text)
    except ValueError:
        return False
    return True


def printable(text: str) -> str:
    """Return the beginning of `text`, fit for a message: it may be hostile."""
    return "".join(character if character.isprintable() else "?" for character in text[:_SHOWN])
