"""A real browser for tests of pages: headless Chromium over the DevTools protocol, through a pair of pipes.

Source: Chrome DevTools Protocol, domains Page, Runtime, Network and Log; `--remote-debugging-pipe`.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

SECONDS = 30.0
# Nothing but what a test asks for: Chromium's own requests to the network are switched off.
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--window-size=1280,900", "--remote-debugging-pipe",
)  # fmt: skip


def chromium() -> str:
    """Return the program; skip the asking test, by name, where there is none (Debian's package is `chromium`)."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("needs Chromium, which is absent here")


class Page:
    """A page that is open. `urls`: all it has asked for; `complaints`: of its scripts and its console."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.urls: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        browser.heard[session] = self._note
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Load a page and wait until it has loaded."""
        self._loaded = False
        self.send("Page.navigate", url=url)
        while not self._loaded:
            self._browser.receive()

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, a promise's when it is settled."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **parameters)

    def _note(self, event: str, said: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            self.urls.append(said["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"]))
        elif event == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")


class Browser:
    """A browser that runs; `heard` is told the events of each session."""

    def __init__(self, out: int, into: int) -> None:
        self._out, self._into = out, into
        self._buffer = b""
        self._number = 0
        self.heard: dict[str, Callable[[str, dict[str, Any]], None]] = {}

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page in a context of its own, which shares neither cookies nor cache with any other."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        try:
            target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
            yield Page(self, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        finally:
            self.heard.clear()
            self.send("Target.disposeBrowserContext", browserContextId=context)

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self._number:
            pass
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    def receive(self) -> dict[str, Any]:
        """Return the next message, an event once its page was told."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._out], [], [], SECONDS)
            assert ready, "the browser does not answer"
            self._buffer += os.read(self._out, 1 << 16)
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message and message.get("sessionId") in self.heard:
            self.heard[message["sessionId"]](message["method"], message.get("params", {}))
        return message


class _Pipes:
    """Two pipes whose far ends are the descriptors 3 and 4 of the browser."""

    def __enter__(self) -> _Pipes:
        self.child_in, self.into = os.pipe()
        self.out, self.child_out = os.pipe()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for descriptor in (self.into, self.out):
            os.close(descriptor)


@contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """A browser; `folder` keeps its profile."""
    program = chromium()
    with _Pipes() as pipes:
        # A shell puts the descriptors where the browser looks for them.
        command = f'exec "$0" "$@" 3<&{pipes.child_in} 4>&{pipes.child_out}'
        process = subprocess.Popen(
            ["bash", "-c", command, program, *OPTIONS, f"--user-data-dir={folder}"],
            pass_fds=(pipes.child_in, pipes.child_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(pipes.child_in)
        os.close(pipes.child_out)
        try:
            yield Browser(pipes.out, pipes.into)
        finally:
            process.terminate()
            process.wait(SECONDS)
