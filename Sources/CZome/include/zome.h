// The C ABI between a Plasmid host and a zome module. Number 1.
//
// A module is a shared library that exports one symbol, `plasmid_zome_open`. Only bytes, integers and function pointers
// cross this border, in both directions. All integers are in the machine's own byte order; all structured bytes are
// MessagePack, in the shapes of docs/spec/zome-abi.md.
//
// Threads: the host calls every function of one `zome_module` from one thread, one at a time. The module may call
// `request` from that thread only while a function of the module runs, and `wake` from any thread at any time until
// `close` has returned.
//
// Bytes that are handed over, in either direction, are borrowed: they are valid until the function that got them
// returns. Whoever needs them longer copies them. A pointer may be NULL when its count is 0.

#ifndef PLASMID_ZOME_H
#define PLASMID_ZOME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The number of this ABI. A host refuses a module with another number, and a module refuses a host with another
/// number.
#define ZOME_ABI 1u

/// The name of the one symbol that a module exports.
#define ZOME_OPEN_SYMBOL "plasmid_zome_open"

/// How a call or a request ended: the `status` of `zome_complete`.
enum {
    /// The bytes are the result.
    ZOME_OK = 0,
    /// The app, or the host operation, failed: the bytes are a ModuleError (a map of `code` and `message`).
    ZOME_APP_ERROR = 1,
    /// The module has no function or callback of that kind and name. The bytes are empty or a ModuleError.
    ZOME_UNKNOWN_NAME = 2,
    /// The call was cancelled before it had a result. The bytes are empty or a ModuleError.
    ZOME_CANCELLED = 3,
    /// The bytes handed over are not the shape that the kind or operation asks for. The bytes are empty or a
    /// ModuleError.
    ZOME_MALFORMED = 4,
};

/// What a call is: the `kind` of `invoke`. The kind decides which host operations the host answers.
enum {
    /// A function, called by name.
    ZOME_FUNCTION = 0,
    /// Judge operations; the name is empty.
    ZOME_VALIDATE = 1,
    /// A message of another agent; the name is empty.
    ZOME_RECEIVE = 2,
    /// The zome's `init`, run once before the first call; the name is empty.
    ZOME_INITIALIZE = 3,
    /// Judge the membrane proof before anything is written; the name is empty.
    ZOME_GENESIS_SELF_CHECK = 4,
    /// Something was committed; the name is empty.
    ZOME_POST_COMMIT = 5,
    /// A scheduled function, called by name.
    ZOME_SCHEDULED = 6,
};

/// Tells whoever waits that its work is done. Called exactly once for every `describe`, `invoke` and `request`, with
/// the `waiter` that was handed over with it.
typedef void (*zome_complete)(void *waiter, int32_t status, const uint8_t *bytes, size_t count);

/// What a host offers to a module. Lives until the module's `close` has returned.
typedef struct zome_host {
    /// `ZOME_ABI` of the host.
    uint32_t abi;
    /// `sizeof(zome_host)` of the host; a later host may append members, never change or remove one.
    uint32_t size;
    /// The host's own; handed back as the first argument of every function.
    void *context;
    /// Asks the host to do `operation` on behalf of the live call `call`. `complete` is called exactly once: before
    /// `request` returns, or later, on any thread. A request of a call that is no longer live completes with
    /// `ZOME_CANCELLED`.
    void (*request)(void *context, uint64_t call, uint32_t operation, const uint8_t *bytes, size_t count, void *waiter,
                    zome_complete complete);
    /// Says that the module has work which was queued by another thread than the host's: the host shall call `run`.
    /// Thread-safe, does not block, and may be called more often than needed.
    void (*wake)(void *context);
} zome_host;

/// What a module offers to a host. Lives until its `close` has returned.
typedef struct zome_module {
    /// `ZOME_ABI` of the module.
    uint32_t abi;
    /// `sizeof(zome_module)` of the module; a later module may append members, never change or remove one.
    uint32_t size;
    /// The module's own; handed back as the first argument of every function.
    void *context;
    /// Describes the module: a ModuleDescription. Completes before it returns.
    void (*describe)(void *context, void *waiter, zome_complete complete);
    /// Starts the call with the number `call`, which no live call has. `name` is UTF-8. The bytes are an Invocation.
    /// Completes exactly once, on the host's thread: before it returns, or in a later `run`, `cancel` or `close`.
    void (*invoke)(void *context, uint64_t call, uint32_t kind, const uint8_t *name, size_t name_count,
                   const uint8_t *bytes, size_t count, void *waiter, zome_complete complete);
    /// Ends a call: it completes with `ZOME_CANCELLED` unless it already has a result. Unknown numbers are ignored.
    void (*cancel)(void *context, uint64_t call);
    /// Runs what is ready, on this thread, until nothing is left. Returns how many live calls wait for something else
    /// than an answer of the host, and so will go on only after a `wake` (or never).
    /// The host calls it after `invoke`, `cancel`, `wake` and after completing requests; once for a batch of them is
    /// enough.
    size_t (*run)(void *context);
    /// Completes every live call with `ZOME_CANCELLED` and frees what the module holds. Nothing is called afterwards,
    /// but completions of requests that are still under way may arrive and are ignored.
    void (*close)(void *context);
} zome_module;

/// Opens the module for this host. Returns NULL when the host's ABI is not the module's; the host refuses a module
/// whose `abi` is not its own. A library may be opened several times; every opening has a `context` of its own.
const zome_module *plasmid_zome_open(const zome_host *host);

#ifdef __cplusplus
}
#endif

#endif
