"""`gradflow explore`: the explorer in a browser, or as a page of its own."""

from __future__ import annotations

import errno
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gradflow.base.checks import not_installed
from gradflow.cli.options import check_directory, integer

MOST_PORT = 65_535

PORTS_FAULT = (errno.EADDRINUSE, errno.EACCES)
"""Errors of listening for which another port is the remedy; for others it is another address."""

PORT = Annotated[str, typer.Option(metavar="N", help="Where it listens; 0 takes a free port.")]
ADDRESS = Annotated[
    str, typer.Option(metavar="HOST", help="The address it listens on; by default this machine alone.")
]
NO_BROWSER = Annotated[bool, typer.Option("--no-browser", help="Open no browser; print the address only.")]
EXPORT = Annotated[
    Path | None,
    typer.Option(
        "--export",
        metavar="DIR",
        help="Write a page that opens from a file, with the famous failures, and end.",
    ),
]


def explore(
    port: PORT = "5006",
    address: ADDRESS = "127.0.0.1",
    no_browser: NO_BROWSER = False,
    export: EXPORT = None,
) -> None:
    """Explore trajectories from a start, in a browser.

    Click a start in the phase diagram, change rates, teacher, interval, activation, or draw a target of your
    own. Needs the extra `explore`. Ctrl-C ends it.
    """
    number = integer("--port", port, least=0, most=MOST_PORT)
    if find_spec("bokeh") is None:
        raise not_installed("explore", "bokeh", "explore")
    if export is not None:
        from gradflow.explore.export import write_page

        check_directory(export.parent, "--export")
        print(write_page(export))
        return
    from gradflow.explore.server import check_address, is_private, make_server

    try:
        check_address(address)
    except ValueError as error:
        raise ValueError(f"--{error}") from error
    try:
        server = make_server(number, address)
        private = is_private(address)
    except OSError as error:
        where = f"{address}:{number}"
        option = "--port" if error.errno in PORTS_FAULT else "--address"
        raise ValueError(f"{option}: cannot listen on {where}: {error.strerror or error}") from error
    host = f"[{address}]" if ":" in address else address
    url = f"http://{host}:{server.port}/"
    print(url, flush=True)
    if not private:
        print("gradflow: whoever reaches this address can use the explorer", file=sys.stderr)
    print("Ctrl-C ends it", file=sys.stderr)
    server.start()
    if not no_browser:
        import webbrowser

        server.io_loop.call_later(0.1, webbrowser.open, url)
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        print("", file=sys.stderr)
    finally:
        server.stop()
