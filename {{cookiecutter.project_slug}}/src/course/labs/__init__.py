"""What live exercises and incident labs share: a watch, traffic, evidence, and a way back.

Everything here belongs to the course and not to the project. The learner's project is only ever
asked from outside: over HTTP, in its files, and by its own Python (`inside.py`).
"""
