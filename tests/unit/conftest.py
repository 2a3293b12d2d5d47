"""A local HTTP server whose answers can be made to fail in the ways that real ones do."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hypothesis
import pytest

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


class Server:
    """Serves `files` (path to bytes); `faults` holds, for a path, what its next answers do.

    A fault is "500" or another status, "cut N" (close after N bytes of the promised length),
    "short N" (the same, with no length promised), "slow S" (wait S seconds first) or
    "no-range" (answer with the whole). `types` gives content types.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.pause = 0.0
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def count(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == path)


class _Handler(BaseHTTPRequestHandler):
    owner: Server

    def do_HEAD(self) -> None:
        self._empty(405)

    def do_GET(self) -> None:
        owner, path = self.owner, self.path
        wanted = self.headers.get("Range", "")
        owner.asked.append((path, wanted))
        owner.headers.append(dict(self.headers))
        fault = owner.faults[path].pop(0) if owner.faults[path] else ""
        kind, _, number = fault.partition(" ")
        if kind == "slow":
            time.sleep(float(number))
        if kind.isdigit():
            self._empty(int(kind))
            return
        body = owner.files.get(path)
        if body is None:
            self._empty(404)
            return
        start = 0
        if re.fullmatch(r"bytes=\d+-", wanted) and kind != "no-range":
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self._empty(416)
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if kind != "short":
            self.send_header("Content-Length", str(len(body) - start))
        self.send_header("Content-Type", owner.types.get(path, "application/octet-stream"))
        self.end_headers()
        end = start + int(number) if kind in ("cut", "short") else len(body)
        self._send(body[start:end])
        self.close_connection = True

    def _send(self, body: bytes) -> None:
        step = 1 << 16
        try:
            for begin in range(0, len(body), step):
                self.wfile.write(body[begin : begin + step])
                if self.owner.pause:
                    time.sleep(self.owner.pause)
        except OSError:
            pass

    def _empty(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()
