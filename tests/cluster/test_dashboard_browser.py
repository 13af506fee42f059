"""The page in a real browser: what it renders, on a phone, in the dark, and what hostile names become."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab

from adclick_cli import schema
from adclick_cli.verify import last
from tests.cluster.conftest import Cluster
from tests.cluster.dashboard_rows import Rows
from tests.dashboard_process import Page, start_page

pytestmark = pytest.mark.cluster

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOSTILE = (
    "<img src=x onerror=document.title='hacked'>",
    "\"><script>document.title='hacked'</script>",
    "</td><style>*{display:none}</style>",
    "javascript:alert(1)\u202e' onmouseover='document.title=1",
)
WINDOWS = 20


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: tools/ensure-test-programs installs it")
        pytest.skip("no Chromium: tools/ensure-test-programs installs it as root")
    # Chromium's sandbox refuses root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else [*FLAGS]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def rows(cluster: Cluster) -> Rows:
    """Twenty minutes of fifteen campaigns, four of them hostile; the last eight minutes are live."""
    made = Rows.own(cluster.servers, cluster.own_topics("page-seen"))
    made.make_topics()
    names = [*(f"camp-{number}" for number in range(1, 12)), *HOSTILE]
    for ago in range(WINDOWS, 0, -1):
        ctr, devices = (schema.CTR, schema.ENGAGEMENT) if ago > 8 else (schema.CTR_LIVE, schema.ENGAGEMENT_LIVE)
        rate = {10: 4, 9: 4}.get(ago, 1)
        counts = {name: (1000 - 10 * at, 100) for at, name in enumerate(names)} | {"camp-1": (1000, 100 * rate)}
        made.windows(ctr, ago, counts)
        made.windows(devices, ago, {"mobile": (9000, 900), HOSTILE[0]: (1000, 150)})
    made.alert(10, "camp-1")
    made.alert(8, "camp-1", "DROP")
    made.alert(12, HOSTILE[0])
    return made


@pytest.fixture(scope="module")
def page(cluster: Cluster, rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    home = tmp_path_factory.mktemp("page")
    ledger = {"impressions": {"raw": 1010, "counted": 1000, "duplicate": 10}, "clicks": {"raw": 7, "orphan": 7}}
    counts = {"compared": 1234, "missing": 0, "unexpected": 0, "different": 0, "pending": 5}
    plain = {"at_ms": round(datetime.now(timezone.utc).timestamp() * 1000), "ok": True, "ledger": ledger}
    last.path(home).write_text(json.dumps(plain | {"results": {"ctr": counts}}), encoding="utf-8")
    env = cluster.env | cluster.own_topics("page-seen") | {"ADCLICK_HOME": str(home)}
    with start_page(env) as started:
        started.wait_for(lambda picture: picture["alerts"]["total"] == 3 and picture["campaigns"]["known"] == 15)
        yield started


class Seen:
    """A tab, and whatever went wrong in it."""

    def __init__(self, browser: Browser, url: str, width: int, scheme: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.tab: Tab = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", lambda message: self.wrong.append(f"{message.type}: {message.text}"))
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("requestfailed", self._failed)
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto(url)

    def _failed(self, request: Any) -> None:
        # A new wish closes the old stream.
        if "api/events" not in request.url:
            self.wrong.append(f"failed: {request.url}")

    def ready(self) -> Tab:
        self.tab.wait_for_selector("body[data-ready=rows] #ctr-plot canvas")
        return self.tab

    def text(self, selector: str) -> str:
        return self.tab.locator(selector).inner_text()

    def close(self) -> None:
        """Nothing may have gone wrong."""
        self.context.close()
        assert self.wrong == []


Open = Callable[..., Seen]


@pytest.fixture
def see(browser: Browser) -> Iterator[Open]:
    """Opens an address; `close` is called at the end of the test."""
    opened: list[Seen] = []

    def open_tab(url: str, width: int = 1280, scheme: str = "light") -> Seen:
        opened.append(Seen(browser, url, width, scheme))
        return opened[-1]

    yield open_tab
    for seen in opened:
        seen.close()


def test_everything_is_on_the_page(see: Open, page: Page) -> None:
    seen = see(page.url)
    tab = seen.ready()
    table = seen.text("#rows")
    assert "camp-1" in table
    assert "10.00\u00a0%" in table
    assert "LIVE" in table
    assert tab.locator("#rows tr").count() == 12
    assert "15" in seen.text("#campaigns-note")
    assert "camp-1" in seen.text("#legend")
    figures = seen.text("#figures")
    assert "10,000" in figures
    assert "10.50\u00a0%" in figures
    alerts = seen.text("#alerts")
    assert alerts.count("SPIKE") == 2
    assert alerts.count("DROP") == 1
    assert "mobile" in seen.text("#devices")
    quality = seen.text("#quality")
    assert "orphan 7" in quality
    assert "1,234 rows compared" in quality
    chips = seen.text("#chips")
    assert "no differences" in chips
    assert str(page.picture()["source"]["servers"]) in chips
    assert tab.locator("#notice").is_hidden()
    assert all(url.startswith(page.url) for url in seen.asked)


def test_the_plots_are_drawn_with_bands_and_alerts(see: Open, page: Page) -> None:
    seen = see(page.url + "#pick=camp-1")
    tab = seen.ready()
    # Colours that are on the canvas, as the browser painted them.
    painted = tab.evaluate(
        """() => {
          const canvas = document.querySelector("#ctr-plot canvas");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const found = new Set();
          for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] === 255) found.add([data[at], data[at + 1], data[at + 2]].join());
            else if (data[at + 3] > 30 && data[at + 3] < 60) found.add("band");
          }
          return [...found];
        }"""
    )
    assert {"36,88,211", "180,83,9", "200,30,58", "band"} <= set(painted), "curve, spike, drop, band"


def test_hostile_names_are_text(see: Open, page: Page) -> None:
    seen = see(f"{page.url}#top=25")
    tab = seen.ready()
    expect(tab.locator("#rows tr")).to_have_count(15)
    names = tab.locator("#rows th").all_inner_texts()
    assert set(HOSTILE) <= set(names)
    assert HOSTILE[0] in seen.text("#alerts")
    assert HOSTILE[0] in seen.text("#devices")
    for name in HOSTILE:
        tab.get_by_label(f"Plot {name}", exact=True).click()
    expect(tab.locator("#legend .legend-item")).to_have_count(6)
    tab.locator("#ctr-plot .u-over").hover()
    assert HOSTILE[1] in seen.text("#tip")
    assert tab.locator("img[src=x], td style, th style, #rows script").count() == 0
    assert tab.title() == "adclick"
    # The names stand in the address; a reload shows the same.
    tab.reload()
    seen.ready()
    assert HOSTILE[3] in seen.text("#legend")


def test_new_rows_come_without_a_reload_and_focus_stays(see: Open, page: Page, rows: Rows) -> None:
    seen = see(f"{page.url}#find=fresh")
    tab = seen.ready()
    assert "fresh" in seen.text("#no-rows")
    rows.windows(schema.CTR_LIVE, 2, {"fresh-1": (200, 50)})
    box = tab.get_by_label("Plot fresh-1")
    box.wait_for()
    box.focus()
    tab.keyboard.press("Space")
    expect(tab.locator("#legend")).to_contain_text("fresh-1")
    rows.windows(schema.CTR_LIVE, 2, {"fresh-1": (200, 60), "fresh-2": (100, 1)})
    tab.get_by_label("Plot fresh-2").wait_for()
    assert "30.00\u00a0%" in seen.text("#rows")
    assert tab.evaluate("document.activeElement.dataset.focus") == "plot:fresh-1"
    for name in ("fresh-1", "fresh-2"):
        rows.delete(schema.CTR_LIVE, 2, name)
    tab.locator("#no-rows").wait_for()


def test_search_sort_and_range(see: Open, page: Page) -> None:
    seen = see(page.url)
    tab = seen.ready()
    tab.get_by_label("Search").fill("CAMP-1")
    expect(tab.locator("#rows th")).to_have_text(["camp-1", "camp-10", "camp-11"])
    tab.get_by_label("Sort").select_option("ctr")
    expect(tab.locator("#rows th").first).to_have_text("camp-11")
    tab.get_by_role("button", name="15 min").click()
    expect(tab.locator("#figures")).to_contain_text("in the 15 windows shown")
    assert "find=CAMP-1" in tab.url


def test_the_plot_is_read_with_the_arrow_keys(see: Open, page: Page) -> None:
    seen = see(f"{page.url}#pick=camp-1")
    tab = seen.ready()
    tab.locator("#ctr-plot").focus()
    tab.keyboard.press("Home")
    assert "camp-1 10.00" in seen.text("#reading")
    assert "FINAL" in seen.text("#tip")
    tab.keyboard.press("End")
    assert "LIVE" in seen.text("#tip")
    tab.keyboard.press("Escape")
    tab.locator("#tip").wait_for(state="hidden")


def test_everything_is_reached_with_the_keyboard(see: Open, page: Page) -> None:
    tab = see(page.url).ready()
    reached = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.id || document.activeElement.dataset.focus"))
    assert {"theme", "ctr-plot", "find", "sort", "top", "plot:camp-1", "range:15", "alerts"} <= reached


@pytest.mark.parametrize(("scheme", "page_colour"), [("light", "rgb(244, 246, 249)"), ("dark", "rgb(13, 18, 24)")])
def test_light_and_dark(see: Open, page: Page, scheme: str, page_colour: str) -> None:
    tab = see(page.url, scheme=scheme).ready()
    colour = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(colour) == page_colour
    tab.locator("#theme").click()
    assert tab.evaluate(colour) == "rgb(244, 246, 249)"
    tab.locator("#theme").click()
    assert tab.evaluate(colour) == "rgb(13, 18, 24)"
    tab.reload()
    assert tab.evaluate(colour) == "rgb(13, 18, 24)"


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_no_width_scrolls_sideways(see: Open, page: Page, width: int) -> None:
    tab = see(page.url + "#top=25", width=width).ready()
    expect(tab.locator("#rows tr")).to_have_count(15)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    box = tab.locator("#ctr-plot canvas").bounding_box()
    assert box is not None
    assert box["width"] <= width


def test_without_rows_it_says_why(browser: Browser, cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.env | cluster.own_topics("page-nothing") | {"ADCLICK_HOME": str(tmp_path)}
    with start_page(env) as started:
        started.wait_for(lambda picture: picture["source"]["nothing"] is not None)
        seen = Seen(browser, started.url, 1280, "light")
        seen.tab.wait_for_selector("body[data-ready=empty]")
        notice = seen.text("#notice")
        assert "No results yet." in notice
        assert "page-nothing-ctr-results" in notice
        assert "adclick" in seen.tab.locator("#notice code").inner_text()
        seen.close()


def test_a_page_that_loses_its_server_says_so(browser: Browser, cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.env | cluster.own_topics("page-lost") | {"ADCLICK_HOME": str(tmp_path)}
    tab = browser.new_page()
    with start_page(env) as started:
        tab.goto(started.url)
        tab.wait_for_selector("body[data-ready=empty]")
    tab.get_by_text("This page has lost its server.").wait_for()
    with start_page(env, "--port", str(started.port)):
        tab.get_by_text("This page has lost its server.").wait_for(state="detached")
    tab.close()
