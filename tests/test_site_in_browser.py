"""The site in a real Chromium: it can be read by everybody, in both schemes and on a phone."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import TEMPLATE
from axe_playwright_python.base import AXE_FILE_PATH
from browsing import DESKTOP, LOOKS, PHONE, Opened, QuietHandler
from lesson_pages import LESSONS, read_course
from playwright.sync_api import Browser, Page, expect
from stand_in import answering

pytestmark = pytest.mark.slow

IMAGES = TEMPLATE / "lessons" / "images"
NAMES = [
    *("", "map/", "glossary/"),
    *(f"{lesson.page.stem}/" for lesson in read_course()),
    *(f"figures/{page.stem}/".replace("index/", "") for page in LESSONS.glob("figures/*.md")),
]
# The theme draws into a closed shadow root, into which neither a test nor axe could look.
OPEN_SHADOWS = """
const attach = Element.prototype.attachShadow
Element.prototype.attachShadow = function (options) {
    return attach.call(this, {...options, mode: "open"})
}
"""
UNFOLD = "kind => document.querySelectorAll(kind).forEach(box => { box.open = true })"
# Whole modules, folded below each lesson, are so many words that axe would look at them for
# minutes. They are made alike, so that the first stands for all.
ALL_BUT_MODULES = "details:not(.abstract)"
UNFOLD_ONE = "kind => { const box = document.querySelector(kind); if (box) box.open = true }"
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
VIOLATIONS = """async options => {
    const found = await axe.run({...options, resultTypes: ["violations"]})
    return found.violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target} ${node.html.slice(0, 120)} ${node.failureSummary}`))
}"""
OF_COLOURS = ["color-contrast", "link-in-text-block"]
# What a scheme changes is its colours, and what a phone changes is everything but them.
SCANS: dict[str, dict[str, object]] = {
    "light": {},
    "dark": {"runOnly": OF_COLOURS},
    "phone": {"rules": {rule: {"enabled": False} for rule in OF_COLOURS}},
}
DRAWINGS = """() => [...document.querySelectorAll("div.mermaid")].map(place => {
    const svg = place.shadowRoot.querySelector("svg")
    const words = [...svg.querySelectorAll("foreignObject, text")]
    return {
        name: svg.getAttribute("aria-label") ?? "",
        failed: svg.getAttribute("aria-roledescription") === "error",
        words: words.map(word => word.textContent).join(""),
        scale: svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
    }
})"""
LEAST_SCALE = 0.55
"""Of a drawing on a phone: its words, 16 pixels high, stay as high as the small print."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the built site on the loopback interface."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with answering(handler) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Return an empty page that is watched."""
    page = browser.new_page(color_scheme="light", viewport=DESKTOP)
    page.add_init_script(OPEN_SHADOWS)
    seen = Opened(page)
    seen.watch()
    yield seen
    page.close()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.strip("/") or "index")
def test_a_page_reads_well(name: str, address: str, opened: Opened, site: Path) -> None:
    page = opened.page
    page.goto(f"{address}{name}", wait_until="networkidle")
    drawn = (site / name / "index.html").read_text("utf-8").count('<pre class="mermaid">')
    page.wait_for_function(f"document.querySelectorAll('div.mermaid').length === {drawn}")
    page.evaluate(UNFOLD, ALL_BUT_MODULES)
    page.evaluate(UNFOLD_ONE, "details.abstract")
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    expect(page.locator("h1")).to_have_count(1)
    for look, (scheme, size) in LOOKS.items():
        page.set_viewport_size(size)
        wear(page, scheme)
        assert page.locator("h1").is_visible(), look
        # Wide code scrolls in its own box; the page itself must not.
        assert page.evaluate(TOO_WIDE) <= 0, look
        if look in SCANS:
            assert page.evaluate(VIOLATIONS, SCANS[look]) == [], look
        for number, drawing in enumerate(page.evaluate(DRAWINGS), start=1):
            assert drawing["name"], f"{look}, drawing {number}"
            assert not drawing["failed"], f"{look}, drawing {number}"
            assert drawing["words"], f"{look}, drawing {number}"
            assert drawing["scale"] >= LEAST_SCALE, f"{look}, drawing {number} is too wide"
    page.evaluate(UNFOLD, "details")
    assert page.evaluate(TOO_WIDE) <= 0
    for picture in page.locator("article img").all():
        picture.scroll_into_view_if_needed()
        assert picture.is_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    outside = [url for url in opened.requests if not url.startswith((address, "data:", "blob:"))]
    assert not outside
    assert not opened.complaints


def wear(page: Page, scheme: str) -> None:
    """Switch between light and dark as the page's own button does."""
    found = "document.body.getAttribute('data-md-color-scheme')"
    wanted = {"light": "default", "dark": "slate"}[scheme]
    if page.evaluate(found) != wanted:
        # By a script, since a mouse would stay over the button, and its hint over the page.
        button = page.locator("form[data-md-component=palette] label:not([hidden])")
        button.evaluate("label => label.click()")
    page.wait_for_function(f"{found} === '{wanted}'")


@pytest.mark.parametrize("name", [path.name for path in IMAGES.glob("*.svg")])
def test_the_words_of_a_drawing_stay_in_their_boxes(
    name: str, address: str, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(f"{address}images/{name}")
    words = page.evaluate(
        """() => {
            const inside = (word, box) => word.left >= box.left && word.right <= box.right &&
                word.top >= box.top && word.bottom <= box.bottom
            const boxes = [...document.querySelectorAll("rect")].map(r => r.getBoundingClientRect())
            return [...document.querySelectorAll("text")].map(word => ({
                word: word.textContent,
                fits: boxes.some(box => inside(word.getBoundingClientRect(), box)),
            }))
        }"""
    )
    assert words
    assert [word["word"] for word in words if not word["fits"]] == []
    page.close()


def test_dark_and_light_follow_the_reader_and_the_switch(address: str, browser: Browser) -> None:
    page = browser.new_page(color_scheme="dark", viewport=DESKTOP)
    page.goto(address)
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    assert page.evaluate(scheme) == "slate"
    wear(page, "light")
    assert page.evaluate(scheme) == "default"
    page.close()


def test_a_drawing_takes_the_colours_of_the_scheme(address: str, opened: Opened) -> None:
    page = opened.page
    page.goto(f"{address}map/", wait_until="networkidle")
    page.locator("div.mermaid").wait_for()
    ink = """() => {
        const svg = document.querySelector("div.mermaid").shadowRoot.querySelector("svg")
        return getComputedStyle(svg.querySelector(".nodeLabel")).color
    }"""
    light = page.evaluate(ink)
    wear(page, "dark")
    assert page.evaluate(ink) != light


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_word_of_the_glossary_says_what_it_means(
    size: dict[str, int], address: str, opened: Opened
) -> None:
    page = opened.page
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"{address}generate-and-predict/", wait_until="networkidle")
    page.locator("article abbr", has_text="challenger").first.hover()
    told = page.locator(".md-tooltip2[role=tooltip]")
    lines = (LESSONS / "abbreviations.md").read_text(encoding="utf-8")
    meaning = dict(re.findall(r"^\*\[(.+)\]: (.+)$", lines, flags=re.MULTILINE))
    expect(told).to_be_visible()
    assert told.inner_text() == meaning["challenger"]


def test_the_search_finds_a_word_of_the_lesson(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address, wait_until="networkidle")
    # A reader clicks and types: the page listens to keys and fetches its index when first asked.
    page.locator("input.md-search__input").click()
    page.keyboard.type("challenger", delay=20)
    page.locator(".md-search-result__link").first.wait_for()
    assert "challenger" in page.locator(".md-search-result__list").inner_text().lower()
    page.close()


def test_a_keyboard_is_enough(address: str, opened: Opened) -> None:
    page = opened.page
    page.goto(f"{address}generate-and-predict/", wait_until="networkidle")
    page.keyboard.press("Tab")
    skip = page.locator("a.md-skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = "document.activeElement.closest('article') !== null"
    assert page.evaluate(inside), "after the link that skips the menu comes the text"
    seen = page.evaluate(
        "() => { const style = getComputedStyle(document.activeElement);"
        " return style.outlineStyle !== 'none' || style.opacity === '1' }"
    )
    assert seen, "what has the focus can be seen"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("box => box.open")
    page.keyboard.press("/")
    expect(page.locator("input.md-search__input")).to_be_focused()


def test_the_list_of_lessons_opens_on_a_phone(address: str, opened: Opened) -> None:
    page = opened.page
    page.set_viewport_size(PHONE)
    page.goto(address, wait_until="networkidle")
    page.locator("header label[for=__drawer]").click()
    for lesson in read_course():
        expect(page.locator("nav.md-nav--primary a", has_text=lesson.title).first).to_be_visible()


def test_axe_would_notice(address: str, opened: Opened) -> None:
    page = opened.page
    page.goto(f"{address}map/", wait_until="networkidle")
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    markup = json.dumps("<img src='../images/days.png'>")
    page.evaluate(f"document.querySelector('article').insertAdjacentHTML('beforeend', {markup})")
    assert [one.split(":")[0] for one in page.evaluate(VIOLATIONS, {})] == ["image-alt"]
