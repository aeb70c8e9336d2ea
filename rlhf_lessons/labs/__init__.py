"""Labs: move a knob, see what it does. One lab a file; `frame` is what they share."""
