"""Labs: move a knob and see what it does. Each file is one lab; `frame` holds what they share."""
