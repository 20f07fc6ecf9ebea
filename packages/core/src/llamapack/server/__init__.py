"""`llamapack serve`: models for OpenAI's, Anthropic's, Ollama's and llama.cpp's clients, behind a supervisor.

Importing this imports neither starlette nor uvicorn: `running` does.

models_file  the TOML file that says which models there are, and how each is loaded
settings     where to listen, who may ask, and how much: what the server is told
extra        the packages that it needs, and what to do if they are missing
refusal      why a request gets no answer, in the shape of each API
routes       which routes there are
guard        who may ask: `Host`, `Origin`, the token
bodies       bodies of requests, read within limits
reading      JSON of requests, and its fields, checked
sockets      the socket to listen at
media        images and audio in requests, checked
naming       which model a request names
managing     routes that list, load and unload models
prompt_cache beginnings of prompts on disk
runners      the models, and the runners that have them
metrics      counts, for Prometheus
status       what the server says of itself
exchange     one request and its answer
proxy        requests passed to a runner, and its answers passed back
ollama       Ollama's interface, translated into llama.cpp's
page         llama.cpp's web page, if this build has it
openapi      the OpenAPI document
app          all of that as an ASGI application
connections  connections of clients, by uvicorn, with limits
running      runs it until a signal ends it
"""

from __future__ import annotations

from llamapack.server.extra import require_extra
from llamapack.server.runners import find_models
from llamapack.server.settings import Limits, ModelSettings, Settings, is_loopback

__all__ = ["Limits", "ModelSettings", "Settings", "find_models", "is_loopback", "require_extra"]
