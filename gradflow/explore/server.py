"""The explorer's server: Bokeh's, with everything it sends taken from the package."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
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
    OSError
        If it cannot listen there.
    """
    workers = executor or ThreadPoolExecutor(2, thread_name_prefix="explore")
    handler = FunctionHandler(partial(modify, executor=workers), trap_exceptions=False)
    lifetime = {
        "check_unused_sessions_milliseconds": UNUSED_MS // 3,
        "unused_session_lifetime_milliseconds": UNUSED_MS,
    }
    return Server(
        {"/": Application(handler)},
        port=port,
        address=address,
        allow_websocket_origin=None if port == 0 else origins(address, port),
        **{**lifetime, **options},
    )


def origins(address: str, port: int) -> list[str]:
    """Return the hosts from which a browser may connect."""
    names = {address, "localhost", "127.0.0.1"} if address in ("127.0.0.1", "localhost", "::1") else {address}
    if address in ("0.0.0.0", "::", ""):
        return ["*"]
    return sorted(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names)
