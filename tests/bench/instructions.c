/* Counts the instructions that qemu runs: a plugin of its TCG (QEMU, "TCG Plugins"). In: the guest, which makes a system call that there is not,
 * MARK, wherever it wants to know. Out: on stderr, a number for each such call. Not here: which instructions they are, and what they cost.
 * The declarations are those of version 1 of the interface, of which distributions ship no header. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MARK = 9999, ADD_U64 = 0 };

typedef uint64_t Id;
struct qemu_plugin_tb;

void qemu_plugin_register_vcpu_tb_trans_cb(Id, void (*)(Id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_syscall_cb(Id, void (*)(Id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                       uint64_t, uint64_t));

int qemu_plugin_version = 1;
static uint64_t count;

static void translated(Id id, struct qemu_plugin_tb *block)
{
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &count, qemu_plugin_tb_n_insns(block));
}

static void called(Id id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
                   uint64_t h)
{
    if (number == MARK)
        fprintf(stderr, "%llu\n", (unsigned long long)count);
}

int qemu_plugin_install(Id id, const void *info, int argc, char **argv)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
