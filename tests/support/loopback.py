"""A real HTTP server on loopback, with the faults that servers and middle boxes have."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Request(BaseHTTPRequestHandler):
    """One request, with helpers to answer it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        site = self.server.site
        site.requests.append((self.path, dict(self.headers)))
        faults = site.faults.get(path, [])
        handler = faults.pop(0) if faults else site.find(path)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            handler(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, path: Path, *, ranges: bool = True) -> None:
        size = path.stat().st_size
        asked = self.headers.get("Range", "") if ranges else ""
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if asked and start >= size:
            self.answer(416, Content_Range=f"bytes */{size}")
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        with path.open("rb") as stream:
            self.connection.sendfile(stream, start)

    def hang_up(self) -> None:
        """Close the connection, whatever was announced."""
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@dataclass
class Site:
    """What is served: exact paths, prefixes, and faults that are used up one a request."""

    base: str = ""
    paths: dict[str, Callable[[Request], None]] = field(default_factory=dict)
    prefixes: dict[str, Callable[[Request], None]] = field(default_factory=dict)
    faults: dict[str, list[Callable[[Request], object]]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def find(self, path: str) -> Callable[[Request], None]:
        if path in self.paths:
            return self.paths[path]
        for prefix, handler in self.prefixes.items():
            if path.startswith(prefix):
                return handler
        return lambda request: request.answer(404, b"not found\n")

    def file(self, path: str, file: Path) -> None:
        self.paths[path] = lambda request: request.send_file(file)

    def body(self, path: str, body: bytes, content_type: str = "application/json") -> None:
        self.paths[path] = lambda request: request.answer(200, body, Content_Type=content_type)

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the headers of every request for `path` so far."""
        return [headers for asked, headers in self.requests if asked.partition("?")[0] == path]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: Site, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.site = site
        self.tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the request's own thread: a client that refuses must not hold up the others."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)


@contextlib.contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a server for the length of the block; with `tls`, over https."""
    site = Site()
    server = _Server(site, tls)
    site.base = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
