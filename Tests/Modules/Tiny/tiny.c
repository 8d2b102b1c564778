// The smallest zome module, and a hostile one: tests and benchmarks of the zome runtime call its functions by name.
// It completes within `invoke`, so that what is measured is the runtime and not a module.
#define _GNU_SOURCE
#include "zome.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const zome_host *host;
static size_t waiting_elsewhere;

// A function that another thread ends through `wake`.
static struct {
    void *waiter;
    zome_complete complete;
    volatile int due;
} later;

static void answer_text(void *waiter, zome_complete complete, const char *text) {
    uint8_t bytes[256];
    size_t count = strlen(text);
    bytes[0] = 0xd9;  // str 8
    bytes[1] = (uint8_t)count;
    memcpy(bytes + 2, text, count);
    complete(waiter, ZOME_OK, bytes, count + 2);
}

static uint8_t *put_text(uint8_t *at, const char *text) {
    size_t count = strlen(text);
    *at++ = 0xd9;
    *at++ = (uint8_t)count;
    memcpy(at, text, count);
    return at + count;
}

static uint8_t *put_texts(uint8_t *at, const char *const *texts, size_t count) {
    *at++ = 0xdc;  // array 16
    *at++ = (uint8_t)(count >> 8);
    *at++ = (uint8_t)count;
    for (size_t i = 0; i < count; i++) at = put_text(at, texts[i]);
    return at;
}

static void describe(void *context, void *waiter, zome_complete complete) {
    static const char *const functions[] = {"noop", "echo", "trap"};
    static const char *const callbacks[] = {"init"};
    uint8_t bytes[512], *at = bytes;
    (void)context;
    *at++ = 0x89;  // map of nine
    at = put_text(at, "abi"), *at++ = ZOME_ABI;
    at = put_text(at, "hdk"), at = put_text(at, "none");
    at = put_text(at, "zome"), at = put_text(at, "tiny");
    at = put_text(at, "kind"), at = put_text(at, "coordinator");
    at = put_text(at, "functions"), at = put_texts(at, functions, 3);
    at = put_text(at, "callbacks"), at = put_texts(at, callbacks, 1);
    at = put_text(at, "validates"), at = put_texts(at, NULL, 0);
    at = put_text(at, "validates_links"), at = put_texts(at, NULL, 0);
    at = put_text(at, "validates_activity"), *at++ = 0xc2;
    complete(waiter, ZOME_OK, bytes, (size_t)(at - bytes));
}

struct relay {
    void *waiter;
    zome_complete complete;
};

static void host_answered(void *waiter, int32_t status, const uint8_t *bytes, size_t count) {
    struct relay *relay = waiter;
    relay->complete(relay->waiter, status, bytes, count);
    free(relay);
}

static void *end_later(void *unused) {
    (void)unused;
    later.due = 1;
    host->wake(host->context);
    return NULL;
}

// Tries one thing that the sandbox forbids, and says how it went where the process survives.
static void try_forbidden(const char *what, void *waiter, zome_complete complete) {
    char text[128];
    long result = -1;
    errno = 0;
    if (!strcmp(what, "open")) result = open("/etc/passwd", O_RDONLY);
    if (!strcmp(what, "create")) result = open("plasmid-escape", O_WRONLY | O_CREAT, 0600);
    if (!strcmp(what, "stat")) { struct stat s; result = stat("/etc/passwd", &s); }
    if (!strcmp(what, "socket")) result = socket(AF_INET, SOCK_STREAM, 0);
    if (!strcmp(what, "fork")) result = fork();
    if (!strcmp(what, "exec")) result = execl("/bin/true", "true", (char *)NULL);
    if (!strcmp(what, "kill-parent")) result = syscall(SYS_tgkill, getppid(), getppid(), SIGTERM);
    if (!strcmp(what, "executable-memory"))
        result = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
    if (!strcmp(what, "shared-memory"))
        result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
    if (!strcmp(what, "ptrace")) result = syscall(SYS_ptrace, 16, getppid(), 0, 0);
    snprintf(text, sizeof text, "%s: %s", what, result >= 0 ? "worked" : strerror(errno));
    answer_text(waiter, complete, text);
}

// Counts the open descriptors above 3 without opening anything.
static int extra_descriptors(void) {
    int found = 0;
    struct stat unused;
    for (int fd = 4; fd < 1024; fd++) {
        errno = 0;
        // The bell of the host is the one that belongs here.
        if (syscall(SYS_fstat, fd, &unused) == 0) found++;
    }
    return found - 1;
}

