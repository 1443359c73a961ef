"""A tiny real module, fetched once from the machine's own GOPROXY and served again on loopback."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from gvmpy.goenv.goproxy import parse_goproxy
from gvmpy.net import Network
from tests.support import toolchains

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.loopback import Request, Site

MODULE, VERSION = "rsc.io/quote", "v1.5.2"
_SUFFIXES = ("info", "mod", "zip")


def fetch() -> Path:
    """Return a directory that is a GOPROXY with the module in it."""
    top = toolchains.CACHE / "module-proxy"
    place = top / MODULE / "@v"
    if not all((place / f"{VERSION}.{suffix}").exists() for suffix in _SUFFIXES):
        place.mkdir(parents=True, exist_ok=True)
        [proxy, *_] = [
            entry.base for entry in parse_goproxy(toolchains.real_goproxy()) if "://" in entry.base
        ]
        with Network(os.environ) as network:
            for suffix in _SUFFIXES:
                answer = network.get(f"{proxy}/{MODULE}/@v/{VERSION}.{suffix}", limit=1 << 20)
                assert answer.status == 200, answer
                temporary = place / f".{suffix}.{os.getpid()}"
                temporary.write_bytes(answer.body)
                os.replace(temporary, place / f"{VERSION}.{suffix}")
    return top


def serve_module(site: Site) -> str:
    """Serve the module, and the relay of the checksum database, below /proxy; return that address."""
    place = fetch() / MODULE / "@v"
    for suffix in _SUFFIXES:
        site.file(f"/proxy/{MODULE}/@v/{VERSION}.{suffix}", place / f"{VERSION}.{suffix}")
    toolchains.serve_goproxy(site, [])
    return f"{site.base}/proxy"


def guard(site: Site, user_and_password: str) -> None:
    """Let nobody in without them (HTTP basic authentication)."""
    wanted = "Basic " + base64.b64encode(user_and_password.encode()).decode()

    def guarded(handler: Callable[[Request], None]) -> Callable[[Request], None]:
        def check(request: Request) -> None:
            if request.headers.get("Authorization") == wanted:
                handler(request)
            else:
                request.answer(401, WWW_Authenticate='Basic realm="modules"')

        return check

    site.paths = {path: guarded(handler) for path, handler in site.paths.items()}
    site.prefixes = {path: guarded(handler) for path, handler in site.prefixes.items()}
