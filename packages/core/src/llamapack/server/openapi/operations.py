"""What each route takes and gives: the one table, from which the document is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llamapack.server.openapi.parts import Schema, flag, text
from llamapack.server.refusal import Api
from llamapack.server.routes import api_of

JSON = "application/json"
FORM = "multipart/form-data"
EVENTS = "text/event-stream"
LINES = "application/x-ndjson"
PLAIN = "text/plain"
_BODY = (400, 408, 413, 503)
_RUNNER = (*_BODY, 404, 429, 500, 504)
_GENERATING = (*_RUNNER, 501)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What some paths take with one method, and what they give."""

    method: str
    paths: tuple[str, ...]
    about: str
    takes: str = ""
    """The schema of the request; empty if it has no body."""
    takes_type: str = JSON
    query: Mapping[str, Schema]
    gives: str = ""
    """The schema of the answer as JSON; empty if it is something else, or none."""
    gives_types: tuple[str, ...] = (JSON,)
    not_ready: str = ""
    """The schema of an answer with 503 that is no error."""
    errors: tuple[int, ...] = ()
    open: bool = False
    """Whether it needs no token."""
    names_model: bool = False
    """Whether a request must name its model where there are several."""

    @property
    def api(self) -> Api:
        """Whose clients ask here."""
        return api_of(self.paths[0])


def _get(*paths: str, about: str, gives: str = "", **more: object) -> Operation:
    return _operation("GET", *paths, about=about, gives=gives, **more)


def _post(*paths: str, about: str, takes: str, gives: str, **more: object) -> Operation:
    settings = {"errors": _RUNNER, "names_model": not paths[0].startswith(("/api/", "/models/")), **more}
    return _operation("POST", *paths, about=about, takes=takes, gives=gives, **settings)


def _generate(*paths: str, about: str, takes: str, gives: str, streams: str = EVENTS, **more: object) -> Operation:
    return _post(*paths, about=about, takes=takes, gives=gives, gives_types=(JSON, streams), errors=_GENERATING, **more)


def _operation(method: str, *paths: str, **more: object) -> Operation:
    return Operation(method=method, paths=paths, **{"query": {}, **more})  # type: ignore[arg-type]


def _openai() -> Iterator[Operation]:
    yield _generate(
        "/v1/chat/completions",
        "/chat/completions",
        about="Answer a chat.",
        takes="ChatRequest",
        gives="ChatCompletion",
    )
    yield _generate("/v1/completions", about="Go on with texts.", takes="CompletionRequest", gives="TextCompletion")
    yield _generate(
        "/v1/responses",
        "/responses",
        about="Answer an input, as OpenAI's newer interface has it. Nothing is kept.",
        takes="ResponseRequest",
        gives="Response",
    )
    yield _post(
        "/v1/embeddings",
        about="Compute vectors of texts.",
        takes="EmbeddingRequest",
        gives="EmbeddingList",
        errors=_GENERATING,
    )
    yield _generate(
        "/v1/audio/transcriptions",
        "/audio/transcriptions",
        about="Write down what is said in an audio file.",
        takes="TranscriptionRequest",
        takes_type=FORM,
        gives="Transcription",
    )
    yield _post(
        "/v1/chat/completions/input_tokens",
        "/chat/completions/input_tokens",
        about="Count the tokens of a chat.",
        takes="ChatRequest",
        gives="InputTokens",
    )
    yield _post(
        "/v1/responses/input_tokens",
        "/responses/input_tokens",
        about="Count the tokens of an input.",
        takes="ResponseRequest",
        gives="InputTokens",
    )
    yield _get("/v1/models", "/models", about="List the models.", gives="ModelList", errors=(429, 500, 503, 504))


def _anthropic() -> Iterator[Operation]:
    yield _generate("/v1/messages", about="Answer a chat.", takes="AnthropicRequest", gives="AnthropicAnswer")
    yield _post(
        "/v1/messages/count_tokens", about="Count the tokens of a chat.", takes="AnthropicRequest", gives="InputTokens"
    )


