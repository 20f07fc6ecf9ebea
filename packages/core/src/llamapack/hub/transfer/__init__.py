"""Files from servers to this machine.

downloading  Download one file: resumed, checked, and moved into its place when it is whole.
partial      A file that is not whole yet.
hub_client   Downloads by huggingface_hub, where it is installed.
transport    Requests to servers: time limits, repeated attempts, redirects, tokens.
explaining   What went wrong between us and a server, in words.
"""

__all__ = ["downloading", "explaining", "hub_client", "partial", "transport"]
