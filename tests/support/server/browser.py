"""A real browser, without a window, that uses the web page of `llamapack serve`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tools.platforms.browsers import CHROMIUM, DRIVER

SECONDS = 60
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
"""Without the last ones, the browser itself looks for servers of its maker."""
TOAST = "[data-sonner-toast]"
LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class Browser:
    """One browser with a profile of its own, and what it asked for."""

    def __init__(self, profile: Path, screenshots: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which(CHROMIUM) or CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which(DRIVER) or DRIVER))
        self.screenshots = screenshots
        self.console: list[str] = []
        self.requests: list[tuple[str, str]] = []
        """Method and address."""
        self._bodies: list[tuple[str, str]] = []

    def close(self) -> None:
        self.driver.quit()

    def open(self, address: str) -> None:
        self.driver.get(address)

    def until(self, true: Callable[[], Any]) -> Any:
        """Wait until something is true, and return it; the page replaces its elements all the time."""
        waiting = WebDriverWait(self.driver, SECONDS, 0.1, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: true())

    def texts(self, selector: str) -> list[str]:
        """Return the texts of elements, read at once."""
        script = "return [...document.querySelectorAll(arguments[0])].map(each => each.innerText.trim())"
        found: list[str] = self.driver.execute_script(script, selector)
        return found

    def found(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def find(self, selector: str) -> WebElement:
        """Wait for an element."""
        found: WebElement = self.until(lambda: next(iter(self.found(selector)), None))
        return found

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.texts("body")[0]

    def wait_for_text(self, text: str) -> None:
        self.until(lambda: text in self.text)

    def button(self, name: str) -> WebElement:
        """Wait for a button with this label or text, which can be seen."""

        def look() -> WebElement | None:
            for each in self.found("button, [role=menuitem], [role=option]"):
                if name in (each.get_attribute("aria-label"), each.text.strip()) and each.is_displayed():
                    return each
            return None

        found: WebElement = self.until(look)
        return found

    def click(self, name: str) -> None:
        self.button(name).click()

    def send(self, text: str) -> None:
        """Write into the page's field, and send it."""
        field = self.find("textarea")
        field.send_keys(text)
        self.until(lambda: field.get_attribute("value") == text)
        field.send_keys(Keys.ENTER)

    def answers(self) -> list[str]:
        """What the model has said, as far as it has come."""
        return self.texts("[aria-label='Assistant message with actions']")

    def generating(self) -> bool:
        return "Stop" in self.texts("form button")

    def shoot(self, name: str) -> None:
        self.screenshots.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def read_logs(self) -> None:
        """Take what was logged since the last time: the driver forgets it."""
        self.console += [each["message"] for each in self._log("browser")]
        for method, parameters in _events(self._log("performance")):
            if method == "Network.requestWillBeSent":
                request = parameters["request"]
                self.requests.append((request["method"], request["url"]))
                self._bodies.append((request["url"], request.get("postData", "")))

    def _log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return found

    def bodies(self, path: str) -> list[str]:
        """Return what was posted to a path."""
        self.read_logs()
        return [body for url, body in self._bodies if urlsplit(url).path == path]

    def dialog(self) -> str:
        """What the dialog says that is shown now."""
        return "".join(self.texts("[role=dialog], [role=alertdialog]"))

    def choose_model(self, name: str) -> None:
        """Open the list of models, and take one; the page has it loaded."""
        self.until(lambda: not self.found(TOAST))  # it may cover the button
        self.find("form button[data-dropdown-menu-trigger]:has(span.font-medium, span.truncate, svg + span)").click()
        self.until(lambda: any(name in each for each in self.texts("[role=option]")))
        next(each for each in self.found("[role=option]") if name in each.text).click()
        self.until(lambda: any(name in each for each in self.texts("form button")))

    def elsewhere(self) -> list[str]:
        """Return the addresses of other machines that it asked for."""
        self.read_logs()
        asked = [urlsplit(url) for _, url in self.requests]
        return [url.geturl() for url in asked if url.scheme in ("http", "https") and url.hostname not in LOOPBACK]

    def violations(self) -> list[str]:
        """Return what the policy of the page has blocked, and what went wrong in its scripts."""
        self.read_logs()
        wrong = re.compile(r"Content Security Policy|Uncaught|Refused to")
        return [line for line in self.console if wrong.search(line)]


def _events(log: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for each in log:
        message = json.loads(each["message"])["message"]
        yield message["method"], message["params"]
