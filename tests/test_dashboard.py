"""The dashboard in a real browser: it shows what was counted and found, to everybody."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from browsing import DESKTOP, LOOKS, PHONE, Opened
from dashboard_page import (
    CONTRAST,
    ENOUGH_CONTRAST,
    KEY,
    LIVE,
    MARKUP,
    PATIENCE,
    SHIFTS,
    Keyed,
    Watched,
    open_dashboard,
    rows_of,
    shows,
    turn_away,
)
from monitoring_stack import Service, free_port
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def watched(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Return a service that was asked, beside a log of four real weeks and what they come to."""
    home = tmp_path_factory.mktemp("dashboard")
    shutil.copytree(project / "models", home / "models")
    service = Service(project, home, free_port())
    report = json.loads(service.python(LIVE, MARKUP))
    service.start()
    for _ in range(3):
        service.predict(5)
    httpx2.post(f"{service.url}/v1/predict", json={})
    yield Watched(service, report)
    service.stop()


@pytest.fixture
def page(watched: Watched, browser: Browser) -> Iterator[Page]:
    """Return the dashboard, shown."""
    page = browser.new_page(viewport=DESKTOP)
    open_dashboard(page, watched.service)
    yield page
    page.close()


def test_it_shows_what_the_service_counted(watched: Watched, page: Page) -> None:
    for _ in range(2):
        routes = {"route": "/v1/predict/batch"}, {"route": "/v1/predict"}
        requests = sum(watched.counted("http_requests_total", **route) for route in routes)
        refused = watched.counted("http_requests_total", route="/v1/predict", status="422")
        late, on_time = (
            watched.counted("predictions_total", prediction=value) for value in ("true", "false")
        )
        assert min(requests, refused, late + on_time) > 0
        shows(page, "#requests-total", f"{requests:,} in all")
        shows(page, "#errors-total", f"{refused} with 4xx, 0 with 5xx")
        shows(page, "#predictions-total", f"{late:,} late, {on_time:,} not late")
        page.locator("#routes summary").click()
        assert rows_of(page, "#routes")[0][:4] == ["All", f"{requests:,}", str(refused), "0"]
        page.locator("#routes summary").click()
        watched.service.predict(3)  # the page is to follow by itself
        httpx2.post(f"{watched.service.url}/v1/predict", json={})


def test_it_shows_the_champion_and_its_history(watched: Watched, page: Page) -> None:
    version = json.loads((watched.service.home / "models" / "champion.json").read_text())["version"]
    shows(page, "#version", version)
    shows(page, "#trained", "2013-03-31")
    steps = page.locator("#history > li")
    expect(steps.nth(0)).to_contain_text("Trained, refused 0123456789ab")
    expect(steps.nth(0)).to_contain_text("30 days are over")
    expect(steps.nth(0)).to_contain_text("the gate quality failed: 0.001 worse")
    expect(steps.nth(1)).to_contain_text(f"Promoted {version}")


def test_it_shows_what_the_monitor_found(watched: Watched, page: Page) -> None:
    report = watched.report
    metrics, interval = report["quality"]["metrics"], report["quality"]["intervals"]["auc"]
    shows(page, "#action", "Retrain")
    assert report["decision"]["action"] == "retrain"
    assert page.locator("#reasons li").all_inner_texts() == report["decision"]["reasons"]
    assert rows_of(page, "#metrics")[0][:3] == [
        "AUC",
        f"{metrics['auc']:.3f}",
        f"{interval['low']:.3f} to {interval['high']:.3f}",
    ]
    assert rows_of(page, "#metrics")[3][1] == f"{metrics['bias']:+.3f}"
    labelled = 1 - report["quality"]["unlabelled_share"]
    expect(page.locator("#labelled-said")).to_contain_text(f"{labelled:.1%}".replace("%", " %"))
    verdicts = [row[3] for row in rows_of(page, "#windows")]
    assert verdicts == ["breached" if one["breached"] else "within" for one in report["windows"]]
    assert "breached" in verdicts
    newest = {(one["check"], one["field"]): one for one in report["checks"]["broken"]}
    assert ("range", "wind_speed") in newest
    checks = page.locator("#checks li").all_inner_texts()
    for shown, one in zip(checks, newest.values(), strict=True):
        assert shown.startswith(f"{one['check']} {one['said']}")


def test_drift_is_sorted_and_told_in_words(watched: Watched, page: Page) -> None:
    drift = watched.report["drift"]
    fields = [*drift["fields"], drift["prediction"]]
    fields.sort(key=lambda one: (not one["drifted"], -one["psi"] / one["usual_psi"]))
    shown = rows_of(page, "#drift")
    assert [row[0].split()[0] for row in shown] == [one["field"] for one in fields]
    assert [row[2] for row in shown] == [f"{one['psi']:.3f}" for one in fields]
    assert shown[0][0].startswith("wind_speed drifted")
    marked = ["drifted" in row[0] for row in shown]
    assert marked == [one["drifted"] for one in fields]


def test_a_reason_is_text_whatever_it_holds(page: Page) -> None:
    expect(page.locator("#reasons li").last).to_have_text(MARKUP)
    assert page.locator("img").count() == 0
    assert page.title() == "flight delay: dashboard"


