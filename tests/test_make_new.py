"""`make new` with a wrong answer says which, and nothing else."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GENERATE = [sys.executable, "scripts/generate.py", "--output-dir"]


def test_a_refused_answer_is_told_without_a_traceback(tmp_path: Path) -> None:
    answers = ["My Flights", "Bad Slug!", *[""] * 9]
    done = subprocess.run(
        [*GENERATE, tmp_path, "."],
        cwd=ROOT,
        input="\n".join(answers) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "  project_slug: 'Bad Slug!'\n" in said
    assert "    would pass: bad-slug\n" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_questions_generates(tmp_path: Path) -> None:
    answers = ["--no-input", ".", "project_slug=late-planes"]
    subprocess.run([*GENERATE, tmp_path, *answers], cwd=ROOT, capture_output=True, check=True)
    text = (tmp_path / "late-planes/src/late_planes/features.py").read_text("utf-8")
    assert "from late_planes.contract import" in text
