"""Values that Go would take, and values shown without passwords."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.errors import UsageError
from gvmpy.profiles.values import check_value, has_credentials, redacted, without_credentials
from gvmpy.profiletables import SETTINGS


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GOPRIVATE", "", "may not be empty"),
        ("GOPRIVATE", "a\nGOPROXY=https://evil.example", "cannot be shown"),
        ("GOPRIVATE", "a\r", "cannot be shown"),
        ("GOPRIVATE", "a\0b", "cannot be shown"),
        ("GOPRIVATE", "caf\udce9", "cannot be shown"),
        ("GOPRIVATE", " a", "blank"),
        ("GOPROXY", "nonsense", "neither a URL"),
        ("GOPROXY", "http://ada:SECRET@proxy.corp", "plain http"),
        ("GOSUMDB", "on", "cannot be used"),
        ("GOTOOLCHAIN", "1.22.3", "may not be"),
        ("GOTOOLCHAIN", "go1.22.3+", "may not be"),
        ("GOFLAGS", "mod=mod", "no flag"),
        ("GOFLAGS", "-a - -b", "no flag"),
        ("GOFLAGS", "'-a", "other end"),
        ("GOVCS", "github.com", "no pattern|not pattern"),
        ("GOVCS", "a:git,", "not pattern"),
        ("GOVCS", "a:git,a:hg", "twice"),
        ("GOVCS", "./a:git", "relative"),
        ("GOAUTH", "off;netrc", "cannot be combined"),
        ("GOAUTH", "netrc;;x", "empty command"),
        ("GOAUTH", "git here", "absolute"),
        ("HTTPS_PROXY", "ftp://proxy", "http, https or socks5"),
        ("HTTPS_PROXY", "http://ada:SEC/RET@proxy", "http, https or socks5"),
        ("HTTP_PROXY", "proxy:99999", "http, https or socks5"),
    ],
)
def test_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_value(name, value)
    assert "SEC" not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOPROXY", "https://ada:pw@proxy.corp|direct"),
        ("GOPROXY", "off"),
        ("GOSUMDB", "off"),
        ("GOSUMDB", "sum.golang.org https://proxy.corp/sumdb/sum.golang.org"),
        ("GOTOOLCHAIN", "go1.22.3+path"),
        ("GOFLAGS", "-mod=mod '-ldflags=-s -w' --trimpath"),
        ("GOVCS", "*.corp:git|hg, *:off"),
        ("GOAUTH", "netrc; git /home/ada/src"),
        ("HTTPS_PROXY", "ada:pw@proxy.corp:3128"),
        ("HTTP_PROXY", "socks5://127.0.0.1:1080"),
        ("NO_PROXY", ".corp,10.0.0.0/8"),
    ],
)
def test_taken(name: str, value: str) -> None:
    check_value(name, value)


@given(
    st.sampled_from(SETTINGS),
    st.lists(
        st.sampled_from([*"@[]:/'\" ,|;=-%.+#?1a", "file://", "https://", "off", "go1", "git", "\udcff"])
    ),
)
def test_junk(name: str, parts: list[str]) -> None:
    """Whatever comes: taken, or one refusal; and where a password is to be left out, none is left."""
    value = "".join(parts)
    with contextlib.suppress(UsageError):
        check_value(name, value)
    assert not has_credentials(without_credentials(value))
    assert redacted(redacted(value)) == redacted(value)


@pytest.mark.parametrize(
    ("value", "shown", "bare"),
    [
        ("https://ada:pw@a.example,direct", "https://***@a.example,direct", "https://a.example,direct"),
        ("https://token@a|https://b", "https://***@a|https://b", "https://a|https://b"),
        ("ada:p@w@proxy:3128", "***@proxy:3128", "proxy:3128"),
        ("name+key https://u:p@h/x", "name+key https://***@h/x", "name+key https://h/x"),
        ("off", "off", "off"),
    ],
)
def test_shown_without_credentials(value: str, shown: str, bare: str) -> None:
    assert (redacted(value), without_credentials(value)) == (shown, bare)
    assert has_credentials(value) is (shown != value)
