"""The documentation page works on a machine without the internet."""

import re

from fastapi.testclient import TestClient

LINK = re.compile(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""")
STYLE_LINK = re.compile(r"""(?:url\(|@import)\s*["']?([^"')]+)""")


def test_everything_the_page_names_comes_from_the_service(client: TestClient) -> None:
    links = LINK.findall(client.get("/docs").text)
    assert len(links) == 4, "style sheet, icon, script and OpenAPI page"
    assert "/openapi.json" in links
    for link in links:
        assert link.startswith("/")
        assert not link.startswith("//")
        answer = client.get(link)
        assert answer.status_code == 200
        assert len(answer.content) > 500


def test_the_style_sheet_loads_nothing(client: TestClient) -> None:
    (sheet,) = [link for link in LINK.findall(client.get("/docs").text) if link.endswith(".css")]
    links = STYLE_LINK.findall(client.get(sheet).text)
    assert [link for link in links if not link.startswith("data:")] == []


def test_the_page_has_no_badge_of_a_validator_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    assert re.search(r"""["']?layout["']?: ["']BaseLayout["']""", page)


def test_there_is_no_second_page_whose_script_loads_a_logo_from_elsewhere(
    client: TestClient,
) -> None:
    assert client.get("/redoc").status_code == 404
