"""What all labs share: the panel, its controls, its picture, and training in the background."""
