"""A headless Chromium driven over its DevTools pipe: opens a page, measures it, listens for errors and requests."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
TIMEOUT_S = 30
# What is wrong with the layout of the page, in words: nothing may stick out of the window, no text may lie on another.
CHECK = """
(() => {
  const problems = [], width = document.documentElement.clientWidth, seen = [];
  const shown = (node) => node.checkVisibility({checkVisibilityCSS: true, checkOpacity: true});
  const name = (node) => node.tagName.toLowerCase() + '.' + (node.className.baseVal ?? node.className)
    + ' "' + (node.textContent || '').trim().slice(0, 40) + '"';
  if (document.documentElement.scrollWidth > width) problems.push('the page scrolls sideways: '
    + document.documentElement.scrollWidth + ' > ' + width);
  for (const node of document.body.querySelectorAll('*')) {
    const box = node.getBoundingClientRect();
    if (!shown(node) || !box.width || node.matches('.skip') || node.parentElement.closest('.wide, svg')) continue;
    if (box.right > width + 1 || box.left < -1) problems.push('sticks out: ' + name(node));
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walker.nextNode());) {
    const parent = text.parentElement;
    if (!text.data.trim() || parent.closest('style, svg, .skip') || !shown(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) if (box.width > 1) seen.push({box, text: text.data.trim().slice(0, 30)});
  }
  seen.sort((one, other) => one.box.top - other.box.top);
  for (let i = 0; i < seen.length; i++) for (let j = i + 1; j < seen.length; j++) {
    const one = seen[i].box, other = seen[j].box;
    if (other.top > one.bottom) break;
    const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (across > 2 && down > 4) problems.push('overlaps: "' + seen[i].text + '" and "' + seen[j].text + '"');
  }
  return problems;
})()
"""


def find() -> str | None:
    """Where Chromium is; None where the machine has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One Chromium with one tab; a context manager that leaves no process behind."""

    def __enter__(self) -> "Browser":
        self.profile = tempfile.mkdtemp(prefix="habitlake-browser-")
        commands, self.write = os.pipe()
        self.read, answers = os.pipe()
        line = [str(find()), *FLAGS, f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank"]
        # Chromium reads commands from descriptor 3 and answers on descriptor 4.
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "browser", *line],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.buffer, self.count, self.session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self.read, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("the browser does not answer")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """The answer to one command; events that come meanwhile are kept."""
        self.count += 1
        request = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            message = self._next(deadline)
            if message.get("id") == self.count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def open(self, url: str, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """Load a page at a size and in a colour scheme, and wait until it is loaded."""
        self.events.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Page.navigate", url=url)
        deadline = time.monotonic() + TIMEOUT_S
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next(deadline))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def check(self) -> list[str]:
        """What is wrong with the layout; empty when nothing is."""
        return self.evaluate(CHECK)

    def errors(self) -> list[str]:
        """What the console said since the page was opened, and scripts that failed."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(event["params"])[:500] for event in self.events if event.get("method") in kinds]

    def requests(self) -> list[str]:
        """Every address asked for since the page was opened."""
        sent = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        picture = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(picture["data"]))
