"""Plans of models that do not write: embeddings and ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llamapack._util.arguments import check_int
from llamapack.errors import InputError
from llamapack.llama.plans.steps import Ask, Plan


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A document and its place: `index` is its number among those given, `score` says how well it answers the query.

    Scores are the model's own: larger is better, and their range is different from model to model.
    """

    index: int
    score: float
    document: str


def embed(texts: Sequence[str], *, normalize: bool) -> Plan[npt.NDArray[np.float32]]:
    """Return the vectors of texts, one a row."""
    _check_texts("texts", texts)
    if not texts:
        return np.empty((0, 0), dtype=np.float32)
    body = {"content": list(texts), "embd_normalize": 2 if normalize else -1}
    rows = yield Ask(path="/embedding", body=body)
    ordered = sorted(rows, key=lambda row: row["index"])
    if any(len(row["embedding"]) != 1 for row in ordered):
        raise InputError(
            "The model gives a vector for each token, not one for a text.",
            fix='Use Llama(..., pooling="mean"), or "cls" or "last", as its authors say.',
        )
    return np.array([row["embedding"][0] for row in ordered], dtype=np.float32)


def rank(query: str, documents: Sequence[str], top: int | None) -> Plan[list[Ranked]]:
    """Return the documents, the best first."""
    _check_texts("documents", documents)
    text: object = query
    if not isinstance(text, str):
        raise InputError(f"The query must be a str, not {query!r}.")
    if top is not None:
        check_int("top", top)
    if not documents:
        return []
    body = {"query": query, "documents": list(documents), "top_n": top or len(documents)}
    found = (yield Ask(path="/v1/rerank", body=body))["results"]
    ranked = [
        Ranked(index=row["index"], score=row["relevance_score"], document=documents[row["index"]]) for row in found
    ]
    return sorted(ranked, key=lambda each: (-each.score, each.index))


def _check_texts(name: str, texts: object) -> None:
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Sequence):
        raise InputError(f"{name} must be a list of texts, not {texts!r}.")
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"{name} must be texts, not {text!r}.")
