// A module that completes every call twice, and a call that was cancelled once more. A host has to take the first answer
// and drop the others.
#include <stdlib.h>
#include <string.h>

#include "zome.h"

// {abi: 1, hdk: "c", zome: "answers_twice", kind: "coordinator", functions: ["twice", "later"], callbacks: [],
//  validates: [], validates_links: [], validates_activity: false}
static const char description[] =
    "\x89\xa3" "abi" "\x01\xa3" "hdk" "\xa1" "c" "\xa4" "zome" "\xad" "answers_twice" "\xa4" "kind" "\xab" "coordinator"
    "\xa9" "functions" "\x92\xa5" "twice" "\xa5" "later" "\xa9" "callbacks" "\x90\xa9" "validates" "\x90"
    "\xaf" "validates_links" "\x90\xb2" "validates_activity" "\xc2";

static struct {
    uint64_t call;
    void *waiter;
    zome_complete complete;
} last;

static const uint8_t one[] = {1}, two[] = {2};

static void describe(void *context, void *waiter, zome_complete complete) {
    (void)context;
    complete(waiter, ZOME_OK, (const uint8_t *)description, sizeof(description) - 1);
}

static void invoke(void *context, uint64_t call, uint32_t kind, const uint8_t *name, size_t name_count,
                   const uint8_t *bytes, size_t count, void *waiter, zome_complete complete) {
    (void)context, (void)kind, (void)bytes, (void)count;
    last.call = call;
    last.waiter = waiter;
    last.complete = complete;
    if (name_count == 5 && memcmp(name, "later", 5) == 0) return;
    complete(waiter, ZOME_OK, one, sizeof one);
    complete(waiter, ZOME_OK, two, sizeof two);
}

static void cancel(void *context, uint64_t call) {
    (void)context;
    if (last.complete == NULL || last.call != call) return;
    last.complete(last.waiter, ZOME_CANCELLED, NULL, 0);
    last.complete(last.waiter, ZOME_OK, two, sizeof two);
}

static size_t run(void *context) {
    (void)context;
    return 0;
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
    if (host == NULL || host->abi != ZOME_ABI) return NULL;
    return &module;
}
