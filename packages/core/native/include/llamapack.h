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
    LLAMAPACK_STATUS_CONFLICT  = 4, // right in itself, but not as things stand: no token is left, or it does not fit
    LLAMAPACK_STATUS_CANCELLED = 5, // a callback wanted it so
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
// their end, one at a time; the callback may run on any thread and must not call back into this library. NULL silences
// everything. Until the first call upstream writes to standard error.
struct llamapack_log_line {
    int32_t      level;
    const char * text;
};
typedef void (*llamapack_log_callback)(const struct llamapack_log_line * line);
LLAMAPACK_API void llamapack_log_set(llamapack_log_callback callback, int32_t min_level);

struct llamapack_chat_templates;

// The chat templates of a model. `template_override` replaces the model's own; NULL or "" keeps it.
// The model must live as long as the handle.
LLAMAPACK_API enum llamapack_status llamapack_chat_templates_init(
    const struct llama_model * model, const char * template_override, struct llamapack_chat_templates ** out, char ** error);
LLAMAPACK_API void llamapack_chat_templates_free(struct llamapack_chat_templates * templates);

// True when the model, or the override, brought a template; false when upstream fell back to ChatML.
LLAMAPACK_API bool llamapack_chat_templates_explicit(const struct llamapack_chat_templates * templates);

// What is known of the templates: *facts receives a JSON object.
//   sources       array of strings: the text of the template, and the one that is used with tools if it is another
//   capabilities  object: what upstream found the template to support, as booleans such as supports_tools
LLAMAPACK_API enum llamapack_status llamapack_chat_templates_facts(
    const struct llamapack_chat_templates * templates, char ** facts, char ** error);

// Render messages. `request` is a JSON object:
//   messages               array as in OpenAI's chat completions
//   tools                  array, likewise; optional
//   tool_choice            "auto", "required" or "none"; optional
//   parallel_tool_calls    bool, true if the template supports it unless given
//   json_grammar           string; optional: a GBNF grammar of the JSON texts that the answer may be, after thinking
//   tool_grammars          object; optional, if there is no json_grammar: a GBNF grammar of the arguments of each tool
//   grammar                string; optional, and not with tools: a GBNF grammar of all that is generated
//   reasoning_format       how thinking is told from the answer, "auto" unless given: as for upstream's --reasoning-format
//   add_generation_prompt  bool, true unless given
//   enable_thinking        bool, true unless given
//   kwargs                 object of template variables; optional
// *response receives a JSON object: prompt, grammar, grammar_lazy, grammar_triggers, additional_stops,
// preserved_tokens, thinking_start, thinking_ends, format, parser, generation_prompt, own_grammars: false where the template
// has no place for json_grammar or tool_grammars, and `grammar` is what upstream makes without them.
LLAMAPACK_API enum llamapack_status llamapack_chat_apply(
    const struct llamapack_chat_templates * templates, const char * request, char ** response, char ** error);

// Take an answer apart. `request` is a JSON object:
//   text                               string: what the model wrote
//   partial                            bool: whether more may come; false unless given
//   format, parser, generation_prompt  strings, as llamapack_chat_apply returned them
// *response receives a JSON object: content, thinking, and tool_calls: an array of objects with `name`, `arguments`, a
// string of JSON, and `id`, which is empty where the model writes none. LLAMAPACK_STATUS_CONFLICT if the text does not
// follow the format.
LLAMAPACK_API enum llamapack_status llamapack_chat_parse(const char * request, char ** response, char ** error);

// Samplers. Where a grammar does not fit, or logits are not numbers, upstream ends the process or throws; these return a
// status and leave the chain as it was. A chain is made and filled with llama.h's functions.

// Tokens that stand next to each other.
struct llamapack_token_run {
    const int32_t * tokens;
    size_t          n_tokens;
};

// Where a grammar begins. A lazy one allows everything until a pattern (an ECMAScript regular expression, searched for in all
// that was accepted) or a token triggers it; of a pattern, the first group that is not empty, or else the whole match, is
// where the grammar begins. Between `thinking_start` and one of `thinking_ends` nothing triggers it, if these are given.
struct llamapack_grammar_beginning {
    bool                               lazy;
    const char * const *               patterns;
    size_t                             n_patterns;
    struct llamapack_token_run         triggers;
    struct llamapack_token_run         begun; // what was written before: its grammar has it, or a lazy one looks for thinking
    struct llamapack_token_run         thinking_start;
    const struct llamapack_token_run * thinking_ends;
    size_t                             n_thinking_ends;
};

