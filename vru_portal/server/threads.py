"""Threads that work for requests, how many requests may wait for them, and files that are made for several at once."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from vru_portal.server.refusals import ClientGone, RequestRefused


class Threads:
    """Some threads, and a limit of their own to how many wait for them or keep them busy."""

    def __init__(self, number: int, name: str, most: int) -> None:
        self.pool = ThreadPoolExecutor(number, name)
        self.most, self.waiting = most, 0

    async def run(self, function: Any, *arguments: Any) -> Any:
        """Run something in a thread; raises RequestRefused where too many are waiting for one."""
        if self.waiting >= self.most:
            raise RequestRefused(503, "Too many people are using this site at the moment. Try again in a few seconds.")
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, function, *arguments)
        finally:
            self.waiting -= 1


@dataclass
class FileInProgress:
    """A file that is being made, or waits for it, and how many clients wait for it."""

    task: "asyncio.Task[Any]"
    clients: int = 0


class FilesInProgress:
    """Makes files: each once for all clients that ask for it meanwhile, and none for clients who have left."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self.making: dict[Any, FileInProgress] = {}

    async def make(self, key: object, make: Callable[[], Any], gone: Awaitable[None]) -> Any:
        """What ``make`` returns in a thread. Raises ClientGone as soon as ``gone`` is over."""
        if (file := self.making.get(key)) is None:
            file = self.making[key] = FileInProgress(asyncio.create_task(self.threads.run(make)))
        file.clients += 1
        leaving = asyncio.ensure_future(gone)
        try:
            await asyncio.wait((file.task, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not file.task.done():
                raise ClientGone
            return file.task.result()
        finally:
            leaving.cancel()
            file.clients -= 1
            if not file.clients:
                file.task.cancel()  # without effect once it is made, and on a thread that has begun
                del self.making[key]
