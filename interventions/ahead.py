"""Some people at a time, so that memory stays bounded, and the next ones while the last are being written."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Made = TypeVar("Made")
WORKERS = 2


def made_ahead(make: Callable[[Part], Made], parts: Iterable[Part]) -> Iterator[Made]:
    """Yield what is made of each part, in their order, from threads: Polars and the writer of files hold no lock."""
    with ThreadPoolExecutor(WORKERS) as pool:
        begun: deque[Future[Made]] = deque()
        for part in parts:
            begun.append(pool.submit(make, part))
            if len(begun) == WORKERS:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
