// A module that keeps no promise about answers. A host has to take the first answer and drop the others.
//   twice   completes two times          later    completes not before it is cancelled, and then two times
//   garbage answers what no MessagePack reader takes, with status 0
//   status  answers with a status that the ABI does not have
//   asks    asks the host for an operation that does not exist, and for one with a garbage request, then answers
#include <stdlib.h>
#include <string.h>

#include "zome.h"

// {abi: 1, hdk: "c", zome: "answers_twice", kind: "coordinator", functions: ["twice", "later",
//  "garbage", "status", "asks"], callbacks: [],
//  validates: [], validates_links: [], validates_activity: false}
static const char description[] =
    "\x89\xa3" "abi" "\x01\xa3" "hdk" "\xa1" "c" "\xa4" "zome" "\xad" "answers_twice" "\xa4" "kind" "\xab" "coordinator"
    "\xa9" "functions" "\x95\xa5" "twice" "\xa5" "later" "\xa7" "garbage" "\xa6" "status"
    "\xa4" "asks" "\xa9" "callbacks" "\x90\xa9" "validates" "\x90"
    "\xaf" "validates_links" "\x90\xb2" "validates_activity" "\xc2";

static struct {
    uint64_t call;
    void *waiter;
    zome_complete complete;
} last;

static const zome_host *opened_by;
static const uint8_t one[] = {1}, two[] = {2}, garbage[] = {0xc1, 0xff, 0x00, 0xde};

static int is(const char *word, const uint8_t *name, size_t count) {
    return strlen(word) == count && memcmp(name, word, count) == 0;
}

static void ignore(void *waiter, int32_t status, const uint8_t *bytes, size_t count) {
    (void)waiter, (void)status, (void)bytes, (void)count;
}

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
    if (is("later", name, name_count)) return;
    if (is("garbage", name, name_count)) {
        complete(waiter, ZOME_OK, garbage, sizeof garbage);
        return;
    }
    if (is("status", name, name_count)) {
        complete(waiter, 77, one, sizeof one);
        return;
    }
    if (is("asks", name, name_count)) {
        opened_by->request(opened_by->context, call, 0xffffffffu, one, sizeof one, NULL, ignore);
        opened_by->request(opened_by->context, call, 1, garbage, sizeof garbage, NULL, ignore);
        complete(waiter, ZOME_OK, one, sizeof one);
        return;
    }
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
    opened_by = host;
    return &module;
}
