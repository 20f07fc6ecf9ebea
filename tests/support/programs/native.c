// What the Python package does with its libraries, in C: for systems on which no Python runs here.
//
//   native FOLDER levels                              the score of every CPU level in FOLDER
//   native FOLDER generate LEVEL MODEL COUNT PROMPT   greedy tokens; LEVEL may be `best`
//   native FOLDER chat MODEL REQUEST                  what llamapack_chat_apply makes of a request in JSON
//   native FOLDER quantize MODEL TARGET               MODEL as Q4_0 in TARGET
//   native FOLDER plugin LIBRARY                      everything that a backend gives and takes, and a product by it
//
// It prints lines of a word and what belongs to it, in UTF-8. Where something fails it prints why, and ends with 1.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ggml-backend.h"
#include "llama.h"
#include "llamapack.h"

#define ROOM 4096

static void fail(const char *what, const char *why) {
    printf("failed %s: %s\n", what, why);
    exit(1);
}

#ifdef _WIN32
#include <windows.h>
#define PREFIX ""
#define SHARED ".dll"
#define MODULE ".dll"
typedef HMODULE library;

static const wchar_t *wide(const char *text) {
    static wchar_t out[ROOM];
    MultiByteToWideChar(CP_UTF8, 0, text, -1, out, ROOM);
    for (wchar_t *each = out; *each; each++) {
        *each = *each == L'/' ? L'\\' : *each;
    }
    return out;
}

// With the flags that Python's ctypes gives it.
static library open_library(const char *path) {
    SetErrorMode(SEM_FAILCRITICALERRORS);
    library found = LoadLibraryExW(wide(path), NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    if (!found) {
        char why[64];
        snprintf(why, sizeof why, "error %lu", GetLastError());
        fail(path, why);
    }
    return found;
}

static void *symbol(library from, const char *name) { return (void *)(size_t)GetProcAddress(from, name); }

static void close_library(library which) { FreeLibrary(which); }
#else
#include <dlfcn.h>
#define PREFIX "lib"
#define SHARED ".so"
#define MODULE ".so"
typedef void *library;

static library open_library(const char *path) {
    library found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!found) {
        fail(path, dlerror());
    }
    return found;
}

static void *symbol(library from, const char *name) { return dlsym(from, name); }

static void close_library(library which) { dlclose(which); }
#endif

static const char *folder;
static library base, ggml, llamapack;

static void *needed(library from, const char *name) {
    void *found = symbol(from, name);
    if (!found) {
        fail(name, "the library does not show it");
    }
    return found;
}

#define BASE(name) ((__typeof__(&name))needed(base, #name))
#define GGML(name) ((__typeof__(&name))needed(ggml, #name))
#define LLAMA(name) ((__typeof__(&name))needed(llamapack, #name))

static const char *within(const char *prefix, const char *name, const char *suffix) {
    static char path[ROOM];
    snprintf(path, sizeof path, "%s/%s%s%s", folder, prefix, name, suffix);
    return path;
}

static library open_ours(const char *stem) {
    char name[256];
    snprintf(name, sizeof name, "%s-%s", stem, LLAMAPACK_ABI_ID);
    return open_library(within(PREFIX, name, SHARED));
}

static const char *level_path(const char *level) {
    char name[256];
    snprintf(name, sizeof name, "ggml-cpu-%s", level);
    return within(PREFIX, name, MODULE);
}

// The levels are those that were built; the compiler is told their names.
static const char *const levels[] = {LEVELS};

static int score_of(const char *level) {
    library module = open_library(level_path(level));
    int (*score)(void) = (int (*)(void))needed(module, "ggml_backend_score");
    int value = score();
    close_library(module);
    return value;
}

static const char *best_level(void) {
    const char *best = NULL;
    int highest = 0;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        int score = score_of(levels[i]);
        if (score > highest) {
            best = levels[i];
            highest = score;
        }
    }
    if (!best) {
        fail("levels", "this processor runs none of them");
    }
    return best;
}

static void show_levels(void) {
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        printf("score %s %d\n", levels[i], score_of(levels[i]));
    }
    printf("best %s\n", best_level());
}

// Only warnings and what is worse, so that what is printed is ours.
static void log_line(const struct llamapack_log_line *line) { fprintf(stderr, "%s\n", line->text); }

