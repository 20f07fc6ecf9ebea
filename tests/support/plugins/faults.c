// What a broken driver does to the process that uses it. EXAMPLE_FAULT names what, EXAMPLE_FAULT_AT when: `load`, while
// the library is opened; `init`, while it registers; `list`, while devices are counted; `compute`.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void segv(void) {
    static int *volatile nowhere;
    *nowhere = 1;
}

static void ill(void) { raise(SIGILL); }

static void hang(void) {
    for (;;) {
        pause();
    }
}

static void leave(void) { _exit(0); }

// Writes what nobody can read to every open descriptor but standard input, then leaves as if all were well.
static void garbage(void) {
    static const char junk[] = "{\"devices\": [\xff\xfe\0 nonsense";
    for (int file = 1; file < 64; file++) {
        if (write(file, junk, sizeof(junk)) < 0) {
            continue;
        }
    }
    _exit(0);
}

static void flood(void) {
    static char line[1024];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 1024; i++) {
        fwrite(line, 1, sizeof(line), stderr);
    }
}

// A process of its own that outlives the one that loaded the library, and keeps its descriptors open.
// Its id goes into the file that LLAMAPACK_EXAMPLE_GRANDCHILD names, where it is set;
// with LLAMAPACK_EXAMPLE_SESSION it also leaves the session.
static void grandchild(void) {
    static pid_t child;
    if (child) {
        return;
    }
    child = fork();
    if (child == 0) {
        if (getenv("LLAMAPACK_EXAMPLE_SESSION")) {
            setsid();
        }
        sleep(120);
        _exit(0);
    }
    const char *name = getenv("LLAMAPACK_EXAMPLE_GRANDCHILD");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file) {
        fprintf(file, "%d\n", (int)child);
        fclose(file);
    }
}

static const struct {
    const char *name;
    void (*happen)(void);
} faults[] = {
    {"segv", segv},       {"ill", ill},     {"abort", abort}, {"hang", hang},
    {"exit", leave},      {"garbage", garbage}, {"flood", flood}, {"grandchild", grandchild},
};

void example_fault(const char *moment) {
    if (strcmp(moment, EXAMPLE_FAULT_AT) != 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        if (strcmp(faults[i].name, EXAMPLE_FAULT) == 0) {
            faults[i].happen();
        }
    }
}

__attribute__((constructor)) static void while_loading(void) { example_fault("load"); }
