from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.config import Config
from gvmpy.errors import GvmpyError, HostError, IntegrityError, NetworkError, NoSuchVersionError, UsageError
from gvmpy.goenv.settings import GoSettings
from gvmpy.home import Home
from gvmpy.net import Network, TransientError
from gvmpy.platform import Platform
from gvmpy.releases import sources
from gvmpy.releases.chain import first_to_serve, list_releases, open_sources
from gvmpy.releases.model import Context, Release
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from gvmpy.releases.model import Artifact

HERE = Platform("linux", "amd64")


class Named:
    """A source that is only a name, and what it lists."""

    def __init__(self, name: str, found: list[Release] | GvmpyError | None = None) -> None:
        self.name = name
        self._found = found

    def releases(self, platform: Platform) -> list[Release]:
        if isinstance(self._found, GvmpyError):
            raise self._found
        return self._found or []

    def artifact(self, version: GoVersion, platform: Platform) -> Artifact:
        raise NotImplementedError


def ask(**outcomes: Any) -> Any:
    """Ask sources of these names in order; an outcome that is an error is raised."""

    def attempt(source: Any) -> Any:
        outcome = outcomes[source.name]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return first_to_serve([Named(name) for name in outcomes], "go1.22.3", attempt)


def test_the_first_serves() -> None:
    served = ask(one="a", two=AssertionError("must not be asked"))
    assert (served.value, served.source, served.refusals) == ("a", "one", ())


def test_refusals_keep_their_reasons() -> None:
    served = ask(one=NetworkError("down"), two=NoSuchVersionError("not here"), three="c")
    assert (served.value, served.source) == ("c", "three")
    assert [str(refusal) for refusal in served.refusals] == ["one: down", "two: not here"]


@pytest.mark.parametrize("error", [IntegrityError("forged"), HostError("disk full"), UsageError("what?")])
def test_these_do_not_pass_the_turn_on(error: GvmpyError) -> None:
    """A failed proof is not the moment to ask somebody who proves less."""
    with pytest.raises(type(error)) as caught:
        ask(one=error, two="b")
    assert caught.value is error


def test_nobody_has_it() -> None:
    with pytest.raises(NoSuchVersionError) as caught:
        ask(one=NoSuchVersionError("not here"), two=NoSuchVersionError("nor here"))
    assert caught.value.exit_code == 3
    assert caught.value.message == "no source has go1.22.3"
    assert caught.value.details == ("one: not here", "two: nor here")
    assert caught.value.hint == "gvmpy list --remote"


@pytest.mark.parametrize("failure", [NetworkError("down"), TransientError("busy")])
def test_somebody_may_have_it(failure: NetworkError) -> None:
    with pytest.raises(NetworkError) as caught:
        ask(one=NoSuchVersionError("not here"), two=failure)
    assert caught.value.exit_code == 4
    assert caught.value.message == "no source could serve go1.22.3"
    assert caught.value.details == ("one: not here", f"two: {failure.message}")


def test_no_source_at_all() -> None:
    with pytest.raises(UsageError, match="no source is configured") as caught:
        ask()
    assert caught.value.hint == "set `sources.order` or GVMPY_SOURCES"


def test_lists_are_sorted_and_never_empty() -> None:
    found = [Release(GoVersion.parse(text), stable=True) for text in ("1.9", "1.22.3", "1.22.10", "1.21rc1")]
    served = list_releases([Named("one"), Named("two", NetworkError("down")), Named("three", found)], HERE)
    assert [release.version.text for release in served.value] == ["1.22.10", "1.22.3", "1.21rc1", "1.9"]
    assert [str(refusal) for refusal in served.refusals] == [
        "one: nothing listed for linux-amd64",
        "two: down",
    ]


def context(tmp_path: Path, network: Network, *names: str) -> Context:
    return Context(Config(sources=names, cache=tmp_path), network, Home(tmp_path), GoSettings({}, []))


def test_sources_are_opened_in_order_and_ask_nothing(tmp_path: Path) -> None:
    with Network({}, offline=True) as network:
        opened = open_sources(context(tmp_path, network, "goproxy", "official"))
    assert [source.name for source in opened] == ["goproxy", "official"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["offical", "", "official.open_source", "../x", "__init__", "os"])
def test_unknown_sources(tmp_path: Path, name: str) -> None:
    with Network({}, offline=True) as network, pytest.raises(UsageError) as caught:
        open_sources(context(tmp_path, network, name))
    assert caught.value.message == f"unknown source {name!r} in `sources.order`"
    files = sorted(path.stem for path in Path(sources.__file__).parent.glob("*.py"))
    assert caught.value.hint == f"known: {', '.join(files[1:])}"
