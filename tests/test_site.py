"""The site builds without a warning, loads nothing from elsewhere, and its links lead somewhere."""

import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mermaid
import pytest
from answers import PROJECT, TEMPLATE
from lesson_pages import read_course
from shell import run

pytestmark = pytest.mark.slow

COURSE = read_course()
CONFIG = (TEMPLATE / "mkdocs.yml").read_text(encoding="utf-8")
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
# Relations of a <link> that name a place and load nothing.
NAMING = {"canonical", "next", "prev", "alternate"}
ZENSICAL = "zensical==0.0.73"
"""The successor of mkdocs-material, which is to be able to build the site as well."""


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
def pages(site: Path) -> dict[Path, Html]:
    parsed = {}
    for path in site.rglob("*.html"):
        parsed[path] = Html()
        parsed[path].feed(path.read_text(encoding="utf-8"))
    return parsed


def test_the_navigation_is_the_order_of_the_course() -> None:
    lines = ["nav:", "  - Start here: index.md", "  - The course by role: map.md"]
    for part in dict.fromkeys(lesson.part for lesson in COURSE):
        lines.append(f"  - {part}:")
        lines += [f"      - {one.title}: {one.page.name}" for one in COURSE if one.part == part]
    lines += ["  - To look things up:", "      - Glossary: glossary.md"]
    wanted = "\n".join([*lines, "      - Figures: figures/index.md"])
    found = re.search(r"^nav:\n(?: .*\n)+", CONFIG, flags=re.MULTILINE)
    assert found
    assert found[0].strip() == wanted, f"mkdocs.yml should say:\n{wanted}"


def test_the_site_has_the_pages_and_nothing_else(pages: dict[Path, Html], site: Path) -> None:
    lessons = TEMPLATE / "lessons"
    sources = [
        *(path.relative_to(lessons) for path in lessons.glob("figures/*.md")),
        *(Path(one.page.name) for one in COURSE),
        *(Path(name) for name in ("index.md", "map.md", "glossary.md")),
    ]
    wanted = {
        site / path.parent / ("" if path.stem == "index" else path.stem) / "index.html"
        for path in sources
    }
    assert {site / "404.html"} | wanted == set(pages)
    for kept_out in ("course.toml", "abbreviations", "foot", "notebooks"):
        assert not (site / kept_out).exists()


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
    assert pictures
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


def test_mermaid_is_in_the_site_as_it_was_published(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = site / "assets" / "javascripts" / "mermaid.min.js"
    assert kept.read_bytes() == (mermaid.CACHE / mermaid.FILE).read_bytes()
    changed = tmp_path / mermaid.FILE
    changed.parent.mkdir(parents=True)
    changed.write_bytes(kept.read_bytes() + b" ")
    monkeypatch.setattr(mermaid, "CACHE", tmp_path)
    monkeypatch.setattr(mermaid, "PLACE", tmp_path / "place.js")
    with pytest.raises(SystemExit, match="is not Mermaid"):
        mermaid.main()
    assert not (tmp_path / "place.js").exists()


def test_mermaid_comes_without_an_npm_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "npm" else found(name))
    monkeypatch.setattr(mermaid, "CACHE", tmp_path)
    monkeypatch.setattr(mermaid, "PLACE", tmp_path / "place.js")
    mermaid.main()
    assert (tmp_path / "place.js").is_file()


def test_the_successor_of_the_builder_can_build_it(site: Path, tmp_path: Path) -> None:
    shutil.copy(TEMPLATE / "mkdocs.yml", tmp_path)
    for needed in ("lessons", "build/listings", "build/theme", PROJECT):
        shutil.copytree(TEMPLATE / needed, tmp_path / needed)
    run(f"uv tool run --from {ZENSICAL} zensical build", tmp_path)
    for page in sorted(site.rglob("index.html")):
        theirs = (tmp_path / "build" / "site" / page.relative_to(site)).read_text("utf-8")
        assert said(theirs) == said(page.read_text("utf-8")), page


def said(page: str) -> dict[str, int | list[str]]:
    """Return what two builders of a page should agree on."""
    article = page[page.index("<article") : page.index("</article>")]
    text = re.sub(r"<[^>]+>", " ", article)
    return {
        "headings": re.findall(r'<h[1-4] id="([^"]+)"', article),
        "listings": article.count('<div class="highlight'),
        "drawings": article.count('class="mermaid"'),
        "definitions": article.count("<abbr"),
        "folded": article.count("<details"),
        "pictures": re.findall(r'<img[^>]* src="([^"]+)"', article),
        "words": len(re.findall(r"\w+", text)) // 100,
    }
