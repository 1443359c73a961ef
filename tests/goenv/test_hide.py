"""What is left of a setting that may be shown."""

from __future__ import annotations

import pytest

from gvmpy.goenv.hide import hide_credentials

SECRET = "hunter2"  # noqa: S105 - nobody's
HIDES = {
    "user and password": (
        "GOPROXY",
        f"https://me:{SECRET}@proxy.example/x,direct",
        "https://…@proxy.example/x,direct",
    ),
    "user alone": ("GOPROXY", f"https://{SECRET}@proxy.example|off", "https://…@proxy.example|off"),
    "bare signs in it": (
        "GOPROXY",
        f"https://me:{SECRET}@{SECRET}/x@proxy.example",
        "https://…@proxy.example",
    ),
    "each element": (
        "GOPROXY",
        f"https://a:{SECRET}@x.example,https://b:{SECRET}@y.example",
        "https://…@x.example,https://…@y.example",
    ),
    "without a scheme": ("GOPROXY", f"me:{SECRET}@proxy.example", "…@proxy.example"),
    "query": ("GOPROXY", f"https://proxy.example/x?t={SECRET}", "https://proxy.example/x?…"),
    "database": (
        "GOSUMDB",
        f"sum.example+1234+abc https://me:{SECRET}@x.example",
        "sum.example+1234+abc https://…@x.example",
    ),
    "linked": (
        "GOFLAGS",
        f"-mod=mod '-ldflags=-s -X main.key={SECRET} -w'",
        "-mod=mod '-ldflags=-s -X main.key=… -w'",
    ),
    "named": ("CGO_CFLAGS", f"-DAPI_TOKEN={SECRET} -O2", "-DAPI_TOKEN=… -O2"),
    "command": ("GOAUTH", f"netrc; mine --user {SECRET}", "netrc; mine …".replace("; ", ";")),
    "cache": ("GOCACHEPROG", f"/usr/bin/cache -t {SECRET}", "/usr/bin/cache …"),
}
KEEPS = {
    "plain": ("GOPROXY", "https://goproxy.cn,direct"),
    "with a port": ("GOPROXY", "http://127.0.0.1:8080/x|direct"),
    "patterns": ("GOPRIVATE", "*.corp.example,github.com/acme/*"),
    "path": ("GOPATH", "/home/ada/go:/home/ada/old@2"),
    "database": ("GOSUMDB", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
    "auth": ("GOAUTH", "netrc"),
    "flags": ("GOFLAGS", "-mod=vendor -trimpath"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "shown"), HIDES.values(), ids=HIDES)
def test_no_secret_is_shown(name: str, value: str, shown: str) -> None:
    assert hide_credentials(name, value) == shown
    assert SECRET not in shown


@pytest.mark.parametrize(("name", "value"), KEEPS.values(), ids=KEEPS)
def test_what_is_none_stays(name: str, value: str) -> None:
    assert hide_credentials(name, value) == value
