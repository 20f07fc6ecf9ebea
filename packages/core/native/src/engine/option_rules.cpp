#include "option_rules.hpp"

#include <cstring>
#include <string>

#include "arg.h"

namespace {

constexpr char ends_process[] = "it ends the process";
constexpr char downloads[] = "an engine downloads nothing: give it paths";
constexpr char starts_programs[] = "an engine starts no programs";
constexpr char listens[] = "an engine listens nowhere";
constexpr char several_models[] = "it is for several models; an engine has one";
constexpr char connects[] = "it opens connections to other machines";
constexpr char whole_process[] = "it concerns the whole process";
constexpr char logs[] = "logging is set for the whole process: see the logger `llamapack.native`";
constexpr char sleeps[] = "an engine that nobody uses is closed";
constexpr char removed[] = "llama.cpp has removed it; its help says what there is instead";
constexpr char unknown[] = "it is new in llama.cpp, and what it does was not looked at yet";

// By the first of an option's long spellings.
struct rule {
    const char * name;
    const char * reason;
};

const rule refused[] = {
    { "cache-list", ends_process },
    { "completion-bash", ends_process },
    { "help", ends_process },
    { "list-devices", ends_process },
    { "version", ends_process },
    { "docker-repo", downloads },
    { "embd-gemma-default", downloads },
    { "fim-qwen-1.5b-default", downloads },
    { "fim-qwen-14b-spec", downloads },
    { "fim-qwen-30b-default", downloads },
    { "fim-qwen-3b-default", downloads },
    { "fim-qwen-7b-default", downloads },
    { "fim-qwen-7b-spec", downloads },
    { "gpt-oss-120b-default", downloads },
    { "gpt-oss-20b-default", downloads },
    { "hf-file", downloads },
    { "hf-repo", downloads },
    { "hf-token", downloads },
    { "mmproj-auto", downloads },
    { "mmproj-url", downloads },
    { "model-url", downloads },
    { "offline", downloads },
    { "spec-draft-hf", downloads },
    { "vision-gemma-12b-default", downloads },
    { "vision-gemma-4b-default", downloads },
    { "agent", starts_programs },
    { "mcp-servers-config", starts_programs },
    { "mcp-servers-json", starts_programs },
    { "tools", starts_programs },
    { "tools-runtime", starts_programs },
    { "video-ffmpeg-dir", starts_programs },
    { "api-key", listens },
    { "api-key-file", listens },
    { "api-prefix", listens },
    { "cors-credentials", listens },
    { "cors-headers", listens },
    { "cors-methods", listens },
    { "cors-origins", listens },
    { "host", listens },
    { "path", listens },
    { "port", listens },
    { "reuse-port", listens },
    { "sse-ping-interval", listens },
    { "ssl-cert-file", listens },
    { "ssl-key-file", listens },
    { "threads-http", listens },
    { "timeout", listens },
    { "ui", listens },
    { "ui-config", listens },
    { "ui-config-file", listens },
    { "ui-mcp-proxy", listens },
    { "models-autoload", several_models },
    { "models-dir", several_models },
    { "models-max", several_models },
    { "models-preset", several_models },
    { "rpc", connects },
    { "numa", whole_process },
    { "prio", whole_process },
    { "prio-batch", whole_process },
    { "spec-draft-prio", whole_process },
    { "spec-draft-prio-batch", whole_process },
    { "log-colors", logs },
    { "log-disable", logs },
    { "log-file", logs },
    { "log-jsonl", logs },
    { "log-prefix", logs },
    { "log-prompts-dir", logs },
    { "log-timestamps", logs },
    { "verbose", logs },
    { "verbosity", logs },
    { "sleep-idle-seconds", sleeps },
    { "draft", removed },
    { "draft-min", removed },
    { "spec-ngram-min-hits", removed },
    { "spec-ngram-size-m", removed },
    { "spec-ngram-size-n", removed },
};

const char * const taken[] = {
    "adaptive-decay", "adaptive-target", "alias", "backend-sampling", "batch-size", "cache-idle-slots",
    "cache-prompt", "cache-ram", "cache-reuse", "cache-type-k", "cache-type-v", "chat-template", "chat-template-file",
    "chat-template-kwargs", "check-tensors", "checkpoint-min-step", "cont-batching", "context-shift",
    "control-vector", "control-vector-layer-range", "control-vector-scaled", "cpu-mask", "cpu-mask-batch", "cpu-moe",
    "cpu-range", "cpu-range-batch", "cpu-strict", "cpu-strict-batch", "ctx-checkpoints", "ctx-size", "defrag-thold",
    "device", "dry-allowed-length", "dry-base", "dry-multiplier", "dry-penalty-last-n", "dry-sequence-breaker",
    "dynatemp-exp", "dynatemp-range", "embd-normalize", "embedding", "escape", "fit", "fit-ctx", "fit-target",
    "flash-attn", "frequency-penalty", "gpu-layers", "grammar", "grammar-file", "ignore-eos", "image-max-tokens",
    "image-min-tokens", "jinja", "json-schema", "json-schema-file", "keep", "kv-offload", "kv-unified",
    "kv-unified-per-slot", "lazy-mode", "load-mode", "logit-bias", "lookup-cache-dynamic", "lookup-cache-static",
    "lora", "lora-init-without-apply", "lora-scaled", "main-gpu", "media-path", "metrics", "min-p", "mirostat",
    "mirostat-ent", "mirostat-lr", "mmproj", "mmproj-device", "mmproj-offload", "model", "mtmd-batch-max-tokens",
    "n-cpu-ffn", "n-cpu-moe", "no-host", "op-offload", "override-kv", "override-tensor", "parallel", "perf", "poll",
    "poll-batch", "pooling", "predict", "prefill-assistant", "presence-penalty", "props", "reasoning",
    "reasoning-budget", "reasoning-budget-message", "reasoning-effort", "reasoning-format", "reasoning-preserve",
    "repack", "repeat-last-n", "repeat-penalty", "rerank", "reverse-prompt", "rope-freq-base", "rope-freq-scale",
    "rope-scale", "rope-scaling", "sampler-seq", "samplers", "seed", "skip-chat-parsing", "slot-prompt-similarity",
    "slot-save-path", "slots", "spec-default", "spec-draft-backend-sampling", "spec-draft-cpu-mask",
    "spec-draft-cpu-mask-batch", "spec-draft-cpu-moe", "spec-draft-cpu-range", "spec-draft-cpu-strict",
    "spec-draft-cpu-strict-batch", "spec-draft-device", "spec-draft-model", "spec-draft-n-cpu-moe",
    "spec-draft-n-max", "spec-draft-n-min", "spec-draft-ngl", "spec-draft-override-tensor", "spec-draft-p-min",
    "spec-draft-p-split", "spec-draft-poll", "spec-draft-poll-batch", "spec-draft-threads",
    "spec-draft-threads-batch", "spec-draft-type-k", "spec-draft-type-v", "spec-ngram-map-k-min-hits",
    "spec-ngram-map-k-size-m", "spec-ngram-map-k-size-n", "spec-ngram-map-k4v-min-hits", "spec-ngram-map-k4v-size-m",
    "spec-ngram-map-k4v-size-n", "spec-ngram-mod-n-match", "spec-ngram-mod-n-max", "spec-ngram-mod-n-min",
    "spec-ngram-simple-min-hits", "spec-ngram-simple-size-m", "spec-ngram-simple-size-n", "spec-synth-len",
    "spec-synth-rates", "spec-type", "special", "split-mode", "spm-infill", "swa-full", "tags", "temp",
    "tensor-split", "threads", "threads-batch", "top-k", "top-nsigma", "top-p", "typical", "ubatch-size", "video-fps",
    "video-timestamp-interval", "warmup", "xtc-probability", "xtc-threshold", "yarn-attn-factor", "yarn-beta-fast",
    "yarn-beta-slow", "yarn-ext-factor", "yarn-orig-ctx",
};

} // namespace

namespace llamapack {

std::string option_name(const common_arg & option) {
    for (const char * spelling : option.args) {
        if (std::strncmp(spelling, "--", 2) == 0) {
            return spelling + 2;
        }
    }
    return option.args.empty() ? "" : option.args[0];
}

const char * refusal_of(const common_arg & option) {
    const std::string name = option_name(option);
    for (const rule & each : refused) {
        if (name == each.name) {
            return each.reason;
        }
    }
    for (const char * each : taken) {
        if (name == each) {
            return nullptr;
        }
    }
    return unknown;
}

} // namespace llamapack