@pytest.mark.parametrize("look", LOOKS)
def test_it_reads_well(watched: Watched, browser: Browser, look: str) -> None:
    scheme, size = LOOKS[look]
    seen = Opened(browser.new_page(color_scheme=scheme, viewport=size))
    seen.watch()
    page = seen.page
    open_dashboard(page, watched.service)
    page.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true })")
    expect(page.locator("#hour tbody tr").first).to_be_visible(timeout=PATIENCE)
    contrasts = page.evaluate(CONTRAST)
    assert len(contrasts) > 200
    assert [one for one in contrasts if one[1] < ENOUGH_CONTRAST] == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    widths = "panels => panels.map(panel => Math.round(panel.getBoundingClientRect().width))"
    if size == PHONE:
        assert len(set(page.locator(".panel").evaluate_all(widths))) == 1, "one below the other"
    assert seen.requests
    assert [url for url in seen.requests if not url.startswith(watched.service.url)] == []
    assert seen.complaints == []
    page.close()


def test_everything_is_reached_by_the_keyboard_and_seen_to_be(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "facts"
    reached: list[str] = []
    while True:
        page.keyboard.press("Tab")
        at, outline = page.evaluate(
            """() => {
                const here = document.activeElement
                const name = here.closest("[id]")?.id
                return [name ?? "", getComputedStyle(here).outlineStyle]
            }"""
        )
        if not at or at in reached:
            break
        assert outline == "solid", f"{at} has the focus and does not show it"
        reached.append(at)
    charts = ["requests-chart", "latency-chart", "errors-chart", "predictions-chart"]
    assert [name for name in reached if name in charts] == charts
    assert {"routes", "hour", "slices"} <= set(reached)


def test_the_arrow_keys_read_the_points_of_a_chart(page: Page) -> None:
    chart = page.locator("#predictions-chart svg")
    readout = page.locator("#predictions-chart .readout")
    expect(readout).to_contain_text("newest: not late", timeout=PATIENCE)
    chart.focus()
    page.keyboard.press("Home")
    first = readout.inner_text()
    assert re.match(r"\d\d:\d\d:\d\d: not late [\d.]+, late [\d.]+$", first)
    page.wait_for_timeout(3500)  # a look at the service moves the line, and not the cursor
    assert readout.inner_text() == first
    page.keyboard.press("Escape")
    assert readout.inner_text().startswith("newest: ")
    assert chart.locator("title").text_content() == "Predictions a second, by class"
    assert "UTC" in (chart.locator("desc").text_content() or "")


def test_it_follows_without_losing_the_place_of_the_reader(watched: Watched, page: Page) -> None:
    page.locator("#slices summary").focus()
    page.evaluate("window.scrollTo(0, 400)")
    page.evaluate("document.querySelectorAll('li, tr').forEach(row => { row.kept = true })")
    page.evaluate(SHIFTS)
    before = page.locator("#requests-total").inner_text()
    watched.service.predict()
    expect(page.locator("#requests-total")).not_to_have_text(before, timeout=PATIENCE)
    assert page.evaluate("document.activeElement.parentElement.id") == "slices"
    assert page.evaluate("window.scrollY") == 400
    rows = page.locator("li, #metrics tr, #drift tr")
    assert rows.evaluate_all("rows => rows.every(row => row.kept)"), "what is selected stays so"
    assert page.evaluate("window.shifts.reduce((sum, one) => sum + one.value, 0)") < 0.01


def test_it_rests_while_nobody_sees_it(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    turn_away(page, hidden=True)
    page.wait_for_timeout(5000)
    assert len(asked) <= 1, "at most the look that was under way"
    asked.clear()
    with page.expect_response("**/dashboard/data", timeout=1500):
        turn_away(page, hidden=False)


def test_a_service_that_is_gone_is_said_and_so_is_its_return(watched: Watched, page: Page) -> None:
    watched.service.stop()
    shows(page, "#state-word", "Out of reach")
    expect(page.locator("#state-time")).to_contain_text("since ")
    assert page.locator("#version").inner_text() == watched.report["champion"]
    watched.service.start()
    shows(page, "#state-word", "Live")
    shows(page, "#requests-total", "0 in all")
    expect(page.locator("#traffic-hint")).to_contain_text("make smoke")


def test_with_keys_the_page_asks_for_one(project: Path, tmp_path: Path, browser: Browser) -> None:
    service = Keyed(project, tmp_path, free_port())
    service.start()
    page = browser.new_page(viewport=DESKTOP)
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url))
    page.goto(f"{service.url}/dashboard")
    expect(page.get_by_label("API key")).to_be_focused(timeout=PATIENCE)
    assert not page.locator("#facts").is_visible()
    page.keyboard.type("another")
    page.keyboard.press("Enter")
    shows(page, "#refusal", "This key is not accepted.")
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_be_visible(timeout=PATIENCE)
    page.reload()
    expect(page.locator("#facts")).to_be_visible(timeout=PATIENCE)
    assert not [url for url in asked if KEY in url]
    page.get_by_text("Forget the key").click()
    expect(page.get_by_label("API key")).to_be_focused(timeout=PATIENCE)
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    page.close()
    service.stop()


def test_a_new_project_is_told_what_to_do(project: Path, tmp_path: Path, browser: Browser) -> None:
    service = Service(project, tmp_path, free_port())
    service.start()
    page = browser.new_page(viewport=DESKTOP)
    open_dashboard(page, service)
    shows(page, "#version", "none")
    hints = {"champion": "make train", "traffic": "make smoke", "history": "make promote"}
    hints |= dict.fromkeys(("decision", "quality", "windows", "checks", "drift"), "make monitor")
    for name, command in hints.items():
        expect(page.locator(f"#{name}-hint")).to_contain_text(command)
    assert not page.locator(".notice").all_inner_texts()
    service.find({"today": "2013-06-01", "quality": "of another form"})
    notice = page.locator(".notice").first
    expect(notice).to_contain_text("cannot be shown", timeout=PATIENCE)
    shows(page, "#requests-total", "0 in all")
    page.close()
    service.stop()
