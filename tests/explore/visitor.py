"""A visitor of the explorer without a browser: what is computed aside is done when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from html import unescape
from typing import Any

from bokeh.document import Document

from gradflow.explore.session import Session


class Later(Executor):
    """An executor that computes when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Future[Any]]] = []

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Keep the work."""
        future: Future[Any] = Future()
        self.jobs.append((lambda: work(*args, **kwargs), future))
        return future

    def work(self) -> None:
        """Do all that is kept."""
        jobs, self.jobs = self.jobs, []
        for work, future in jobs:
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)


class Visitor:
    """A document that is an explorer, driven by a test."""

    def __init__(self, address: str = "t_end=1") -> None:
        self.document, self.later = Document(), Later()
        self.session = Session(self.document, address, self.later)
        self.settle()

    def settle(self) -> None:
        """Have everything computed and shown."""
        while self.later.jobs or self.document.session_callbacks:
            self.later.work()
            for callback in list(self.document.session_callbacks):
                callback.callback()

    def find(self, name: str) -> Any:
        """Return a model by its name."""
        found = self.document.get_model_by_name(name)
        assert found is not None, name
        return found

    def error(self, name: str) -> str:
        """Return what is said beside a field; "" if nothing is."""
        model = self.find(f"{name}-error")
        return unescape(str(model.text)) if model.visible else ""