def _llama_cpp() -> Iterator[Operation]:
    yield _generate(
        "/completion", "/completions", about="Go on with texts.", takes="CompletionRequest", gives="Completion"
    )
    yield _generate("/infill", about="Fill a gap in a text.", takes="InfillRequest", gives="Completion")
    yield _post(
        "/embedding",
        "/embeddings",
        about="Compute vectors of texts, or of each of their tokens.",
        takes="EmbeddingRequest",
        gives="Embeddings",
        errors=_GENERATING,
    )
    yield _post(
        *("/v1/rerank", "/v1/reranking", "/rerank", "/reranking"),
        about="Say how well documents answer a question.",
        takes="RankRequest",
        gives="Ranks",
        errors=_GENERATING,
    )
    yield _post("/tokenize", about="Split texts into tokens.", takes="TokenizeRequest", gives="Tokens")
    yield _post("/detokenize", about="Put tokens together.", takes="DetokenizeRequest", gives="Content")
    yield _post(
        "/apply-template", about="Render a chat as the model's prompt.", takes="ChatRequest", gives="RenderedPrompt"
    )
    yield _get(
        "/props",
        about="Tell the properties of a model, or of the server.",
        gives="Properties",
        query={
            "model": text("The model, where there are several; without it, the server is told of."),
            "autoload": flag("Whether the model is loaded for that; true if it is not given."),
        },
        errors=(400, 404, 429, 500, 503, 504),
    )
    yield _post("/models/load", about="Load a model.", takes="ModelRequest", gives="Success")
    yield _post("/models/unload", about="Unload a model.", takes="ModelRequest", gives="Success")
    yield _get("/models/sse", about="Tell which models are loaded, as long as one listens.", gives_types=(EVENTS,))


def _ollama() -> Iterator[Operation]:
    yield _generate(
        "/api/chat", about="Answer a chat.", takes="OllamaChatRequest", gives="OllamaChatAnswer", streams=LINES
    )
    yield _generate(
        "/api/generate",
        about="Answer a prompt, or go on with it.",
        takes="OllamaGenerateRequest",
        gives="OllamaGenerateAnswer",
        streams=LINES,
    )
    yield _post(
        "/api/embed",
        about="Compute vectors of texts.",
        takes="OllamaEmbedRequest",
        gives="OllamaEmbedAnswer",
        errors=_GENERATING,
    )
    yield _post(
        "/api/embeddings",
        about="Compute the vector of a text.",
        takes="OllamaEmbeddingsRequest",
        gives="OllamaEmbeddingsAnswer",
        errors=_GENERATING,
    )
    yield _post("/api/show", about="Tell of a model.", takes="OllamaShowRequest", gives="OllamaShowAnswer")
    yield _get("/api/tags", about="List the models.", gives="OllamaList", errors=(429, 500, 503, 504))
    yield _get("/api/ps", about="List the models that are loaded.", gives="OllamaList", errors=(429, 500, 503, 504))
    yield _get("/api/version", about="Tell the version.", gives="OllamaVersion")
    for method, name in (
        ("POST", "pull"),
        ("POST", "push"),
        ("POST", "create"),
        ("POST", "copy"),
        ("DELETE", "delete"),
    ):
        about = "Is not supported: models are files that the server is started with."
        yield _operation(method, f"/api/{name}", about=about, gives_types=(), errors=(501,))


def _server() -> Iterator[Operation]:
    state = "Health"
    yield _get("/health", "/v1/health", about="Tell the state.", gives=state, not_ready=state, open=True)
    yield _get("/health/live", about="Tell that the server runs.", gives=state, open=True)
    yield _get("/health/ready", about="Tell whether requests are answered.", gives=state, not_ready=state, open=True)
    yield _get("/metrics", about="Give numbers, as Prometheus reads them.", gives_types=(PLAIN,))
    yield _get("/openapi.json", about="Give this document.", gives="Document")


OPERATIONS: tuple[Operation, ...] = (*_openai(), *_anthropic(), *_llama_cpp(), *_ollama(), *_server())
"""All routes but those of the page's files."""