// A link that allows what a GBNF grammar does.
LLAMAPACK_API enum llamapack_status llamapack_sampler_init_grammar(
    const struct llama_vocab * vocab, const char * grammar, const char * root,
    const struct llamapack_grammar_beginning * beginning, struct llama_sampler ** out, char ** error);

// Apply a chain to candidates: `size` of them at `data`. What is left begins at `data` again, `selected` is its index or -1.
LLAMAPACK_API enum llamapack_status llamapack_sampler_apply(
    struct llama_sampler * chain, struct llama_token_data_array * candidates, char ** error);

// Tell a chain which token comes next, and which ones a prompt has; grammars are not told of the latter.
LLAMAPACK_API enum llamapack_status llamapack_sampler_accept(struct llama_sampler * chain, int32_t token, char ** error);
LLAMAPACK_API enum llamapack_status llamapack_sampler_accept_prompt(
    struct llama_sampler * chain, const int32_t * tokens, size_t n_tokens, char ** error);

// Choose a token from the logits at `index` and accept it. `candidates` is room for the whole vocabulary: `data`, and
// its capacity in `size`. A grammar that is the first link is asked about the choice, and applied to all candidates only
// if it refuses, as upstream does it.
LLAMAPACK_API enum llamapack_status llamapack_sampler_sample(
    struct llama_sampler * chain, struct llama_context * ctx, int32_t index,
    const struct llama_token_data_array * candidates, int32_t * token, char ** error);

// Copy a chain with its state, and bring one back to its beginning.
LLAMAPACK_API enum llamapack_status llamapack_sampler_copy(
    const struct llama_sampler * chain, struct llama_sampler ** out, char ** error);
LLAMAPACK_API enum llamapack_status llamapack_sampler_reset(struct llama_sampler * chain, char ** error);

// Check a GBNF grammar. `vocab` may be NULL if the grammar names no tokens.
LLAMAPACK_API enum llamapack_status llamapack_grammar_check(
    const struct llama_vocab * vocab, const char * grammar, const char * root, char ** error);

// What decides whether llama.cpp takes a context or a batch, and llama.h does not tell.
struct llamapack_model_facts {
    uint32_t head_size_k;     // greatest common divisor of all layers' heads, in elements
    uint32_t head_size_v;
    uint32_t cache_size_k;    // elements that the K cache keeps of a token, at least
    uint32_t cache_size_v;
    uint32_t n_pos_per_embd;  // positions of one row of embeddings: 1, with M-RoPE 4
    uint32_t n_positions;     // rows of the table of absolute positions; 0 without one
    int32_t  pooling;         // llama_pooling_type
    bool     vocab_only;
    bool     causal;
    bool     mla;             // K and V are kept in one
    bool     classifier;      // there is a classification head
    bool     shift_quantized; // positions can be moved in a quantized K cache
};
LLAMAPACK_API void llamapack_model_facts_get(const struct llama_model * model, struct llamapack_model_facts * facts);

// Stops the long calls of one context: when any thread asks for it, or when a callback does.
struct llamapack_watch;
typedef bool (*llamapack_poll_callback)(void * user_data);

// Watch the computations of `ctx`, for as long as the context lives: free the watch after it. `poll` may be NULL; it is
// asked on the calling thread, at most once in `interval_ms`, and returns true to stop the call.
LLAMAPACK_API enum llamapack_status llamapack_watch_new(
    struct llama_context * ctx, llamapack_poll_callback poll, void * user_data, int32_t interval_ms,
    struct llamapack_watch ** out, char ** error);
LLAMAPACK_API void llamapack_watch_free(struct llamapack_watch * watch);

// Stop the running call and all later ones, until taken back with `stop` false. For any thread.
LLAMAPACK_API void llamapack_watch_stop(struct llamapack_watch * watch, bool stop);

// llama_decode and llama_encode, watched; `poll` says whether the watch's callback may be asked during this call.
// *result receives what upstream returned; 2 is a stopped call. Pending shifts and copies of the memory are carried out
// first, and are never stopped half-way.
LLAMAPACK_API enum llamapack_status llamapack_decode(
    struct llama_context * ctx, const struct llama_batch * batch, struct llamapack_watch * watch, bool poll,
    int32_t * result, char ** error);
LLAMAPACK_API enum llamapack_status llamapack_encode(
    struct llama_context * ctx, const struct llama_batch * batch, struct llamapack_watch * watch, bool poll,
    int32_t * result, char ** error);

// Carry out pending shifts and copies now instead of before the next decode, so that the state can be saved.
LLAMAPACK_API enum llamapack_status llamapack_memory_update(struct llama_context * ctx, char ** error);

