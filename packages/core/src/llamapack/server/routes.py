"""Which routes there are: those of llama.cpp's server that neither change it nor read files, and no others.

Left out on purpose: what saves and restores slots, sets properties or strengths of adapters, shows what other clients
ask (`/slots`), fetches addresses (`/cors-proxy`), or runs tools (`/tools`).
"""

from __future__ import annotations

from dataclasses import dataclass

from llamapack.server.refusal import Api


@dataclass(frozen=True, kw_only=True)
class ModelRoute:
    """A route that the model's runner answers.

    `uses_slot` says whether a slot works on it, and `takes_form` whether the body may be a form instead of JSON.
    """

    method: str
    path: str
    api: Api = Api.OPENAI
    uses_slot: bool = True
    takes_form: bool = False


def _posts(
    *paths: str, api: Api = Api.OPENAI, uses_slot: bool = True, takes_form: bool = False
) -> tuple[ModelRoute, ...]:
    return tuple(
        ModelRoute(method="POST", path=path, api=api, uses_slot=uses_slot, takes_form=takes_form) for path in paths
    )


MODEL_ROUTES: tuple[ModelRoute, ...] = (
    *_posts("/v1/chat/completions", "/chat/completions", "/v1/completions", "/v1/responses", "/responses"),
    *_posts("/v1/embeddings", "/embeddings", "/embedding", "/completion", "/completions", "/infill"),
    *_posts("/v1/rerank", "/v1/reranking", "/rerank", "/reranking"),
    *_posts("/v1/audio/transcriptions", "/audio/transcriptions", takes_form=True),
    *_posts("/v1/messages", api=Api.ANTHROPIC),
    *_posts("/v1/messages/count_tokens", api=Api.ANTHROPIC, uses_slot=False),
    *_posts("/v1/chat/completions/input_tokens", "/chat/completions/input_tokens", uses_slot=False),
    *_posts("/v1/responses/input_tokens", "/responses/input_tokens", uses_slot=False),
    *_posts("/tokenize", "/detokenize", "/apply-template", uses_slot=False),
    *(
        ModelRoute(method="GET", path=path, api=Api.OPENAI, uses_slot=False)
        for path in ("/v1/models", "/models", "/props")
    ),
)


def api_of(path: str) -> Api:
    """Return whose clients ask at `path`, also where there is no such route."""
    if path.startswith("/api/"):
        return Api.OLLAMA
    return Api.ANTHROPIC if path.startswith("/v1/messages") else Api.OPENAI
