// What llama.cpp's server-queue.cpp needs of the rest of the server core: tasks and results that do nothing.

#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#define SRV_WRN(...)
#define SRV_DBG(...)
#define GGML_ASSERT(x) do { if (!(x)) { std::abort(); } } while (0)
#define GGML_UNUSED(x) (void) (x)

inline int64_t ggml_time_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

enum server_task_type {
    SERVER_TASK_TYPE_COMPLETION,
    SERVER_TASK_TYPE_CANCEL,
    SERVER_TASK_TYPE_METRICS,
    SERVER_TASK_TYPE_NEXT_RESPONSE,
};

struct task_result_state {};

struct server_task {
    int                      id        = -1;
    int                      id_target = -1;
    int                      id_slot   = -1;
    size_t                   index     = 0;
    server_task_type         type      = SERVER_TASK_TYPE_COMPLETION;
    std::vector<server_task> child_tasks;

    server_task() = default;
    explicit server_task(server_task_type type) : type(type) {}

    bool              is_parent() const { return false; }
    bool              is_child() const { return false; }
    task_result_state create_state() const { return {}; }

    static std::unordered_set<int> get_list_id(const std::vector<server_task> & tasks) {
        std::unordered_set<int> ids;
        for (const auto & task : tasks) {
            ids.insert(task.id);
        }
        return ids;
    }
};

struct server_task_result {
    int    id    = -1;
    size_t index = 0;

    virtual ~server_task_result() = default;
    virtual bool                 is_error() { return false; }
    virtual bool                 is_stop() { return false; }
    virtual void                 update(task_result_state &) {}
    virtual server_task_result * clone() { return new server_task_result(*this); }
};

using server_task_result_ptr = std::unique_ptr<server_task_result>;