// llama_model_load_from_file. *out receives NULL where upstream logs an error, or the progress callback stops it; what
// upstream would abort on is a status and a message.
LLAMAPACK_API enum llamapack_status llamapack_model_load(
    const char * path, const struct llama_model_params * params, struct llama_model ** out, char ** error);

// llama_init_from_model. *out receives NULL where upstream logs an error; what it would abort on is a status and a message.
LLAMAPACK_API enum llamapack_status llamapack_context_init(
    struct llama_model * model, const struct llama_context_params * params, struct llama_context ** out, char ** error);

// llama_adapter_lora_init, likewise.
LLAMAPACK_API enum llamapack_status llamapack_adapter_load(
    struct llama_model * model, const char * path, struct llama_adapter_lora ** out, char ** error);

// A tensor that is about to be written: its number from 1, and how many there are.
struct llamapack_quantize_step {
    int32_t      number;
    int32_t      count;
    const char * name;
};
// Returns false to stop.
typedef bool (*llamapack_quantize_callback)(const struct llamapack_quantize_step * step);

// llama_model_quantize, with a callback that may be NULL. *result receives what upstream returned. llamapack_log_set must
// have been called before.
LLAMAPACK_API enum llamapack_status llamapack_model_quantize(
    const char * source, const char * target, const struct llama_model_quantize_params * params,
    llamapack_quantize_callback callback, uint32_t * result, char ** error);

// Text to tokens as llama_tokenize does it, for vocabularies too that lack what their own tokenizer needs. *count receives
// the number of tokens, or minus that number where it exceeds n_tokens_max; INT32_MIN if no int32_t counts them.
LLAMAPACK_API enum llamapack_status llamapack_tokenize(
    const struct llama_vocab * vocab, const char * text, int32_t text_len, int32_t * tokens, int32_t n_tokens_max,
    bool add_special, bool parse_special, int32_t * count, char ** error);

// Walk `count` strings of a GGUF file at `data`. Returns how many remain where their lengths leave the `size` bytes; *end
// receives where the last one walked ends, which may be past them.
LLAMAPACK_API uint64_t llamapack_gguf_skip_strings(const uint8_t * data, uint64_t size, uint64_t count, uint64_t * end);

// Find two tokens of a GGUF vocabulary that upstream would take for the same, which it aborts on. *first and *second
// receive their indices, or -1.
LLAMAPACK_API enum llamapack_status llamapack_gguf_find_duplicate(
    const uint8_t * data, uint64_t size, uint64_t count, int64_t * first, int64_t * second, char ** error);

// Engines: llama.cpp's server core in this process, without HTTP and without a port. A request is what llama-server takes
// (method, path, JSON) and its response what llama-server answers (a status, then JSON or server-sent events). An engine
// starts no process, opens no connection, and changes nothing of the process: no signal handler, no locale, no log hook,
// no priority.
struct llamapack_engine;
struct llamapack_request;
struct llamapack_inbox;

// What an engine may be given: a JSON array with an object for each option of llama.cpp's server.
//   name       as llama.cpp spells it, without dashes in front
//   names      all its long spellings
//   negations  the spellings that switch it off
//   kind       "flag", "bool", "int", "text" or "pair"
//   hint       what llama.cpp's help writes for the value; NULL where there is none
//   group      "sampling", "speculation" or "general"
//   help       llama.cpp's own words
//   refused    why an engine does not take it; NULL where it does
// Valid as long as the library is loaded; NULL if it could not be made.
LLAMAPACK_API const char * llamapack_engine_options(void);

// How far loading is. An engine loads in stages: "text_model", and where they are given "spec_model" and "mmproj_model".
struct llamapack_load_step {
    const char * stage;
    int32_t      number; // of this stage, from 1
    int32_t      count;  // of all stages
    float        part;   // of this stage, from 0 to 1
};
// Called on the thread that calls llamapack_engine_new, some times a second; returns false to stop loading.
typedef bool (*llamapack_load_callback)(const struct llamapack_load_step * step);

// Load a model and start. `options` is a JSON object: `model`, the path, and whatever llamapack_engine_options has. A value
// is a string, a number or a boolean; an array gives an option several times. `progress` may be NULL. A stop by the
// callback is LLAMAPACK_STATUS_CANCELLED; where llama.cpp gives no reason, its log has it.
LLAMAPACK_API enum llamapack_status llamapack_engine_new(
    const char * options, llamapack_load_callback progress, struct llamapack_engine ** out, char ** error);

// Cancel all requests, take no more, and return when the engine's threads are gone: after the computation step that is
// running. Requests live on until they are freed, and end.
LLAMAPACK_API void llamapack_engine_stop(struct llamapack_engine * engine);

// Stop, and give the memory back.
LLAMAPACK_API void llamapack_engine_free(struct llamapack_engine * engine);

