"""Let C ask Python without losing an exception: what a callback raises, Ctrl-C included, comes out after the call."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class GuardedCallback(Generic[Question, Reply]):
    """A Python function that C may call through `answer`, which never raises.

    After an exception, kept in `error`, every later question gets `otherwise`.
    """

    def __init__(self, ask: Callable[[Question], Reply], otherwise: Reply) -> None:
        """Wrap `ask`."""
        self.error: BaseException | None = None
        self._ask = ask
        self._otherwise = otherwise
        # A generator, not a function: Python looks for signals when a frame is entered, and what their handlers raise
        # there would be outside of any `try` of a function, but is inside that of a generator which goes on.
        answers = self._answers()
        next(answers)
        self.answer: Callable[[Question], Reply] = answers.send

    def raise_error(self) -> None:
        """Raise what the callback raised, if it did, and forget it."""
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
