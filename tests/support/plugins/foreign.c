// What no plug-in may do: give back with its own C library what another library made with its. Linked like faults.c.

#include <stdlib.h>
#include <string.h>

#include "gguf.h"

void example_fault(const char *moment) {
    if (!strcmp(moment, "compute")) {
        free(gguf_init_empty());
    }
}
