"""A cell of a notebook with a model that is none: it says one word after another until it is told to stop."""

STAND_IN = """
import time
from rlhf_lessons.labs import chat, label_pairs

class StandIn:
    name = "a stand-in"
    def answer(self, messages, max_new_tokens, temperature, seed, on_piece):
        said = ""
        for n in range(10_000 if messages[-1]["content"] == "Go on" else 3):
            said += f"word{n} "
            if on_piece(f"word{n} "):
                break
            time.sleep(0.02)
        return said.strip()
    def answers(self, question, n, max_new_tokens, temperature, seed):
        return [f"Answer {number} of draw {seed} to {question}" for number in range(n)]

model = StandIn()
"""
