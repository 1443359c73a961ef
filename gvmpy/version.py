"""Go's version grammar and order, as cmd/go's internal/gover has them.

A version is `major[.minor[.patch | kind[pre]]]` without leading zeros; a patch and a kind never stand
together (1.9.2rc2 is no version). From 1.21 on, `1.21` names the language and sorts before `1.21rc1` and
`1.21.0`; up to 1.20, `1.20` is itself the first release and the same thing as `1.20.0`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import total_ordering

_GRAMMAR = re.compile(
    r"(?P<major>0|[1-9][0-9]{0,3})"
    r"(?:\.(?P<minor>0|[1-9][0-9]{0,3})"
    r"(?:\.(?P<patch>0|[1-9][0-9]{0,3})|(?P<kind>alpha|beta|rc)(?P<pre>0|[1-9][0-9]{0,3}))?)?"
)
_FIRST_WITH_LANGUAGE_VERSIONS = 21
_NO_PATCH = -1


@total_ordering
@dataclass(frozen=True, slots=True)
class GoVersion:
    """A valid Go version; `text` is its canonical name without the leading `go`."""

    text: str
    key: tuple[int, int, int, str, int] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> GoVersion:
        """Read `1.22.3` or `go1.22.3`; `1.20.0` becomes its only released name, `1.20`.

        Raises ValueError for anything outside the grammar.
        """
        match = _GRAMMAR.fullmatch(text.removeprefix("go"))
        if match is None:
            raise ValueError(f"not a Go version: {text[:40]!r}")
        major, minor = int(match["major"]), int(match["minor"] or 0)
        # Go asks for the minor alone: 2.0 is a release again, and the same thing as 2.0.0.
        names_language = minor >= _FIRST_WITH_LANGUAGE_VERSIONS
        patch = _NO_PATCH if match["kind"] or (match["patch"] is None and names_language) else 0
        if match["patch"] is not None:
            patch = int(match["patch"])
        name = match[0]
        if match["patch"] == "0" and not names_language:
            name = name.removesuffix(".0")
        return cls(name, (major, minor, patch, match["kind"] or "", int(match["pre"] or 0)))

    @property
    def name(self) -> str:
        """The version as Go spells it in file names and in `go version`: `go1.22.3`."""
        return f"go{self.text}"

    @property
    def minor(self) -> tuple[int, int]:
        """The release line, as a pair that sorts: (1, 22)."""
        return self.key[:2]

    @property
    def is_prerelease(self) -> bool:
        """Whether this is an alpha, beta or release candidate."""
        return bool(self.key[3])

    @property
    def is_release(self) -> bool:
        """Whether this can be a toolchain at all, rather than the name of a language version (1.21)."""
        return self.is_prerelease or self.key[2] != _NO_PATCH

    def __lt__(self, other: GoVersion) -> bool:
        return self.key < other.key

    def __str__(self) -> str:
        return self.text
