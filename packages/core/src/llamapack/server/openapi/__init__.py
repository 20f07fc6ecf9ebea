"""The OpenAPI document of a server: what may be asked at each of its routes, and what is answered.

parts      JSON schemas, as Python writes them
sampling   fields of requests that say how tokens are chosen, and how many
messages   chats as OpenAI's and Anthropic's clients send them
texts      requests for texts, embeddings, ranks and tokens
ollama     requests and answers of Ollama's interface
answers    answers of the other routes, and errors
operations what each route takes and gives: the one table
document   the document for the routes of a server
"""

from __future__ import annotations

from llamapack.server.openapi.document import document
from llamapack.server.openapi.operations import OPERATIONS, Operation

__all__ = ["OPERATIONS", "Operation", "document"]
