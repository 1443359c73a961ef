from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import NetworkError, NoSuchVersionError, UsageError
from gvmpy.install.plan import newest, plan
from gvmpy.platform import Platform
from gvmpy.releases.model import Release
from gvmpy.selection.request import Moving, Prefix, parse_request
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from gvmpy.releases.model import Artifact

HERE = Platform("linux", "amd64")


def releases(*texts: str) -> list[Release]:
    versions = [GoVersion.parse(text) for text in texts]
    return [Release(version, stable=not version.is_prerelease) for version in versions]


EVERY = releases("1.20", "1.20.14", "1.21rc4", "1.21.0", "1.21.13", "1.22.9", "1.22.10", "1.23rc1", "1.23rc2")


class Listing:
    """A source that has a list, and counts who asks for it."""

    def __init__(self, found: list[Release] | Exception, name: str = "listing") -> None:
        self.name = name
        self.asked = 0
        self._found = found

    def releases(self, platform: Platform) -> list[Release]:
        self.asked += 1
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        raise AssertionError("planning fetches nothing")


def planned(text: str, found: list[Release] = EVERY) -> str:
    request = parse_request(text)
    assert isinstance(request, Prefix | Moving)
    return newest(request, found).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.22", "1.22.10"),
        ("go1.22", "1.22.10"),
        ("1.21", "1.21.13"),
        ("1.20", "1.20.14"),
        ("1.23", "1.23rc2"),
        ("1", "1.22.10"),
        ("latest", "1.22.10"),
        ("stable", "1.22.10"),
        ("oldstable", "1.21.13"),
        ("unstable", "1.23rc2"),
    ],
)
def test_newest(text: str, expected: str) -> None:
    assert planned(text) == expected
    assert planned(text, EVERY[::-1]) == expected


def test_unstable_is_stable_where_nothing_newer_is() -> None:
    assert planned("unstable", releases("1.22rc2", "1.22.0", "1.21.5")) == "1.22.0"


def test_a_language_version_is_no_release() -> None:
    assert planned("1.21", releases("1.21", "1.21rc2")) == "1.21rc2"


def test_a_prefix_ends_at_a_number() -> None:
    with pytest.raises(NoSuchVersionError):
        planned("1.2", releases("1.20", "1.22.3"))
    assert planned("1.2", releases("1.2", "1.2.2", "1.20")) == "1.2.2"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.24", EVERY),
        ("oldstable", releases("1.22.3", "1.22.4", "1.21rc1")),
        ("latest", releases("1.22rc1")),
        ("unstable", []),
        ("oldstable", []),
    ],
)
def test_nothing_fits(text: str, found: list[Release]) -> None:
    with pytest.raises(NoSuchVersionError) as caught:
        planned(text, found)
    assert caught.value.message == f"lists no Go that `{text}` means"


def test_exact_versions_ask_no_list() -> None:
    source = Listing(NetworkError("must not be asked"))
    found = plan([parse_request(text) for text in ("1.22.3", "go1.99.0", "1.23rc1")], [source], HERE)
    assert [item.version.text for item in found] == ["1.22.3", "1.99.0", "1.23rc1"]
    assert source.asked == 0


def test_each_once_and_in_order_by_one_list() -> None:
    source = Listing(EVERY)
    texts = ["1.22", "1.20.14", "latest", "1.22.10", "1.20", "1.21"]
    found = plan([parse_request(text) for text in texts], [source], HERE)
    assert [item.version.text for item in found] == ["1.22.10", "1.20.14", "1.21.13"]
    assert source.asked == 1


def test_the_first_source_with_a_list_answers() -> None:
    silent, empty = Listing(NetworkError("down"), "silent"), Listing([], "empty")
    found = plan([parse_request("1.22"), parse_request("1.21")], [silent, empty, Listing(EVERY)], HERE)
    assert [item.version.text for item in found] == ["1.22.10", "1.21.13"]
    assert (silent.asked, empty.asked) == (1, 1)
    assert [str(refusal) for refusal in found[0].refusals] == [
        "silent: down",
        "empty: lists no Go that `1.22` means",
    ]


def test_a_list_that_lacks_it_passes_the_turn_on() -> None:
    chain = [Listing(releases("1.21.5"), "partial"), Listing(EVERY)]
    assert [item.version.text for item in plan([parse_request("1.22")], chain, HERE)] == ["1.22.10"]


def test_nobody_has_it() -> None:
    """Whoever could not be asked might have had it: that is no "no such version"."""
    down, lists = Listing(NetworkError("down"), "one"), Listing(EVERY, "two")
    with pytest.raises(NoSuchVersionError) as sure:
        plan([parse_request("1.99")], [lists], HERE)
    assert sure.value.details == ("two: lists no Go that `1.99` means",)
    with pytest.raises(NetworkError) as unsure:
        plan([parse_request("1.99")], [down, lists], HERE)
    assert unsure.value.details == ("one: down", "two: lists no Go that `1.99` means")


@pytest.mark.parametrize("text", ["system", "-", "work"])
def test_what_cannot_be_installed(text: str) -> None:
    with pytest.raises(UsageError, match="names no version to install"):
        plan([parse_request(text)], [Listing(EVERY)], HERE)
