"""Pictures without waiting for a compiler: what is not compiled yet is, aside, for the pictures to come."""

from __future__ import annotations

import logging
from threading import Lock, Thread

from gradflow.compiled.jit import NotKeptError, kept_only
from gradflow.explore.frames import Picture, picture
from gradflow.explore.state import State

LOG = logging.getLogger(__name__)

_BUSY = Lock()


def picture_at_once(state: State) -> Picture:
    """Return the picture of a state by code that is there, and have what is not there compiled aside."""
    try:
        with kept_only():
            return picture(state)
    except NotKeptError:
        # The compiler ends with the process: nobody waits for it.
        Thread(target=compile_for, args=(state,), name="explore-compiler", daemon=True).start()
        return picture(state, plain=True)


def compile_for(state: State) -> None:
    """Compile what pictures like that of a state need, unless something is being compiled."""
    if not _BUSY.acquire(blocking=False):
        return
    try:
        picture(state)
    except Exception:
        LOG.exception("explorer: compiling")
    finally:
        _BUSY.release()
