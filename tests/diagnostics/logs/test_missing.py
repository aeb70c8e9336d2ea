"""What a log should hold next time."""

from rlhf_lessons.diagnostics.log_reader import diagnose


def test_what_is_missing_is_asked_for_and_what_is_there_is_not():
    told = diagnose("loss=0.66 margin=0.1").log_next
    assert told[0] == "the accuracy on held-out pairs (eval_accuracy)" and "the mean margin" not in told
    rows = [{"loss": 0.69, "eval_accuracy": 0.6, "eval_loss": 0.66, "eval_n_pairs": 9, "margin": 0.1, "step": 1}]
    assert diagnose(rows).log_next == ("the lowest and highest reward", "the learning rate", "the norm of the gradient")
    assert "KL from the reference" in diagnose("reward=0.5 completion_length=80", kind="grpo").log_next
