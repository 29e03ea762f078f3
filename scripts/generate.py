"""Generate a project as `cookiecutter` does, without its traceback where an answer is refused.

The template's hook has said by then which answer is wrong, and what would pass.
"""

import logging

from cookiecutter.cli import main

if __name__ == "__main__":
    logging.getLogger("cookiecutter.hooks").disabled = True
    main(prog_name="cookiecutter")
