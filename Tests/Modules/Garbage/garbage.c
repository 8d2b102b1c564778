// A module that answers everything with bytes that are no MessagePack, its own description too; the status is one that
// the ABI does not have. The bytes are the same in every run.
#include "zome.h"

static uint32_t state = 1;

static void fill(uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    // 0xc1 is the one byte that MessagePack never uses: whoever decodes this has to fail.
    bytes[0] = 0xc1;
}

static void answer(void *waiter, zome_complete complete, int32_t status) {
    uint8_t bytes[333];
    fill(bytes, sizeof bytes);
    complete(waiter, status, bytes, sizeof bytes);
}

static void describe(void *context, void *waiter, zome_complete complete) {
    (void)context;
    answer(waiter, complete, ZOME_OK);
}

static void invoke(void *context, uint64_t call, uint32_t kind, const uint8_t *name, size_t name_count,
                   const uint8_t *bytes, size_t count, void *waiter, zome_complete complete) {
    (void)context, (void)call, (void)kind, (void)name, (void)name_count, (void)bytes, (void)count;
    answer(waiter, complete, 77);
}

static void cancel(void *context, uint64_t call) { (void)context, (void)call; }

static size_t run(void *context) {
    (void)context;
    return (size_t)-1;
}

static void close_module(void *context) { (void)context; }

static const zome_module module = {.abi = ZOME_ABI,
                                   .size = sizeof(zome_module),
                                   .describe = describe,
                                   .invoke = invoke,
                                   .cancel = cancel,
                                   .run = run,
                                   .close = close_module};

const zome_module *plasmid_zome_open(const zome_host *host) {
    (void)host;
    return &module;
}
