"""What cannot be listened on is blamed on the port where another port helps, else on the address."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from tests.cli.command import refused

pytest.importorskip("bokeh")

from gradflow.explore.server import is_private, make_server, origins


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


@pytest.mark.parametrize("address", ["", " "])
def test_no_address_is_not_every_address(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "explore", "--address", address, "--no-browser")
    assert line == f"--address: expected a host's name or number, such as 127.0.0.1, got {address!r}"
    with pytest.raises(ValueError, match=r"^address: expected a host's name"):
        make_server(0, address)


@pytest.mark.parametrize(
    ("address", "hosts", "private"),
    [
        ("127.0.0.1", ["127.0.0.1:7", "localhost:7"], True),
        ("::1", ["127.0.0.1:7", "[::1]:7", "localhost:7"], True),
        ("192.0.2.1", ["192.0.2.1:7"], False),
        ("2001:db8::1", ["[2001:db8::1]:7"], False),
        ("0.0.0.0", ["*"], False),
        ("0", ["*"], False),
        ("::", ["*"], False),
    ],
)
def test_pages_of_the_address_alone_may_connect(address: str, hosts: list[str], private: bool) -> None:
    assert origins(address, 7) == hosts
    assert is_private(address) == private


def test_the_page_of_a_free_port_may_connect() -> None:
    server = make_server(0, "127.0.0.1")
    assert f"127.0.0.1:{server.port}" in server._tornado.websocket_origins
    server.stop()
    server.io_loop.close(all_fds=True)
