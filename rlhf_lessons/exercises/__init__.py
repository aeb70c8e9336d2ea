"""One exercise a notebook: a task, checks that name the likely mistake, hints, and a solution to reveal."""
