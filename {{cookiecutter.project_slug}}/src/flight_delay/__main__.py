"""`python -m` runs the command line."""

from flight_delay.cli import main

main()
