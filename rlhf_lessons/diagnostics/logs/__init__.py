"""Reading a training log: its text, its stages, its trends, and the rules that say what they prove."""
