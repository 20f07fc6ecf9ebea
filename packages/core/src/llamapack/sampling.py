"""Choose the next token from what the model thinks of all of them."""

from __future__ import annotations

import math

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._native.owner import Owner
from llamapack.context import Context
from llamapack.errors import InputError

RANDOM_SEED = 0xFFFFFFFF


class Sampler(Owner[api.llama_sampler_p]):
    """A chain of samplers in llama.cpp's usual order: top-k, top-p, min-p, temperature, and the choice itself."""

    _kind = "sampler"

    def __init__(
        self,
        *,
        temperature: float = 0.8,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        seed: int | None = None,
    ) -> None:
        """Make a sampler.

        `temperature` sharpens (below 1) or flattens the distribution; 0 always takes the likeliest token, and nothing
        else matters then. `top_k` keeps the k likeliest (0: all), `top_p` the likeliest that together reach p
        (1: all), `min_p` those at least p times as likely as the likeliest (0: all). The same `seed`, from 0 to
        4294967294, gives the same choices; None takes a random one.

        Raises InputError for numbers out of range.
        """
        _check(temperature, top_k, top_p, min_p, seed)
        bound = native()
        chain = bound.llama_sampler_chain_init(bound.llama_sampler_chain_default_params())
        super().__init__(chain, bound.llama_sampler_free)
        self._native = bound
        for link in self._links(temperature, top_k, top_p, min_p, seed):
            bound.llama_sampler_chain_add(chain, link)

    @classmethod
    def greedy(cls) -> Sampler:
        """Make a sampler that always takes the likeliest token."""
        return cls(temperature=0)

    def _links(
        self, temperature: float, top_k: int, top_p: float, min_p: float, seed: int | None
    ) -> list[api.llama_sampler_p]:
        bound = self._native
        if temperature == 0:
            return [bound.llama_sampler_init_greedy()]
        links = []
        if top_k > 0:
            links.append(bound.llama_sampler_init_top_k(top_k))
        if top_p < 1:
            links.append(bound.llama_sampler_init_top_p(top_p, 1))
        if min_p > 0:
            links.append(bound.llama_sampler_init_min_p(min_p, 1))
        links.append(bound.llama_sampler_init_temp(temperature))
        links.append(bound.llama_sampler_init_dist(RANDOM_SEED if seed is None else seed))
        return links

    @property
    def seed(self) -> int | None:
        """The seed in use, also where it was chosen at random; None where nothing is random."""
        seed = self._native.llama_sampler_get_seed(self._handle)
        return None if seed == RANDOM_SEED else seed

    def sample(self, context: Context) -> int:
        """Return the next token after what `context` read last."""
        with context._exclusive():
            return self._sample(context)

    def _sample(self, context: Context) -> int:
        context._check_readable()
        return self._native.llama_sampler_sample(self._handle, context._handle, -1)

    def reset(self) -> None:
        """Forget the tokens chosen so far and begin again with the same seed."""
        self._native.llama_sampler_reset(self._handle)


def _check(temperature: float, top_k: object, top_p: float, min_p: float, seed: object) -> None:
    if not (math.isfinite(temperature) and temperature >= 0):
        raise InputError(f"temperature must be 0 or more, not {temperature!r}.")
    if not (isinstance(top_k, int) and 0 <= top_k < 2**31):
        raise InputError(f"top_k must be a whole number from 0 (all tokens) upwards, not {top_k!r}.")
    for name, value in (("top_p", top_p), ("min_p", min_p)):
        if not 0 <= value <= 1:
            raise InputError(f"{name} must be between 0 and 1, not {value!r}.")
    if seed is not None and not (isinstance(seed, int) and 0 <= seed < RANDOM_SEED):
        raise InputError(f"seed must be a whole number from 0 to {RANDOM_SEED - 1}, or None, not {seed!r}.")
