"""The site builds without a warning, loads nothing from elsewhere, and reads well in a browser."""

import functools
import http.server
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from answers import TEMPLATE
from lesson_runner import read_course
from playwright.sync_api import Browser, Page, Request
from shell import run
from stand_in import answering

pytestmark = pytest.mark.slow

COURSE = read_course(TEMPLATE / "lessons" / "course.toml")
IMAGES = TEMPLATE / "lessons" / "images"
PAGES = ["", *(f"{lesson.page.stem}/" for lesson in COURSE)]
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
# Relations of a <link> that name a place and load nothing.
NAMING = {"canonical", "next", "prev", "alternate"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
LOOKS = {
    "light": ("light", DESKTOP),
    "dark": ("dark", DESKTOP),
    "phone": ("light", PHONE),
    "phone in the dark": ("dark", PHONE),
}


@dataclass
class Html(HTMLParser):
    """What a page loads, links to, and can be linked at."""

    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    pictures: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Set up the parser below."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters of a tag."""
        values = {name: value or "" for name, value in attrs}
        self.anchors.add(values.get("id", ""))
        if values.get(LOADING.get(tag, "")):
            self.loads.append(values[LOADING[tag]])
        if tag == "img":
            self.pictures.append(values)
        if tag == "link" and values.get("rel") not in NAMING:
            self.loads.append(values["href"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


@pytest.fixture(scope="module")
def site() -> Path:
    """Build the site as a maintainer does, with every warning an error."""
    run("make docs", TEMPLATE)
    return TEMPLATE / "build" / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Html]:
    parsed = {}
    for path in site.rglob("*.html"):
        parsed[path] = Html()
        parsed[path].feed(path.read_text(encoding="utf-8"))
    return parsed


def test_the_navigation_is_the_order_of_the_course(pages: dict[Path, Html], site: Path) -> None:
    config = (TEMPLATE / "mkdocs.yml").read_text(encoding="utf-8")
    nav = re.findall(r"^  - (.+): (\S+\.md)$", config, flags=re.MULTILINE)
    assert nav == [("Start here", "index.md"), *((one.title, one.page.name) for one in COURSE)]
    assert {site / page / "index.html" for page in PAGES} | {site / "404.html"} == set(pages)
    assert not (site / "course.toml").exists()


def test_nothing_is_loaded_from_another_host(pages: dict[Path, Html], site: Path) -> None:
    for path, page in pages.items():
        assert page.loads, path
        for address in page.loads:
            assert not urlsplit(address).netloc, f"{path}: {address}"
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]+)", sheet.read_text())
        assert not found, f"{sheet}: {found}"


def test_every_picture_has_an_alternative_text(pages: dict[Path, Html]) -> None:
    pictures = [picture for page in pages.values() for picture in page.pictures]
    assert len(pictures) >= len(PAGES)
    for picture in pictures:
        assert len(picture.get("alt", "")) > 40, picture


def test_links_and_anchors_within_the_site_resolve(pages: dict[Path, Html], site: Path) -> None:
    followed = 0
    for path, page in pages.items():
        for address in {*page.links, *page.loads}:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            start = site if parts.path.startswith("/") else path.parent
            target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{path}: {address}"
            if parts.fragment:
                assert unquote(parts.fragment) in pages[target].anchors, f"{path}: {address}"
            followed += 1
    assert followed > 20


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the built site on the loopback interface."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with answering(handler) as port:
        yield f"http://127.0.0.1:{port}/"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests readable."""


@dataclass
class Opened:
    """A page in the browser, what it asked for and what it complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Start to take notes."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", self._failed)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def _failed(self, request: Request) -> None:
        self.complaints.append(f"{request.url}: {request.failure}")


@pytest.fixture(params=LOOKS)
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Opened]:
    """An empty page in one of the looks that readers have."""
    scheme, size = LOOKS[request.param]
    page = browser.new_page(color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
    seen = Opened(page)
    seen.watch()
    yield seen
    page.close()


@pytest.mark.parametrize("name", PAGES, ids=lambda name: name.strip("/") or "index")
def test_a_page_reads_well(name: str, address: str, opened: Opened) -> None:
    page = opened.page
    page.goto(f"{address}{name}", wait_until="networkidle")
    assert page.locator("h1").count() == 1
    assert page.locator("h1").is_visible()
    for picture in page.locator("article img").all():
        picture.scroll_into_view_if_needed()
        assert picture.is_visible()
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    # Wide code scrolls in its own box; the page itself must not, whatever is unfolded.
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true })")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} pixels wider than the window"
    outside = [url for url in opened.requests if not url.startswith((address, "data:", "blob:"))]
    assert not outside
    assert not opened.complaints


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
    page = browser.new_page(color_scheme="dark", viewport=DESKTOP)  # type: ignore[arg-type]
    page.goto(address)
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    assert page.evaluate(scheme) == "slate"
    page.get_by_title("Switch to light").click()
    assert page.evaluate(scheme) == "default"
    page.close()


def test_the_search_finds_a_word_of_the_lesson(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport=DESKTOP)  # type: ignore[arg-type]
    page.goto(address, wait_until="networkidle")
    # A reader clicks and types: the page listens to keys and fetches its index when first asked.
    page.locator("input.md-search__input").click()
    page.keyboard.type("challenger", delay=20)
    page.locator(".md-search-result__link").first.wait_for()
    assert "challenger" in page.locator(".md-search-result__list").inner_text().lower()
    page.close()
