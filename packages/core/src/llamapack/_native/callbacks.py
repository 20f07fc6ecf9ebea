"""Python functions that C may call, without losing exceptions: one that is raised, also by Ctrl-C, is raised again
after the C call.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class GuardedCallback(Generic[Question, Reply]):
    """A Python function that C may call through `answer`, which never raises.

    An exception is stored in `error`. From then on, every call returns `otherwise`.
    """

    def __init__(self, ask: Callable[[Question], Reply], otherwise: Reply) -> None:
        """Wrap the function `ask`."""
        self.error: BaseException | None = None
        self._ask = ask
        self._otherwise = otherwise
        # A generator, not a function: Python runs signal handlers when it enters a frame. What a handler raises at the
        # start of a function is outside of its `try`; in a generator that is resumed, it is inside.
        answers = self._answers()
        next(answers)
        self.answer: Callable[[Question], Reply] = answers.send

    def raise_error(self) -> None:
        """Raise the exception that the callback raised, if there is one, and clear it."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    def _answers(self) -> Generator[Reply, Question, None]:
        answer = self._otherwise
        while True:
            try:
                while True:
                    question = yield answer
                    answer = self._otherwise if self.error is not None else self._ask(question)
            except GeneratorExit:
                return
            except BaseException as error:
                self.error = error
                answer = self._otherwise
