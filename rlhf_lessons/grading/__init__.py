"""Grading: submitted notebooks are run, each in processes of its own, and their exercises go into one table.

A submission runs in strict mode on a copy of its code, in a temporary folder, with a progress of its own, and within
limits of time and memory. What is broken in one costs its own rows and no others.

**This is no sandbox.** A submission is a program, and runs with all rights of whoever grades it: it can read and
remove that user's files, use the network (the course itself does not), fill the disk, change the cache of trained
stages, which all share, and write what it likes into its own record. It is kept from the grader's own progress and
from the other submissions' rows, and does not run on when it is graded. Submissions of people whom you do not trust
belong in a container without a network.
"""
