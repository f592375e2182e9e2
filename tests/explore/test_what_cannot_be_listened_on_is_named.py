"""What cannot be listened on is blamed on the port where another port helps, else on the address."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from tests.cli.command import refused

pytest.importorskip("bokeh")


@pytest.mark.parametrize(
    ("error", "option"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "--address"),
        (OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL)), "--address"),
        (OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)), "--port"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), "--port"),
    ],
)
def test_the_option_at_fault_is_named(
    error: OSError, option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(port: int, address: str) -> None:
        raise error

    # The real server leaves a socket open when it cannot listen.
    monkeypatch.setattr("gradflow.explore.server.make_server", fails)
    line = refused(capsys, "explore", "--address", "banana", "--no-browser")
    assert line == f"{option}: cannot listen on banana:5006: {error.strerror}"
