"""The explorer's server: Bokeh's, with everything it sends taken from the package."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlencode

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import Server
from bokeh.themes import Theme

from gradflow.explore.look import THEME
from gradflow.explore.page import TITLE, legend, template
from gradflow.explore.session import Session

UNUSED_MS = 15_000
"""So long after its page has gone a session is kept."""


def address_of(arguments: Mapping[str, list[bytes]]) -> str:
    """Return the query string of a request's arguments, the last of each."""
    return urlencode(
        {name: values[-1].decode(errors="replace") for name, values in arguments.items() if values}
    )


def modify(document: Document, executor: Executor) -> None:
    """Make a document an explorer of the state that its URL says."""
    context = document.session_context
    arguments = context.request.arguments if context is not None and context.request is not None else {}
    document.title = TITLE
    document.theme = Theme(json=THEME)
    document.template = template()
    document.template_variables["live"] = True
    document.template_variables["legend"] = legend()
    Session(document, address_of(arguments), executor)


def make_server(port: int, address: str, executor: Executor | None = None, **options: Any) -> Server:
    """Return a server that has not started yet.

    Parameters
    ----------
    port, address : int, str
        Where it listens; port 0 takes a free one.
    executor : Executor, optional
        What computes; by default two threads of its own.

    Raises
    ------
    ValueError
        If the address is empty.
    OSError
        If it cannot listen there.
    """
    check_address(address)
    workers = executor or ThreadPoolExecutor(2, thread_name_prefix="explore")
    handler = FunctionHandler(partial(modify, executor=workers), trap_exceptions=False)
    lifetime = {
        "check_unused_sessions_milliseconds": UNUSED_MS // 3,
        "unused_session_lifetime_milliseconds": UNUSED_MS,
    }
    server = Server({"/": Application(handler)}, port=port, address=address, **{**lifetime, **options})
    # Its own option knows neither the port that is taken for 0 nor addresses with colons.
    server._tornado.websocket_origins.update(origins(address, int(server.port or 0)))
    return server


def check_address(address: str) -> None:
    """Raise a one-line ValueError for an empty address, which would be every one that this machine has."""
    if not address.strip():
        raise ValueError(f"address: expected a host's name or number, such as 127.0.0.1, got {address!r}")


def origins(address: str, port: int) -> list[str]:
    """Return the hosts from which a browser may connect."""
    if any(number.is_unspecified for number in numbers(address)):
        return ["*"]
    names = {address, "localhost", "127.0.0.1"} if is_private(address) else {address}
    return sorted(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names)


def is_private(address: str) -> bool:
    """Whether only this machine reaches an address."""
    return all(number.is_loopback for number in numbers(address))


def numbers(address: str) -> list[IPv4Address | IPv6Address]:
    """Return what an address stands for: "localhost" for 127.0.0.1, "0" for all that there are.

    Raises
    ------
    OSError
        If it stands for nothing.
    """
    found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
