"""The sampler: a chain of stages that ends in the choice of a token."""

from __future__ import annotations

import ctypes
import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llamapack._native import _generated as api
from llamapack._native.exclusive import ExclusiveUse
from llamapack._native.library import native, take_text
from llamapack._native.owner import Owner
from llamapack._util.arguments import RANDOM_SEED, check_int, check_keywords, check_seed
from llamapack.errors import InputError, SamplingError, StateError
from llamapack.sampling.candidates import CandidateArray, Candidates
from llamapack.sampling.custom import Callbacks
from llamapack.sampling.parameters import SamplingOptions, SamplingParameters
from llamapack.sampling.stages import AdaptiveP, BuildArgs, Greedy, Infill, RandomStage, Stage, TopK

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

    from llamapack.context.handle import ContextHandle
    from llamapack.model.vocab import Vocab


@dataclass(frozen=True, kw_only=True)
class SamplerPerf:
    """How many tokens a sampler chose, and how long that took."""

    tokens: int
    seconds: float


_GREEDY = (Greedy(),)


class Sampler(Owner[api.llama_sampler_p]):
    """A chain of stages, which it owns natively. One thread at a time may use it.

    A sampler has state: the tokens for its penalties, the position in its grammar, its random numbers. Use it for one
    text, and `copy` or `reset` it for another.
    """

    _kind = "sampler"

    def __init__(self, vocab: Vocab | None = None, **options: Unpack[SamplingOptions]) -> None:
        """Make the chain that llama.cpp makes of SamplingParameters: `Sampler(temperature=0.7, seed=1)`.

        Grammars, DRY and mirostat 1 need the `vocab`; the sampler then belongs to the vocabulary's model and is closed
        with it.

        Raises InputError for numbers out of range, and GrammarError for a grammar or schema that cannot be used.
        """
        check_keywords("Sampler", options, ("vocab", *SamplingOptions.__annotations__))
        parameters = SamplingParameters(**options)
        self._begin(parameters.stages(), vocab, parameters.seed)

    @classmethod
    def chain(cls, stages: Sequence[Stage], *, vocab: Vocab | None = None, seed: int | None = None) -> Sampler:
        """Make a chain of any stages, in this order; `seed` is for stages without a seed of their own."""
        made = cls.__new__(cls)
        made._begin(stages, vocab, seed)
        return made

    @classmethod
    def greedy(cls) -> Sampler:
        """Make a sampler that always takes the likeliest token."""
        return cls.chain(_GREEDY)

    def _begin(self, stages: Sequence[Stage], vocab: Vocab | None, seed: int | None) -> None:
        check_seed(seed)
        self._args = BuildArgs(
            native=native(), vocab=vocab, seed=secrets.randbelow(RANDOM_SEED) if seed is None else seed
        )
        params = self._args.native.llama_sampler_chain_default_params()
        self._adopt(self._args.native.llama_sampler_chain_init(params), ())
        try:
            for stage in stages:
                self.add(stage)
        except BaseException:
            self.close()
            raise

    def _adopt(self, pointer: api.llama_sampler_p, stages: tuple[Stage, ...]) -> None:
        vocab, bound = self._args.vocab, self._args.native
        kept = self._args.kept

        def free(chain: api.llama_sampler_p) -> None:
            bound.llama_sampler_free(chain)
            kept.clear()

        super().__init__(pointer, free, parent=None if vocab is None else vocab.owner)
        self._native = bound
        self._stages = stages
        self._exclusive = ExclusiveUse(
            self.lifetime, kind="sampler", remedy="Give each thread a sampler of its own, such as a copy."
        )
        self._pending = False  # True if the chain was applied and its choice is not accepted yet
        self._tokens, self._seconds = 0, 0.0
        self._token, self._message = ctypes.c_int32(), api.char_p()
        self._out = (ctypes.byref(self._token), ctypes.byref(self._message))
        self._candidate_data: ctypes.Array[api.llama_token_data] | None = None
        self._candidates = api.llama_token_data_array()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, in order."""
        return self._stages

    @property
    def names(self) -> tuple[str, ...]:
        """llama.cpp's names of the stages; a question mark before a name means that the stage has no effect."""
        get, name = self._native.llama_sampler_chain_get, self._native.llama_sampler_name
        return tuple((name(get(self.handle, i)) or b"").decode() for i in range(len(self._stages)))

    @property
    def seed(self) -> int | None:
        """The seed in use, also if it was chosen at random; None if no stage is random."""
        seeds = [stage.seed_from(self._args) for stage in self._stages if isinstance(stage, RandomStage)]
        return seeds[-1] if seeds else None

    @property
    def perf(self) -> SamplerPerf:
        """How many tokens `sample` chose so far, and how long that took."""
        return SamplerPerf(tokens=self._tokens, seconds=self._seconds)

    @property
    def reads_prompt(self) -> bool:
        """True if a stage counts the tokens of the prompt too, so that `accept_prompt` changes something."""
        return any(stage.reads_prompt for stage in self._stages)

    def add(self, stage: Stage, index: int | None = None) -> None:
        """Insert a stage before the one at `index`, or at the end."""
        place = len(self._stages) if index is None else index
        check_int("index", place, 0, len(self._stages))
        self._check_stage(stage, place)
        with self._exclusive:
            chain = self.handle
            pointer = stage.build(self._args)
            later = [self._native.llama_sampler_chain_remove(chain, place) for _ in self._stages[place:]]
            for each in (pointer, *later):
                self._native.llama_sampler_chain_add(chain, each)
        self._stages = (*self._stages[:place], stage, *self._stages[place:])

    def remove(self, index: int) -> Stage:
        """Remove the stage at `index` with its state, and return what it was made from."""
        check_int("index", index, 0, len(self._stages) - 1)
        with self._exclusive:
            chain = self.handle
            self._native.llama_sampler_free(self._native.llama_sampler_chain_remove(chain, index))
        stage = self._stages[index]
        self._stages = (*self._stages[:index], *self._stages[index + 1 :])
        return stage

    def _check_stage(self, stage: Stage, place: int) -> None:
        if not isinstance(stage, Stage):
            raise InputError(f"A chain is made of stages, such as TopK(40), not of {stage!r}.")
        if stage.needs_vocab and self._args.vocab is None:
            raise InputError(
                f"{type(stage).__name__} needs the vocabulary.", fix="Give the sampler one: vocab=model.vocab."
            )
        if isinstance(stage, Infill) and not any(isinstance(each, TopK) and each.k for each in self._stages[:place]):
            raise InputError(
                "Infill needs a TopK before it.",
                why="It compares all candidates with each other, which takes hours for a whole vocabulary.",
            )

    def sample(self, context: ContextHandle, index: int = -1) -> int:
        """Choose the token after the last one that `context` read, or after another output, and accept it.

        Raises SamplingError if no token can be chosen; the sampler's state is then unchanged.
        """
        self.check_model(context)
        with context.exclusive():
            return self.choose(context, index)

    def check_model(self, context: ContextHandle) -> None:
        """For this package: raise InputError if the vocabulary and the context are of different models."""
        vocab = self._args.vocab
        if vocab is not None and vocab.owner is not context.model:
            raise InputError("The sampler has the vocabulary of another model than the context.")

    def choose(self, context: ContextHandle, index: int = -1, /) -> int:
        """For this package: do what `sample` does, within the context's `exclusive`."""
        context.check_readable(index)
        began = time.perf_counter()
        with self._exclusive:
            chain = self.handle
            status = self._native.llamapack_sampler_sample(
                chain, context.handle, index, self._candidates_for(context), *self._out
            )
            if status:
                raise self._error(status, "No token can be chosen.")
        self._pending = False
        self._tokens += 1
        self._seconds += time.perf_counter() - began
        return self._token.value

    def _candidates_for(self, context: ContextHandle) -> api.llama_token_data_array:
        count = context.n_vocab
        if self._candidates.size < count and self._stages != _GREEDY:
            self._candidate_data = (api.llama_token_data * count)()
            self._candidates.data = ctypes.cast(self._candidate_data, ctypes.POINTER(api.llama_token_data))
            self._candidates.size = count
        return self._candidates

    def apply(self, logits: ArrayLike, ids: ArrayLike | None = None) -> Candidates:
        """Run the chain over `logits`, of the tokens 0, 1, 2 and so on or of `ids`, and return what is left.

        This draws random numbers, but accepts nothing: call `accept` with the selected token to continue with it.
        Raises SamplingError if no token is left, and InputError if the shapes differ.
        """
        candidates = CandidateArray(logits, ids)
        if self._args.vocab is not None:
            self._args.vocab.check_token(int(candidates.tokens.max()))
        with self._exclusive:
            chain = self.handle
            self._pending = True
            status = self._native.llamapack_sampler_apply(chain, ctypes.byref(candidates.native), self._out[1])
            if status:
                raise self._error(status, "The chain cannot be applied.")
        found = candidates.result()
        if not (found.logits > -math.inf).any():
            raise SamplingError("The chain cannot be applied.", why="no token is left to choose")
        return found

    def accept(self, token: int) -> None:
        """Add `token` to the text, as if `sample` had chosen it.

        Raises SamplingError if a grammar does not allow it; the sampler's state is then unchanged.
        """
        self._check_token(token)
        with self._exclusive:
            chain = self.handle
            status = self._native.llamapack_sampler_accept(chain, token, self._out[1])
            if status:
                raise self._error(status, f"The token {token} cannot be accepted.")
            self._pending = False

    def accept_prompt(self, tokens: Sequence[int]) -> None:
        """Count the tokens of a prompt for penalties; grammars apply to the answer only and ignore them."""
        for token in tokens:
            self._check_token(token)
        with self._exclusive:
            chain = self.handle
            array = (ctypes.c_int32 * len(tokens))(*tokens)
            status = self._native.llamapack_sampler_accept_prompt(chain, array, len(tokens), self._out[1])
            if status:
                raise self._error(status, "The prompt cannot be accepted.")

    def _check_token(self, token: int) -> None:
        if self._args.vocab is not None:
            self._args.vocab.check_token(token)
        else:
            check_int("A token", token, 0)

    def reset(self) -> None:
        """Forget the tokens so far and begin again, with the same random numbers."""
        with self._exclusive:
            chain = self.handle
            status = self._native.llamapack_sampler_reset(chain, self._out[1])
            if status:
                raise self._error(status, "The sampler cannot be reset.")
            self._pending = False

    def copy(self) -> Sampler:
        """Make an independent sampler with the same state."""
        if self._pending and any(isinstance(stage, AdaptiveP) for stage in self._stages):
            raise StateError(
                "A sampler with AdaptiveP cannot be copied between `apply` and `accept`.", fix="Accept a token first."
            )
        pointer = api.llama_sampler_p()
        with self._exclusive:
            chain = self.handle
            status = self._native.llamapack_sampler_copy(chain, ctypes.byref(pointer), self._out[1])
            if status:
                raise self._error(status, "The sampler cannot be copied.")
        made = type(self).__new__(type(self))
        made._args = replace(self._args, kept=[*self._args.kept])
        made._adopt(pointer, self._stages)
        return made

    def _error(self, status: int, what: str) -> BaseException:
        why = take_text(self._message)
        for callbacks in self._args.kept:
            if isinstance(callbacks, Callbacks) and callbacks.error is not None:
                error, callbacks.error = callbacks.error, None
                return error
        kind = InputError if status == api.llamapack_status.INVALID else SamplingError
        return kind(what, why=why)

    def _unused(self) -> ExclusiveUse:
        return self._exclusive

    def __len__(self) -> int:
        """Return the number of stages."""
        return len(self._stages)

    def __repr__(self) -> str:
        """Show the stages."""
        return f"<Sampler {' -> '.join(map(repr, self._stages))}{' (closed)' if self.closed else ''}>"
