"""How much one caller may have classified."""

from pwsh_kernels.classification.budget import CHARS_PER_MINUTE, MOST_CALLERS, Budget
from pwsh_kernels.classification.prescan import MAX_TEXT


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def used_up(budget: Budget, caller: str) -> int:
    """Ask for the longest texts until one is refused; return how many were taken."""
    count = 0
    while not budget.wait_s(caller, MAX_TEXT):
        count += 1
        assert count < 100
    return count


def test_a_caller_may_ask_some_texts_and_then_waits() -> None:
    clock = Clock()
    budget = Budget(clock)
    assert used_up(budget, "agent:claude") == 9
    wait = budget.wait_s("agent:claude", MAX_TEXT)
    assert 0 < wait < 60
    clock.now += wait
    assert budget.wait_s("agent:claude", MAX_TEXT) == 0


def test_others_do_not_wait_for_a_caller_who_asks_much() -> None:
    budget = Budget(Clock())
    used_up(budget, "agent:claude")
    assert budget.wait_s("person:ada", MAX_TEXT) == 0


def test_an_agent_does_not_get_more_by_another_name() -> None:
    budget = Budget(Clock())
    used_up(budget, "token/agent:one")
    assert budget.wait_s("token/agent:two", MAX_TEXT) > 0
    assert budget.wait_s("token", MAX_TEXT) == 0


def test_what_is_refused_costs_nothing_and_an_ordinary_day_is_far_from_the_limit() -> None:
    clock = Clock()
    budget = Budget(clock)
    assert budget.wait_s("a", CHARS_PER_MINUTE) > 0
    assert all(budget.wait_s("a", 50) == 0 for _ in range(900))


def test_callers_who_have_stopped_asking_are_forgotten() -> None:
    clock = Clock()
    budget = Budget(clock)
    for number in range(MOST_CALLERS):
        budget.wait_s(f"person:{number}", 1)
    clock.now += 60
    budget.wait_s("person:new", 1)
    assert len(budget._used) == 1
