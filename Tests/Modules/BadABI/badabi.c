// A module that was built for an ABI that nobody speaks. A host has to refuse it by its number and touch nothing else.
#include "zome.h"

static const zome_module module = {.abi = 4711, .size = sizeof(zome_module)};

const zome_module *plasmid_zome_open(const zome_host *host) {
    (void)host;
    return &module;
}