// Requests that one thread waits for together: each says so here when there is something to take from it.
LLAMAPACK_API enum llamapack_status llamapack_inbox_new(struct llamapack_inbox ** out, char ** error);

// Wait for a request that has something, at most `timeout_ms` (-1: for ever), and return true with its tag; return false
// after that time, and at once where llamapack_inbox_wake was called.
LLAMAPACK_API bool llamapack_inbox_next(struct llamapack_inbox * inbox, int32_t timeout_ms, uint64_t * tag);

// Let the running call of llamapack_inbox_next, or the next one, return false.
LLAMAPACK_API void llamapack_inbox_wake(struct llamapack_inbox * inbox);

// Free it; its requests may go on, and tell nobody.
LLAMAPACK_API void llamapack_inbox_free(struct llamapack_inbox * inbox);

// A file that is uploaded with a request, as in a form.
struct llamapack_upload {
    const char * field; // the form's
    const char * file_name;
    const char * content_type;
    const char * data;
    size_t       size;
};

// Begin a request, and return without waiting. `target` is a path, and may have a query. What is wrong with a request, and
// a path that is not there, is an answer with a status of 400 or more. `inbox` may be NULL; `tag` is what it tells.
// LLAMAPACK_STATUS_CONFLICT if the engine was stopped.
LLAMAPACK_API enum llamapack_status llamapack_request_new(
    struct llamapack_engine * engine, const char * method, const char * target, const char * body, size_t body_size,
    const struct llamapack_upload * uploads, size_t n_uploads, struct llamapack_inbox * inbox, uint64_t tag,
    struct llamapack_request ** out, char ** error);

enum llamapack_piece_kind {
    LLAMAPACK_PIECE_DATA    = 0,
    LLAMAPACK_PIECE_END     = 1, // nothing comes any more
    LLAMAPACK_PIECE_TIMEOUT = 2, // nothing came in the time given
};

// A piece of a response: all that was there when it was asked for.
struct llamapack_piece {
    int32_t         kind;
    int32_t         status;       // HTTP's; 0 until it is known, 499 if the request was cancelled
    const char *    content_type; // NULL until it is known
    const uint8_t * data;         // until the next piece is taken, or the request freed
    size_t          size;
};

// Take the next piece, waiting at most `timeout_ms` (-1: for ever). One thread at a time.
LLAMAPACK_API void llamapack_request_next(
    struct llamapack_request * request, int32_t timeout_ms, struct llamapack_piece * piece);

// Stop working on a request; returns at once. Its slot is free after the computation step that is running.
LLAMAPACK_API void llamapack_request_cancel(struct llamapack_request * request);

// Cancel it if it has not ended, and free it.
LLAMAPACK_API void llamapack_request_free(struct llamapack_request * request);

// Images and audio, by a projector and mtmd.h. What mtmd asserts of a file or of what it is given is an error here, unless the
// assertion is on a thread that computes. The log has the reasons that mtmd gives.
struct mtmd_context;
struct mtmd_context_params;
struct mtmd_bitmap;
struct mtmd_input_text;
struct mtmd_input_chunk;
struct mtmd_input_chunks;

// Load the projector at `path` for `model`; *out is NULL where mtmd refuses it. mtmd_free takes it back.
LLAMAPACK_API enum llamapack_status llamapack_projector_load(
    const char * path, const struct llama_model * model, const struct mtmd_context_params * params,
    struct mtmd_context ** out, char ** error);

// Decode the bytes of an image file or of an audio file; *out is NULL where they are neither. mtmd_bitmap_free takes it back.
// Audio is decoded to one channel and to the sample rate that the projector wants.
LLAMAPACK_API enum llamapack_status llamapack_media_decode(
    const struct mtmd_context * projector, const uint8_t * data, size_t size, struct mtmd_bitmap ** out, char ** error);

// Split a text with markers into chunks, and prepare the media for them; *result is mtmd_tokenize's.
LLAMAPACK_API enum llamapack_status llamapack_media_tokenize(
    const struct mtmd_context * projector, const struct mtmd_input_text * text, const struct mtmd_bitmap * const * bitmaps,
    size_t n_bitmaps, struct mtmd_input_chunks * chunks, int32_t * result, char ** error);

// Compute the embeddings of a chunk; *rows receives them, until the next call. *result is mtmd_encode_chunk's.
LLAMAPACK_API enum llamapack_status llamapack_media_encode(
    struct mtmd_context * projector, const struct mtmd_input_chunk * chunk, const float ** rows, int32_t * result,
    char ** error);

#ifdef __cplusplus
}
#endif

#endif // LLAMAPACK_H
