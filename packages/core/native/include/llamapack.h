// llamapack.h: what libllamapack adds to llama.h and mtmd.h. Plain C, so that no C++ object crosses the library's border.
//
// Conventions
//   - A function that can fail returns llamapack_status. On failure *error receives a message that the caller gives back
//     with llamapack_string_free; on success it receives NULL. `error` itself may be NULL.
//   - A string returned through `char **` belongs to the caller, likewise. All text is UTF-8.
//   - No function throws, and none exits.

#ifndef LLAMAPACK_H
#define LLAMAPACK_H

#include <stddef.h>
#include <stdint.h>

#include "llama.h"

#if defined(_WIN32)
#    ifdef LLAMAPACK_BUILD
#        define LLAMAPACK_API __declspec(dllexport)
#    else
#        define LLAMAPACK_API __declspec(dllimport)
#    endif
#else
#    define LLAMAPACK_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum llamapack_status {
    LLAMAPACK_STATUS_OK        = 0,
    LLAMAPACK_STATUS_INVALID   = 1, // the caller's input is wrong
    LLAMAPACK_STATUS_NO_MEMORY = 2,
    LLAMAPACK_STATUS_INTERNAL  = 3, // something upstream threw
};

LLAMAPACK_API void llamapack_string_free(char * text);

// What the compiler saw: JSON with the size, alignment and field offsets of every structure, every enum's values and
// the default parameters. Valid as long as the library is loaded; NULL if it could not be built.
LLAMAPACK_API const char * llamapack_abi_table(void);

// The id in the file names of ggml-base, ggml and this library.
LLAMAPACK_API const char * llamapack_abi_id(void);

// A hash of the declarations that the bindings were generated from.
LLAMAPACK_API const char * llamapack_layout_hash(void);

// Sizes in bytes of the structures, in the order of the generated bindings. Returns how many there are.
LLAMAPACK_API size_t llamapack_struct_sizes(const uint32_t ** sizes);

// llama.cpp's build identity, "b<number>-<commit>".
LLAMAPACK_API const char * llamapack_build_info(void);

// Where log lines of llama.cpp, mtmd and ggml go, from `min_level` (a ggml_log_level) upwards. Lines come whole and without
// their end; the callback may run on any thread and must not call back into this library. NULL silences everything.
// Until the first call upstream writes to standard error.
typedef void (*llamapack_log_callback)(int32_t level, const char * line, void * user_data);
LLAMAPACK_API void llamapack_log_set(llamapack_log_callback callback, void * user_data, int32_t min_level);

struct llamapack_chat_templates;

// The chat templates of a model. `template_override` replaces the model's own; NULL or "" keeps it.
// The model must live as long as the handle.
LLAMAPACK_API enum llamapack_status llamapack_chat_templates_init(
    const struct llama_model * model, const char * template_override, struct llamapack_chat_templates ** out, char ** error);
LLAMAPACK_API void llamapack_chat_templates_free(struct llamapack_chat_templates * templates);

// True when the model, or the override, brought a template; false when upstream fell back to ChatML.
LLAMAPACK_API bool llamapack_chat_templates_explicit(const struct llamapack_chat_templates * templates);

// Render messages. `request` is a JSON object:
//   messages               array as in OpenAI's chat completions
//   tools                  array, likewise; optional
//   tool_choice            "auto", "required" or "none"; optional
//   json_schema            object; optional
//   grammar                string; optional
//   add_generation_prompt  bool, true unless given
//   enable_thinking        bool, true unless given
//   kwargs                 object of template variables; optional
// *response receives a JSON object: prompt, grammar, grammar_lazy, grammar_triggers, additional_stops,
// preserved_tokens, format, parser, generation_prompt.
LLAMAPACK_API enum llamapack_status llamapack_chat_apply(
    const struct llamapack_chat_templates * templates, const char * request, char ** response, char ** error);

#ifdef __cplusplus
}
#endif

#endif // LLAMAPACK_H
