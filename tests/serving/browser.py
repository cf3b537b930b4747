"""A real browser for tests: Chromium through chromedriver, by the W3C WebDriver protocol and nothing else."""

import base64
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time

import httpx
import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"),
)


class Browser:
    """One window."""

    def __init__(self, driver, session):
        self._driver, self._session = driver, session

    def _call(self, method, path, **body):
        arguments = {"json": body} if method == "POST" else {}
        answer = self._driver.request(method, f"/session/{self._session}{path}", **arguments).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{answer['error']}: {answer['message'].splitlines()[0]}")
        return answer

    def open(self, address):
        self._call("POST", "/url", url=address)

    def run(self, script, *args):
        """What a function body returns; an element is one of `find`."""
        return self._call("POST", "/execute/sync", script=script, args=list(args))

    def find(self, selector):
        return self._call("POST", "/element", using="css selector", value=selector)

    def type(self, selector, text):
        """Sends keys; to a file input, the path of a file."""
        element = self.find(selector)[_ELEMENT]
        self._call("POST", f"/element/{element}/value", text=text)

    def click(self, selector):
        self._call("POST", f"/element/{self.find(selector)[_ELEMENT]}/click")

    def tree(self, selector):
        """Role and name as a screen reader is told them."""
        element = self.find(selector)[_ELEMENT]
        return tuple(self._call("GET", f"/element/{element}/{what}") for what in ("computedrole", "computedlabel"))

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent.trim()", selector)

    def shows(self, selector):
        return self.run("return !!document.querySelector(arguments[0])?.checkVisibility()", selector)

    def screenshot(self, path=None):
        data = base64.b64decode(self._call("GET", "/screenshot"))
        if path:
            path.write_bytes(data)
        return data

    def messages(self):
        """What the page wrote on the console, errors that nobody caught included."""
        return [entry["message"] for entry in self._call("POST", "/se/log", type="browser")]

    @staticmethod
    def wait(condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.05)
        return found


@contextlib.contextmanager
def browser(width, height, phone=False):
    """A window of that size, with a finger instead of a mouse for a phone; skips where there is no Chromium."""
    chromedriver, chromium = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromedriver or not chromium:
        pytest.skip("needs Chromium and chromedriver (Debian: chromium, chromium-driver)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = [*_ARGUMENTS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        options = {"binary": chromium, "args": arguments}
        if phone:
            options["mobileEmulation"] = {
                "deviceMetrics": {"width": width, "height": height, "pixelRatio": 2.0, "touch": True, "mobile": True}
            }
        process = subprocess.Popen(
            [chromedriver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as driver:
                Browser.wait(lambda: _is_up(driver))
                capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
                made = driver.post("/session", json={"capabilities": {"alwaysMatch": capabilities}}).json()["value"]
                assert "sessionId" in made, made
                yield Browser(driver, made["sessionId"])
                driver.delete(f"/session/{made['sessionId']}")
        finally:
            process.terminate()
            process.wait(10)


def _is_up(driver):
    try:
        return driver.get("/status").json()["value"]["ready"]
    except httpx.TransportError:
        return False