static void hog(void) {
    for (;;) {
        char *piece = malloc(1 << 20);
        if (!piece) abort();
        memset(piece, 1, 1 << 20);
    }
}

static void raw_frames(const char *what) {
    uint8_t junk[24] = {0};
    if (!strcmp(what, "garbage")) memset(junk, 0xff, sizeof junk);
    if (!strcmp(what, "unknown-call")) {
        junk[0] = 20, junk[4] = 17, junk[8] = 0xee;
    }
    if (write(3, junk, sizeof junk) < 0) abort();
}

static int named(const uint8_t *name, size_t count, const char *text) {
    return count == strlen(text) && !memcmp(name, text, count);
}

static void invoke(void *context, uint64_t call, uint32_t kind, const uint8_t *name, size_t name_count,
                   const uint8_t *bytes, size_t count, void *waiter, zome_complete complete) {
    static const uint8_t nil = 0xc0;
    char text[64];
    (void)context, (void)kind;
    if (named(name, name_count, "noop")) return complete(waiter, ZOME_OK, &nil, 1);
    if (named(name, name_count, "echo")) return complete(waiter, ZOME_OK, bytes, count);
    if (named(name, name_count, "trap")) __builtin_trap();
    if (named(name, name_count, "abort")) abort();
    if (named(name, name_count, "exit")) _exit(0);
    if (named(name, name_count, "say-and-trap")) { fputs("Fatal error: tiny fell over\n", stderr); __builtin_trap(); }
    if (named(name, name_count, "loop")) for (;;) __asm__ volatile("");
    if (named(name, name_count, "hog")) hog();
    if (named(name, name_count, "never")) return;
    if (named(name, name_count, "large")) {
        size_t size = 1 << 25;
        uint8_t *memory = calloc(1, size);
        complete(waiter, ZOME_OK, memory, size);
        free(memory);
        return;
    }
    if (named(name, name_count, "garbage") || named(name, name_count, "unknown-call")) {
        memcpy(text, name, name_count), text[name_count] = 0;
        return raw_frames(text);
    }
    if (named(name, name_count, "twice")) {
        complete(waiter, ZOME_OK, &nil, 1);
        return complete(waiter, ZOME_OK, &nil, 1);
    }
    if (named(name, name_count, "fail")) {
        static const uint8_t error[] = "\x82\xa4" "code\xa3" "own\xa7message\xa5words";
        return complete(waiter, ZOME_APP_ERROR, error, sizeof error - 1);
    }
    if (named(name, name_count, "host")) {
        struct relay *relay = malloc(sizeof *relay);
        relay->waiter = waiter, relay->complete = complete;
        return host->request(host->context, call, 15, bytes, count, relay, host_answered);
    }
    if (named(name, name_count, "later")) {
        pthread_t thread;
        later.waiter = waiter, later.complete = complete;
        waiting_elsewhere = 1;
        if (pthread_create(&thread, NULL, end_later, NULL)) return complete(waiter, ZOME_MALFORMED, NULL, 0);
        pthread_detach(thread);
        return;
    }
    if (named(name, name_count, "descriptors")) {
        snprintf(text, sizeof text, "%d", extra_descriptors());
        return answer_text(waiter, complete, text);
    }
    if (named(name, name_count, "environment")) return answer_text(waiter, complete, getenv("HOME") ? "dirty" : "clean");
    if (named(name, name_count, "pid")) {
        snprintf(text, sizeof text, "%d", (int)getpid());
        return answer_text(waiter, complete, text);
    }
    if (name_count > 4 && name_count < sizeof text && !memcmp(name, "try:", 4)) {
        memcpy(text, name + 4, name_count - 4), text[name_count - 4] = 0;
        return try_forbidden(text, waiter, complete);
    }
    complete(waiter, ZOME_UNKNOWN_NAME, NULL, 0);
}

static void cancel(void *context, uint64_t call) { (void)context, (void)call; }

static size_t run(void *context) {
    static const uint8_t nil = 0xc0;
    (void)context;
    if (later.due) {
        later.due = 0, waiting_elsewhere = 0;
        later.complete(later.waiter, ZOME_OK, &nil, 1);
    }
    return waiting_elsewhere;
}

static void close_module(void *context) { (void)context; }

const zome_module *plasmid_zome_open(const zome_host *given) {
    static const zome_module module = {
        .abi = ZOME_ABI, .size = sizeof(zome_module), .describe = describe, .invoke = invoke, .cancel = cancel,
        .run = run, .close = close_module,
    };
    host = given;
    return given->abi == ZOME_ABI ? &module : NULL;
}
