from rlhf_lessons.labs.frame.training import time_left


def test_at_an_even_pace_it_falls_by_what_has_passed():
    """Twenty seconds of preparation, then a tenth every two seconds: what came before the first report counts not."""
    told = [time_left(20.0, 0.1, 20.0 + 2 * n, 0.1 * (n + 1)) for n in range(10)]
    assert told == [
        "",
        "16 s left",
        "14 s left",
        "12 s left",
        "10 s left",
        "8 s left",
        "6 s left",
        "4 s left",
        "2 s left",
        "0 s left",
    ]
