"""The course: exercises in this project, their checks, and a record of what was done.

Nothing of it belongs to the project itself: without `course/` and `src/course/`, and with all
exercises solved, what is left is the project as it is generated for a portfolio.
"""
