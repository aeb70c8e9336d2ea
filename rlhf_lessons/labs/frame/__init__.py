"""What all labs share: the panel with its controls and picture, and training in the background."""
