"""Run a program until it ends, a time is over, or somebody asks for its end.

Called as: python -m course.labs.keep FOLDER SECONDS PROGRAM ...; the folder is there to be read in
the list of processes.
"""

import signal
import subprocess
import sys
from types import FrameType

GRACE_SECONDS = 5


def main() -> int:
    """Return the program's exit code."""
    _, _, seconds, *command = sys.argv
    signal.signal(signal.SIGTERM, _end)
    process = subprocess.Popen(command)  # noqa: S603 - given by the course
    try:
        return process.wait(float(seconds))
    except (subprocess.TimeoutExpired, SystemExit):
        process.terminate()
        try:
            return process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
