"""The default: one symbolic link, replaced by rename, so that no reader ever misses it.

Here it is read and put in place; gvmpy.switch.transaction is how it is changed.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gvmpy.errors import HostError
from gvmpy.files import replace_link, sync_directory
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from gvmpy.home import Home

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the default is, or may be: `name` as `1.22.3` or `system`, and the text of the link.

    Both are None for no default at all.
    """

    name: str | None
    link: str | None

    @classmethod
    def version(cls, version: GoVersion) -> Self:
        """Return the choice of a version of ours, installed or not."""
        return cls(version.text, f"../versions/{version.name}")

    @classmethod
    def system(cls, goroot: Path) -> Self:
        """Return the choice of a Go outside gvmpy: `links/go` stays a GOROOT for IDEs to point at."""
        return cls(SYSTEM, os.fspath(goroot))

    @classmethod
    def parse(cls, data: Any) -> Self:
        """Return the choice that as_data() put into words. Raises ValueError."""
        match data:
            case {"name": None, "link": None}:
                return cls(None, None)
            case {"name": str(name), "link": str(link)} if link and "\0" not in link:
                return cls(name if name == SYSTEM else GoVersion.parse(name).text, link)
        raise ValueError("not a choice")

    def as_data(self) -> dict[str, str | None]:
        """Return the same for JSON."""
        return {"name": self.name, "link": self.link}

    def ours(self) -> GoVersion | None:
        """Return the version, None where it is not one of ours."""
        return None if self.name in {None, SYSTEM} else GoVersion.parse(str(self.name))

    def __str__(self) -> str:
        return self.name or "none"


NOTHING = Choice(None, None)


def default_version(home: Home) -> str | None:
    """Return the default as `1.22.3`, as `system` when it is a Go outside our versions, or None."""
    if not home.default_link.is_symlink():
        return None
    # By where it leads, however that is spelled: the tree may be gone.
    target = Path(os.path.realpath(home.default_link))
    if target.parent != Path(os.path.realpath(home.versions)):
        return SYSTEM
    try:
        return GoVersion.parse(target.name).text
    except ValueError:
        return SYSTEM


def current_choice(home: Home) -> Choice:
    """Return the default with its link as it is now."""
    with contextlib.suppress(OSError):
        link = os.readlink(home.default_link)
        if name := default_version(home):
            return Choice(name, link)
    return NOTHING


def as_before(name: str | None) -> str:
    """Say that the default is still `name`, or still none."""
    return f"the default is {name} as before" if name else "there is no default, as before"


def put(home: Home, choice: Choice) -> None:
    """Make the link what `choice` says, by one rename; take it away for none. The caller holds the lock.

    Raises HostError when the system refuses.
    """
    link = home.default_link
    try:
        if choice.link is not None:
            replace_link(link, choice.link)
        elif link.is_symlink():
            link.unlink()
            sync_directory(link.parent)
    except OSError as error:
        verb = "replace" if choice.link is not None else "remove"
        raise HostError(f"cannot {verb} `{link}`: {error.strerror}") from error
