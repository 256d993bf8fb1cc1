"""Linear algebra on one thread."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["single_threaded"]


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def single_threaded() -> AbstractContextManager[Any]:
    """Return a context in which numpy multiplies matrices on one thread; entering costs about ten microseconds.

    On small matrices the threads of the linear-algebra library spin longer than they compute: products of 40 × 4,096
    numbers were measured to take thirty times as long on two threads as on one.
    """
    context: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return context
