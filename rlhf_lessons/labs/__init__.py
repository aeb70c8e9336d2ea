"""Labs: move a knob, see what it does. One lab a file; `panel` is their common frame."""
