"""The pages of nights over HTTP on the loopback interface: ``python -m habitlake.report.serve --port N --folder PATH``.

It answers for the pages of nights alone, by the shape of their names: whatever else lies in the folder, the pages of
people above all, cannot be asked for, since whoever reaches the port reads without a login.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

NIGHT_PAGE = re.compile(r"night-\d{4}-\d{2}-\d{2}\.html")
HOSTS = frozenset({"127.0.0.1", "localhost"})
EMPTY = b"No page is written yet: the nightly run writes one, and so does `habitlake report`.\n"


def night_pages(folder: Path) -> list[str]:
    """Return the names of the nights' pages in the folder, oldest first."""
    return sorted(path.name for path in folder.glob("night-*.html") if NIGHT_PAGE.fullmatch(path.name))


class PageHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD: ``/`` goes to the newest night, ``/night-DATE.html`` is that night."""

    folder: Path

    def do_GET(self) -> None:
        """Answer with a page."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers of a page."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        # A page elsewhere on the web may not read these through a name that it points to this address.
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in HOSTS:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, b"", body=body)
            return
        name = urlsplit(self.path).path.removeprefix("/")
        pages = night_pages(self.folder)
        if not name and pages:
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", f"/{pages[-1]}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif not name:
            self._send(HTTPStatus.NOT_FOUND, EMPTY, kind="text/plain", body=body)
        elif name in pages:
            self._send(HTTPStatus.OK, (self.folder / name).read_bytes(), body=body)
        else:
            self._send(HTTPStatus.NOT_FOUND, b"no such page\n", kind="text/plain", body=body)

    def _send(self, status: HTTPStatus, content: bytes, *, kind: str = "text/html", body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        if body:
            self.wfile.write(content)


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the folder's pages on the loopback interface, bound and not yet running."""
    handler = type("FolderHandler", (PageHandler,), {"folder": folder})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(argv)
    with server(options.folder, options.port) as running:
        running.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
