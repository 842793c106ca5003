"""An act of the API is done once for one key, though its worker dies in the middle of it."""

from tests.drills import killed_first_answer


def test_equal_posts_have_one_effect_and_one_answer_when_workers_are_killed(database, settings):
    wrong, broken = killed_first_answer.rehearse(settings, 1, at_once=20)
    assert wrong == 0
    assert broken > 0  # else nothing was killed in time to prove anything
