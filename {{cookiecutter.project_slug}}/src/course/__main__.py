"""`python -m course`, where the command is not installed."""

import sys

from course.cli import main

sys.exit(main())