static void load_level(const char *level) {
    llamapack = open_ours("llamapack");
    printf("abi %s\nbuild %s\n", LLAMA(llamapack_abi_id)(), LLAMA(llamapack_build_info)());
    LLAMA(llamapack_log_set)(log_line, GGML_LOG_LEVEL_WARN);
    const char *wanted = strcmp(level, "best") ? level : best_level();
    if (!GGML(ggml_backend_load)(level_path(wanted))) {
        fail(level_path(wanted), "ggml did not load it");
    }
    printf("level %s\n", wanted);
}

static struct llama_model *load_model(const char *path) {
    struct llama_model *model = LLAMA(llama_model_load_from_file)(path, LLAMA(llama_model_default_params)());
    if (!model) {
        fail(path, "llama.cpp did not load it");
    }
    return model;
}

static llama_token most_likely(struct llama_context *context, int32_t n_vocab) {
    const float *logits = LLAMA(llama_get_logits_ith)(context, -1);
    llama_token best = 0;
    for (llama_token token = 1; token < n_vocab; token++) {
        best = logits[token] > logits[best] ? token : best;
    }
    return best;
}

static void generate(const char *level, const char *path, int count, const char *prompt) {
    load_level(level);
    struct llama_model *model = load_model(path);
    const struct llama_vocab *vocab = LLAMA(llama_model_get_vocab)(model);
    struct llama_context_params parameters = LLAMA(llama_context_default_params)();
    parameters.n_ctx = 256;
    parameters.n_threads = parameters.n_threads_batch = 2;
    struct llama_context *context = LLAMA(llama_init_from_model)(model, parameters);
    if (!context) {
        fail(path, "llama.cpp made no context for it");
    }
    llama_token tokens[256];
    int32_t n = LLAMA(llama_tokenize)(vocab, prompt, (int32_t)strlen(prompt), tokens, 256, true, true);
    char text[ROOM] = "", piece[256];
    printf("tokens");
    for (int i = 0; i < count; i++) {
        if (LLAMA(llama_decode)(context, LLAMA(llama_batch_get_one)(tokens, n))) {
            fail(prompt, "llama.cpp did not decode it");
        }
        tokens[0] = most_likely(context, LLAMA(llama_vocab_n_tokens)(vocab));
        n = 1;
        int32_t size = LLAMA(llama_token_to_piece)(vocab, tokens[0], piece, sizeof piece - 1, 0, true);
        piece[size > 0 ? size : 0] = '\0';
        strncat(text, piece, sizeof text - strlen(text) - 1);
        printf(" %d", tokens[0]);
    }
    printf("\ntext %s\n", text);
    LLAMA(llama_free)(context);
    LLAMA(llama_model_free)(model);
}

static void chat(const char *path, const char *request) {
    load_level("best");
    struct llama_model *model = load_model(path);
    struct llamapack_chat_templates *templates = NULL;
    char *response = NULL, *error = NULL;
    if (LLAMA(llamapack_chat_templates_init)(model, NULL, &templates, &error) ||
        LLAMA(llamapack_chat_apply)(templates, request, &response, &error)) {
        fail(request, error);
    }
    printf("response %s\n", response);
    // A request that is none: the message, too, is the library's.
    if (!LLAMA(llamapack_chat_apply)(templates, "{", &response, &error)) {
        fail("{", "llamapack took it for a request");
    }
    printf("error %s\n", error);
    LLAMA(llamapack_string_free)(response);
    LLAMA(llamapack_string_free)(error);
    LLAMA(llamapack_chat_templates_free)(templates);
    LLAMA(llama_model_free)(model);
}

static void quantize(const char *path, const char *target) {
    load_level("best");
    struct llama_model_quantize_params parameters = LLAMA(llama_model_quantize_default_params)();
    parameters.ftype = LLAMA_FTYPE_MOSTLY_Q4_0;
    parameters.allow_requantize = true;
    parameters.nthread = 2;
    if (LLAMA(llama_model_quantize)(path, target, &parameters)) {
        fail(path, "llama.cpp did not quantize it");
    }
    printf("quantized %s\n", target);
}

