// All that it does is in libllamapack, which is beside it.

#include "llamapack_runner.h"

int main(int argc, char ** argv) {
    return llamapack_runner_main(argc, argv);
}
