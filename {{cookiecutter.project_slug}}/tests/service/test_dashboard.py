"""The dashboard's page loads nothing from elsewhere, and its facts are for those who have a key."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from flight_delay.service import dashboard
from flight_delay.service.app import create_app
from flight_delay.service.security import new_key
from flight_delay.settings import Settings

from .problems import assert_problem

KEY, HASH = new_key()
STATIC = Path(dashboard.__file__).with_name("static")
FILES = sorted(path.name for path in STATIC.iterdir())
LINK = re.compile(r"""\b(?:src|href|from|import|fetch)[\s=(]*["']([^"'#]+)["']""")
NAMESPACE = "http://www.w3.org/2000/svg"
"""The name of a language; nothing is fetched from there."""
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@pytest.fixture(scope="module")
def keyed(trained: Settings) -> Iterator[TestClient]:
    """Return a client, without a key of its own, of a service that accepts one."""
    with TestClient(create_app(Settings(home=trained.home, api_keys=(HASH,)))) as client:
        yield client


def address(name: str) -> str:
    """Return where a file of the page is served."""
    return "/dashboard" if name == "dashboard.html" else f"/dashboard/{name}"


@pytest.mark.parametrize("name", FILES)
def test_anybody_gets_the_page_and_its_parts(keyed: TestClient, name: str) -> None:
    answer = keyed.get(address(name))
    assert answer.status_code == 200
    assert answer.text == (STATIC / name).read_text(encoding="utf-8")
    expected = TYPES[name.rpartition(".")[2]]
    assert answer.headers["content-type"].partition(";")[0] == expected


@pytest.mark.parametrize("key", [None, "", "wrong", HASH])
def test_the_facts_are_for_those_who_have_a_key(keyed: TestClient, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key}
    assert_problem(keyed.get("/dashboard/data", headers=headers), 401)
    assert keyed.get("/dashboard/data", headers={"X-API-Key": KEY}).json()["champion"]["version"]


def test_without_keys_the_facts_are_for_all(client: TestClient) -> None:
    assert client.get("/dashboard/data").status_code == 200


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/dashboard.js", "/dashboard/data"])
def test_the_browser_is_told_to_load_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert policy == [
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_host_or_does_what_the_policy_forbids(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8").replace(NAMESPACE, "")
    assert "//" not in re.sub(r"^\s*//.*$|(?<=\s)//\s.*$", "", text, flags=re.MULTILINE)
    assert not re.search(r"url\(|@import|\beval\(|new Function|innerHTML|outerHTML|<style", text)
    if name.endswith(".html"):
        assert not re.search(r"""\s(style|on[a-z]+)=|<script(?![^>]*\bsrc=)""", text)


def test_everything_that_the_page_names_is_served(client: TestClient) -> None:
    named = {
        (name, link) for name in FILES for link in LINK.findall((STATIC / name).read_text("utf-8"))
    }
    assert len(named) > 10
    for name, link in named:
        # A script is at home where its module is, and asks from where the page is.
        base = "/dashboard" if link == "dashboard/data" else address(name)
        answer = client.get(str(client.base_url.join(base).join(link)))
        assert answer.status_code == 200, f"{name}: {link}"


def test_text_is_plain_and_only_ever_set_as_text() -> None:
    for name in FILES:
        assert (STATIC / name).read_text(encoding="utf-8").isascii(), name


def test_the_page_is_no_part_of_the_interface_for_programs(client: TestClient) -> None:
    assert not [path for path in client.get("/openapi.json").json()["paths"] if "dash" in path]
