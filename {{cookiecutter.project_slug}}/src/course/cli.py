"""The command `course`: what can be asked, and what it means."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from course import commands, screen
from course.learner import Learner
from course.project import WrongUseError

SOLVED, NOT_SOLVED, WRONG_USE = 0, 1, 2

ABOUT = """\
Exercises in this project: functions whose bodies are missing, rules that are wrong, tests that
nobody has written yet. You write them; the project's own tests say whether you are right.

  course list           what there is, and how far you are
  course start NAME     read the task; then open the file in your editor
  course check NAME     run its tests on a copy of your project
  course hint NAME      the first of three hints, then the second, then the third
"""
EXITS = "Exit codes: 0 solved, 1 not solved, 2 wrong use."
INCIDENT = """\
Break a running service in a way that you are not told, and put it right.

  course incident NAME         begin: it says what the people on call would know
  course incident NAME check   look whether the service is well again and what was lost
  course incident NAME end     stop and tidy up, solved or not
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where to read more."""
        screen.wrong_use(f"{message} (`{self.prog} --help` explains it)")
        sys.exit(WRONG_USE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    asked = vars(parser().parse_args(arguments))
    command = getattr(commands, asked.pop("command"))
    try:
        solved = command(Learner(Path(__file__).resolve().parents[2]), **asked)
    except WrongUseError as error:
        screen.wrong_use(str(error))
        return WRONG_USE
    except KeyboardInterrupt:
        screen.line("stopped")
        return NOT_SOLVED
    return SOLVED if solved else NOT_SOLVED


def parser() -> Parser:
    """Return the parser, whose help is the first lesson of the course's use."""
    form = argparse.RawDescriptionHelpFormatter
    root = Parser(prog="course", description=ABOUT, epilog=EXITS, formatter_class=form)
    verbs = root.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    def verb(name: str, about: str, *, named: str = "", description: str = "") -> Parser:
        added: Parser = verbs.add_parser(
            name,
            help=about,
            description=description or f"{about}.",
            epilog=EXITS,
            formatter_class=form,
        )
        added.set_defaults(command=f"{name}_")
        if named:
            of_last = "" if named == "required" else "; without it, the one you worked on last"
            added.add_argument(
                "name",
                nargs=None if named == "required" else "?",
                metavar="NAME",
                help=f"an exercise of `course list`{of_last}",
            )
        return added

    on_project = "the project whose service it is about (default: as last time)"
    start = verb("start", "Read the task of an exercise", named="required")
    check = verb("check", "Run the tests of an exercise, or of all once all are solved", named="?")
    for added in (start, check):
        added.add_argument("--project", type=Path, metavar="FOLDER", help=on_project)
    verb("watch", "Check an exercise at every save, until it is solved", named="?")
    verb("hint", "Read the next of three hints: a nudge, the place, almost the code", named="?")
    verb("list", "Show all exercises and how far you are")
    verb("reset", "Open an exercise again, your file is kept; or end a live one", named="required")
    solution = verb("solution", "Show the course's answer to what you solved", named="?")
    solution.add_argument(
        "--give-up",
        action="store_true",
        help="write the course's answer into your file; the record will say so",
    )
    verb("report", "Check everything again and write course/REPORT.md")
    verb("verify", "Check everything again and compare with course/REPORT.md")
    verb("doctor", "Find out whether an error is yours or the course's", named="?")
    incident = verb("incident", "Break a service and put it right", description=INCIDENT)
    incident.add_argument("name", metavar="NAME", help="without one, the names", nargs="?")
    incident.add_argument("step", choices=("begin", "check", "end"), nargs="?", default="begin")
    incident.add_argument("--project", type=Path, metavar="FOLDER", help=on_project)
    return root