// [[1, 2], [3, 4], [5, 6]] and [[1, 1], [2, 0]], multiplied row by row.
static void multiply(ggml_backend_t backend, ggml_backend_buffer_type_t memory) {
    static const float left[] = {1, 2, 3, 4, 5, 6}, right[] = {1, 1, 2, 0};
    struct ggml_init_params parameters = {.mem_size = 1 << 20, .mem_buffer = NULL, .no_alloc = true};
    struct ggml_context *context = BASE(ggml_init)(parameters);
    struct ggml_tensor *a = BASE(ggml_new_tensor_2d)(context, GGML_TYPE_F32, 2, 3);
    struct ggml_tensor *b = BASE(ggml_new_tensor_2d)(context, GGML_TYPE_F32, 2, 2);
    struct ggml_tensor *product = BASE(ggml_mul_mat)(context, a, b);
    struct ggml_cgraph *graph = BASE(ggml_new_graph)(context);
    BASE(ggml_build_forward_expand)(graph, product);
    ggml_backend_buffer_t buffer = BASE(ggml_backend_alloc_ctx_tensors_from_buft)(context, memory);
    BASE(ggml_backend_tensor_set)(a, left, 0, sizeof left);
    BASE(ggml_backend_tensor_set)(b, right, 0, sizeof right);
    if (BASE(ggml_backend_graph_compute)(backend, graph)) {
        fail("product", "the backend did not compute it");
    }
    float result[6];
    BASE(ggml_backend_tensor_get)(product, result, 0, sizeof result);
    printf("product");
    for (int i = 0; i < 6; i++) {
        printf(" %g", result[i]);
    }
    printf("\n");
    BASE(ggml_backend_buffer_free)(buffer);
    BASE(ggml_free)(context);
}

static void use_plugin(const char *path) {
    ggml_backend_reg_t registry = GGML(ggml_backend_load)(path);
    if (!registry) {
        fail(path, "ggml did not load it");
    }
    printf("plugin %s\n", BASE(ggml_backend_reg_name)(registry));
    for (size_t i = 0; i < BASE(ggml_backend_reg_dev_count)(registry); i++) {
        ggml_backend_dev_t device = BASE(ggml_backend_reg_dev_get)(registry, i);
        struct ggml_backend_dev_props properties;
        BASE(ggml_backend_dev_get_props)(device, &properties);
        printf("device %s: %s\n", properties.name, properties.description);
        ggml_backend_t backend = BASE(ggml_backend_dev_init)(device, NULL);
        multiply(backend, BASE(ggml_backend_dev_buffer_type)(device));
        BASE(ggml_backend_free)(backend);
        size_t before = properties.memory_free;
        BASE(ggml_backend_dev_memory)(device, &properties.memory_free, &properties.memory_total);
        printf("kept %zu\n", before - properties.memory_free);
    }
    GGML(ggml_backend_unload)(registry);
}

static int run(int argc, char **argv) {
    if (argc < 3) {
        fail("arguments", "native FOLDER levels|generate|chat|quantize|plugin ...");
    }
    folder = argv[1];
    const char *command = argv[2];
    base = open_ours("ggml-base");
    ggml = open_ours("ggml");
    if (!strcmp(command, "levels")) {
        show_levels();
    } else if (!strcmp(command, "generate") && argc == 7) {
        generate(argv[3], argv[4], atoi(argv[5]), argv[6]);
    } else if (!strcmp(command, "chat") && argc == 5) {
        chat(argv[3], argv[4]);
    } else if (!strcmp(command, "quantize") && argc == 5) {
        quantize(argv[3], argv[4]);
    } else if (!strcmp(command, "plugin") && argc == 4) {
        use_plugin(argv[3]);
    } else {
        fail(command, "there is no such command with so many words");
    }
    return 0;
}

#ifdef _WIN32
int wmain(int argc, wchar_t **argv) {
    static char words[8][ROOM];
    char *all[8];
    for (int i = 0; i < argc && i < 8; i++) {
        WideCharToMultiByte(CP_UTF8, 0, argv[i], -1, words[i], ROOM, NULL, NULL);
        all[i] = words[i];
    }
    return run(argc < 8 ? argc : 8, all);
}
#else
int main(int argc, char **argv) { return run(argc, argv); }
#endif
