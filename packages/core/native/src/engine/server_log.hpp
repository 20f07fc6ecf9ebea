// What llama.cpp's server logs, in the one log of this process. The server core is compiled with the names of upstream's
// functions replaced by these (engine.cmake), so that its lines come to llamapack_log_set's callback, upstream's logger
// with its thread is not started, and the log hook of the process stays what it is.

#pragma once

#include "ggml.h"

struct common_log;

int          llamapack_server_verbosity();
common_log * llamapack_server_log_main();
void         llamapack_server_log(common_log *, ggml_log_level level, const char * format, ...);

extern "C" void llamapack_server_keeps_log(ggml_log_callback callback, void * user_data);

namespace llamapack {

// Give its lines to another log, whose numbers of verbosity are upstream's. For a whole process, before all requests.
void give_server_log_to(int (*verbosity)(), void (*add)(ggml_log_level level, const char * text));

} // namespace llamapack
