"""Which answers are refused, and with what words: the rules alone, without generating."""

import keyword
import re
import sys
import tomllib

import pytest
from answers import DEFAULTS, NAME_IN_TEMPLATE, QUESTIONS, answers, load_hook
from hypothesis import given, settings
from hypothesis import strategies as st

PRE = load_hook("pre_gen_project")
POST = load_hook("post_gen_project")

REFUSED = [
    *[("project_name", name, "empty") for name in ("", "  \u00a0 ")],
    *[
        ("project_slug", slug, "letters, digits and single dashes")
        for slug in ("a/b", "../up", "/abs", "a\\b", ".", "..", ".hidden", "-x", "x-", "a--b")
    ],
    *[("project_slug", s, "start with a letter") for s in ("Upper", "a b", "a_b", "2048", "été")],
    ("project_slug", "", "empty"),
    ("project_slug", "x" * 41, "at most 40"),
    *[("project_slug", s, "command") for s in ("python", "mlflow", "uvicorn", "pytest", "git")],
    *[("project_slug", s, "dependency") for s in ("scikit-learn", "numpy", "prometheus-client")],
    *[
        ("package_name", name, "start with a letter")
        for name in ("123 bad", "_private", "Upper", "flight-delay", "été", "a.b", "a\n")
    ],
    ("package_name", "", "empty"),
    ("package_name", "x" * 31, "at most 30"),
    *[("package_name", name, "keyword") for name in ("class", "match", "type")],
    *[("package_name", s, "standard library") for s in ("json", "distutils", "compression")],
    *[("package_name", s, "dependency") for s in ("sklearn", "fastapi_offline", "yaml", "zmq")],
    *[("package_name", s, "folder") for s in ("tests", "src", "docs", "test", "models", "course")],
    ("package_name", "mlflow", "command"),
    ("package_name", "con", "Windows"),
    *[("description", f"a{c}b", "control") for c in "\n\t\0\x7f\x85\u2028\ud83d"],
    *[("author_name", f"A {tag}", "template tag") for tag in ("{{ 1 }}", "{% raw %}", "{# x")],
    ("author_name", "Ann ", "space"),
    ("description", "x" * 201, "at most 200"),
    *[
        ("author_email", mail, "email")
        for mail in ("nobody", "a@b", "a b@c.org", "a@@c.org", "a..b@c.org", "é@c.org", "a@-c.org")
    ],
    *[("github_username", name, "dashes") for name in ("-a", "a--b", "a/b", "a b", "@ann")],
    ("github_username", "a" * 40, "at most 39"),
    ("license", "GPL-3.0", "one of MIT"),
    *[("python_version", version, "one of 3.11") for version in ("2.7", "3.10", "")],
    ("python_version", 3.11, "text"),
    ("platforms", "nomad", "one of none, kubernetes"),
    ("edition", "deluxe", "one of portfolio, course"),
]


@pytest.mark.parametrize(("field", "value", "rule"), REFUSED)
def test_a_refusal_names_field_value_rule_and_a_value_that_passes(
    field: str, value: object, rule: str
) -> None:
    [problem] = PRE.problems(DEFAULTS | {field: value})
    message = str(problem)
    assert field in message
    assert repr(value) in message
    assert rule in problem.rule
    assert problem.rule in message
    assert problem.would_pass in message
    assert PRE.problems(DEFAULTS | {field: problem.would_pass}) == []


@pytest.mark.parametrize(
    ("field", "value", "passing"),
    [
        ("project_slug", "../Late Trains", "late-trains"),
        ("project_slug", "numpy", "my-numpy"),
        ("package_name", "123 bad", "my_123_bad"),
        ("package_name", "class", "my_class"),
        ("description", "two\nlines {{ tag }}", "two lines tag"),
        ("github_username", "@ann", "ann"),
    ],
)
def test_the_value_offered_is_close_to_the_one_refused(
    field: str, value: str, passing: str
) -> None:
    assert [p.would_pass for p in PRE.problems(DEFAULTS | {field: value})] == [passing]


def test_everything_wrong_is_reported_at_once() -> None:
    bad = {"project_name": " ", "package_name": "class", "author_email": "x", "license": "WTFPL"}
    assert {problem.field for problem in PRE.problems(DEFAULTS | bad)} == set(bad)
    assert {problem.field for problem in PRE.problems({})} == set(DEFAULTS)


def test_answers_may_hold_the_token_only_where_it_is_not_replaced() -> None:
    text = DEFAULTS | {"description": f"A fork of {NAME_IN_TEMPLATE}"}
    assert PRE.problems(text) == []
    [problem] = PRE.problems(text | {"package_name": "late_trains"})
    assert (problem.field, problem.would_pass) == ("description", "A fork of flight-delay")


def test_the_questions_and_the_tables_in_the_hooks_agree() -> None:
    assert PRE.problems(DEFAULTS) == []
    assert PRE.problems(PRE.PASSES) == []
    assert set(QUESTIONS["__prompts__"]) == set(DEFAULTS) == set(PRE.RULES)
    assert {k: tuple(v) for k, v in QUESTIONS.items() if k in PRE.CHOICES} == PRE.CHOICES
    assert all(list(files) == QUESTIONS[field] for field, files in POST.CHOICES.items())
    copied = QUESTIONS["_copy_without_render"]
    assert {f"*{name.lstrip('*')}" for name in POST.LEFTOVERS} == {
        pattern for pattern in copied if pattern.startswith("*")
    }


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
NEARLY = {
    "project_slug": st.from_regex(r"[a-z0-9-]{1,45}", fullmatch=True),
    "package_name": st.from_regex(r"[a-z0-9_]{1,35}", fullmatch=True)
    | st.sampled_from([*keyword.kwlist, *sys.stdlib_module_names, "numpy", "flight", "f"]),
    "author_email": st.emails(),
}


@settings(deadline=None)
@given(st.fixed_dictionaries({k: ANY_TEXT | NEARLY.get(k, st.just(DEFAULTS[k])) for k in DEFAULTS}))
def test_any_text_is_refused_with_a_passing_value_or_fit_to_be_used(asked: dict[str, str]) -> None:
    refused = {problem.field: problem.would_pass for problem in PRE.problems(asked)}
    fit = asked | refused
    assert PRE.problems(fit) == []
    package, slug = fit["package_name"], fit["project_slug"]
    assert package.isidentifier()
    assert package.islower()
    assert not keyword.iskeyword(package)
    assert not keyword.issoftkeyword(package)
    assert package not in sys.stdlib_module_names
    assert len(package) <= 30
    assert re.fullmatch("[a-z0-9-]{1,40}", slug)
    toml = answers(**fit)
    lines = [f'{key[2:-5]} = "{toml[key]}"' for key in toml if key.endswith("_toml")]
    parsed = tomllib.loads("\n".join(lines))
    assert parsed == {field: fit[field] for field in parsed}
    assert toml["project_slug"] == slug
