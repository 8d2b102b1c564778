// What plasmid-zome-host needs of the kernel to lock itself up: libseccomp, and the system calls that glibc does not
// wrap or wraps with variable arguments, which Swift cannot call.
#ifndef PLASMID_CSECCOMP_H
#define PLASMID_CSECCOMP_H

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif
#ifndef __NR_close_range
#define __NR_close_range 436
#endif

// Access rights of linux/landlock.h up to ABI 7; written out because distributions ship older headers than kernels.
static const uint64_t plasmid_landlock_execute = 1ULL << 0;
static const uint64_t plasmid_landlock_read_file = 1ULL << 2;
static const uint64_t plasmid_landlock_all_abi1 = (1ULL << 13) - 1;
static const uint64_t plasmid_landlock_refer = 1ULL << 13;      // ABI 2
static const uint64_t plasmid_landlock_truncate = 1ULL << 14;   // ABI 3
static const uint64_t plasmid_landlock_net_all = 3;             // ABI 4: bind and connect TCP
static const uint64_t plasmid_landlock_ioctl_dev = 1ULL << 15;  // ABI 5
static const uint64_t plasmid_landlock_scope_all = 3;           // ABI 6: abstract Unix sockets, signals

struct plasmid_landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

struct plasmid_landlock_path {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

// The kernel's Landlock ABI (1…), or -1 with errno where there is none or it is switched off.
static inline int plasmid_landlock_abi(void) {
    return (int)syscall(__NR_landlock_create_ruleset, NULL, (size_t)0, 1U);
}

// A ruleset descriptor. `size` is what this ABI knows of the structure: 8, 16 (from ABI 4) or 24 (from ABI 6).
static inline int plasmid_landlock_create(const struct plasmid_landlock_ruleset *rules, size_t size) {
    return (int)syscall(__NR_landlock_create_ruleset, rules, size, 0U);
}

static inline int plasmid_landlock_allow(int ruleset, int path, uint64_t access) {
    struct plasmid_landlock_path rule = {.allowed_access = access, .parent_fd = path};
    return (int)syscall(__NR_landlock_add_rule, ruleset, 1, &rule, 0U);
}

static inline int plasmid_landlock_restrict(int ruleset) {
    return (int)syscall(__NR_landlock_restrict_self, ruleset, 0U);
}

static inline int plasmid_close_from(unsigned int first) {
    return (int)syscall(__NR_close_range, first, ~0U, 0U);
}

// An event descriptor that never blocks a writer.
static inline int plasmid_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline int plasmid_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// The kernel sends `signal` when the thread that started this process ends.
static inline int plasmid_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

// <sched.h> and <fcntl.h> hide these two without _GNU_SOURCE, which Swift's importer does not set.
static const uint64_t plasmid_clone_thread = 0x00010000;
static const int32_t plasmid_open_path_only = 010000000;

// dladdr and its result, which <dlfcn.h> hides likewise.
struct plasmid_symbol_place {
    const char *file;
    void *base;
    const char *name;
    void *address;
};
int plasmid_place_of_symbol(const void *address, struct plasmid_symbol_place *place) __asm__("dladdr");

static inline uint32_t plasmid_seccomp_errno(uint16_t number) { return SCMP_ACT_ERRNO(number); }

#endif
