// llamapack_runner.h: the program llamapack-runner, which is llama.cpp's server as a process of its own.
//
//   llamapack-runner --supervised      for a program that starts it and watches it; see below
//   llamapack-runner --requirements    print what this build needs, as JSON, without loading a model
//   llamapack-runner [ARGUMENTS...]    llama.cpp's llama-server, with its own arguments and environment variables
//
// As llama-server it loads the best CPU level of its wheel, or, where LLAMAPACK_RUNNER_LIBRARIES has absolute paths of
// backend libraries (with `:` between them, `;` on Windows), those and nothing else. Neither way it looks for libraries in
// the current folder.
//
// --supervised reads one line of JSON from standard input:
//   options        object: the options of llamapack_engine_new
//   libraries      array: backends to load, absolute paths
//   preload        array; optional: libraries that these need, absolute paths, opened before
//   host           an address, or the path of a Unix socket, which ends in .sock; optional, 127.0.0.1
//   own_folder     boolean; optional: at the end, the folder of the Unix socket is removed, too, if nothing else is in it
//   port           number; optional, 0: any that is free
//   api_key        string, not empty: what requests must have as bearer token
//   log_level      number; optional: the lowest ggml_log_level that is logged, warnings unless given
//   drain_seconds  number; optional: how long SIGTERM waits for requests under way, 30 unless given
//
// Standard input then stays open: when it ends, the process ends at once, so that it never outlives its supervisor. SIGTERM
// drains: further requests are answered with 503, and the process ends when those under way are answered; another SIGTERM
// ends it at once.
//
// Standard output has reports, one line of JSON each, and nothing else:
//   {"state": "listening", "address": "http://127.0.0.1:PORT" or "unix://PATH"}
//   {"state": "loading", "stage": "text_model", "number": 1, "count": 1, "part": 0.5}
//   {"state": "ready"}
//   {"state": "draining"}, {"state": "stopped"}
//   {"state": "failed", "kind": "options", "conflict", "memory" or "internal", "error": "..."}: the end, with status 1
//
// Standard error has the log, a line each. Lines of llama.cpp begin as syslog writes levels: <3> errors, <4> warnings,
// <6> information, <7> debugging.
//
// Requests are those of llama-server, and checked and answered as an engine does it: a failed assertion is an answer with
// status 500, nothing is fetched from addresses. Before the model is loaded, the answer is
// 503: its error is llama-server's, with `status` "loading", `stage` and `progress`, from 0 to 1, beside it. While it drains,
// `status` is "draining". Environment variables of llama-server are not read.

#ifndef LLAMAPACK_RUNNER_H
#define LLAMAPACK_RUNNER_H

#include "llamapack.h"

#ifdef __cplusplus
extern "C" {
#endif

// The whole program; returns its status. For a process of its own: it changes signal handlers and standard output.
LLAMAPACK_API int llamapack_runner_main(int argc, char ** argv);

#ifdef __cplusplus
}
#endif

#endif // LLAMAPACK_RUNNER_H
