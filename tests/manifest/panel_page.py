"""The panel's page in Chromium: compiled by LWC's own compiler, over an org of the stand-in; and pictures of pages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from sandbox.salesforce.metadata import PROJECT
from tests.manifest.apex import Panel
from tests.shared import unavailable
from tests.web.test_browser import DESK

PAGE = "http://salesforce.example"
COLOURS = 128  # of a kept picture
_HTML = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>TrueDue</title>'
    '<meta name="viewport" content="width=device-width">'
    '<body style="margin: 16px; background: #f3f3f3"><main></main><script src="/panel.js"></script>'
)


def compiled(folder: Path) -> str:
    """The panel as one script; unavailable where Node, or what npm installs, is not there."""
    node = shutil.which("node")
    if node is None or not (PROJECT / "node_modules" / "rollup").is_dir():
        unavailable("Node and what npm installs are not there: make test-salesforce")
    file = folder / "panel.js"
    subprocess.run([str(node), "checks/panel.mjs", str(file)], cwd=PROJECT, check=True, timeout=120)
    return file.read_text()


@dataclass
class PanelPage:
    """The pages of an org that show the panel.

    `changed` is told of each record that a person made or changed there, as the package tells; `printed` makes
    the callout for a statement of an account, and returns the file's id.
    """

    panel: Panel
    script: str
    record: str
    changed: Callable[[str, str], None]
    printed: Callable[[str], str]

    def opened(self, browser: Browser, *, now: datetime, record: str = "", size: tuple[int, int] = DESK) -> Page:
        """Open the page of a record, `record` of the org itself unless another is named."""
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.clock.set_fixed_time(now)
        page.route(f"{PAGE}/**", self._answer)
        failed: list[str] = []
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(f"{PAGE}/?record={record or self.record}")
        expect(page.get_by_role("heading", name="Invoices")).to_be_visible()
        assert failed == []
        return page

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(PAGE).partition("?")[0]
        if path == "/panel.js":
            route.fulfill(body=self.script, content_type="text/javascript")
        elif path.startswith("/apex/"):
            told = self._apex(path.removeprefix("/apex/"), json.loads(route.request.post_data or "{}"))
            route.fulfill(body=json.dumps(told, default=float), content_type="application/json")
        elif path.startswith("/files/"):
            route.fulfill(body="the preview of a file", content_type="text/plain")
        else:
            route.fulfill(body=_HTML, content_type="text/html")

    def _apex(self, method: str, said: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        match method:
            case "show":
                return self.panel.show(said["recordId"])
            case "tell":
                return self.changed("TrueDue_Instruction__c", self.panel.tell(self.record, said["said"]))
            case "promise":
                return self.changed("TrueDue_Invoice__c", self.panel.promise(said["invoiceId"], said["promisedOn"]))
            case "print":
                return self.printed(said["accountId"])
            case _:
                return self.changed("TrueDue_Invoice__c", self.panel.ask(said["opportunityId"], said["wanted"]))


def picture(shown: Page | Locator, name: str, *, whole: bool = False) -> None:
    """Keep a picture, with few colours, in the folder that TRUEDUE_PICTURES names; nothing without it."""
    folder = os.environ.get("TRUEDUE_PICTURES", "")
    if not folder:
        return
    (shown if isinstance(shown, Page) else shown.page).wait_for_load_state()  # its images too
    taken = shown.screenshot(full_page=whole) if isinstance(shown, Page) else shown.screenshot()
    Image.open(BytesIO(taken)).convert("RGB").quantize(COLOURS).save(Path(folder) / f"{name}.png", optimize=True)
