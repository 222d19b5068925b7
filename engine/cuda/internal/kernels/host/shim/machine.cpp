// Runs a kernel's blocks one after another and the threads of a block as fibers
// of the calling thread, so that barriers and shuffles mean what they mean on a
// GPU. It is stricter than a GPU: a barrier that some thread doesn't reach, or
// reaches at another line, a shuffle within a warp that has lost a thread, an
// unaligned access and a write past shared memory end the launch with an error.
// Shared memory holds NaNs when a block starts.
#include <algorithm>
#include <csetjmp>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <time.h>
#include <ucontext.h>
#include <vector>

#include "shim.h"

#ifdef SELFTEST
#include "selftest.cu"
#else
#include "all.cu"
#endif

namespace host {

thread_local Here here;

struct Kernel {
    unsigned params, threads;
    Entry *entry;
};

static std::map<std::string, Kernel> &kernels()
{
    static std::map<std::string, Kernel> all;
    return all;
}

Registered::Registered(const char *name, unsigned params, unsigned threads, Entry *entry)
{
    kernels()[name] = {params, threads, entry};
}

// A Fiber has a stack of its own and runs one thread of a block after another:
// only threads that wait keep theirs.
struct Fiber {
    ucontext_t start;
    jmp_buf at;
    std::unique_ptr<char[]> stack;
    bool started = false;
};

enum State { fresh, ready, at_barrier, at_shuffle, ended };

struct Thread {
    Index index;
    State state;
    int line; // of the barrier or shuffle
    uint32_t bits;
    int mask;
    Fiber *fiber;
};

static const size_t stack_bytes = 128 << 10;
static const unsigned warp = 32;

// Machine is what one operating system thread runs launches with.
struct Machine {
    Entry *entry;
    const void *params;
    std::vector<Thread> threads;
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::vector<Fiber *> idle;
    Thread *running;
    jmp_buf scheduler;
    bool failed;
    char error[400];

    Fiber *fiber();
    void resume(Thread *);
    [[noreturn]] void leave(State);
    bool release();
    void run_block(const std::vector<unsigned> &order);
};

static thread_local Machine machine;

// life is what a fiber does: run a thread, tell the scheduler, run the next.
static void life()
{
    for (;;) {
        machine.entry(machine.params);
        machine.running->state = ended;
        if (!_setjmp(machine.running->fiber->at))
            _longjmp(machine.scheduler, 1);
    }
}

Fiber *Machine::fiber()
{
    if (idle.empty()) {
        fibers.emplace_back(new Fiber);
        fibers.back()->stack.reset(new char[stack_bytes]);
        idle.push_back(fibers.back().get());
    }
    Fiber *f = idle.back();
    idle.pop_back();
    return f;
}

// resume runs a thread until it waits, ends or fails.
__attribute__((noinline)) void Machine::resume(Thread *t)
{
    running = t;
    here.thread = t->index;
    if (_setjmp(scheduler))
        return;
    if (t->state == fresh)
        t->fiber = fiber();
    Fiber *f = t->fiber;
    if (f->started)
        _longjmp(f->at, 1);
    f->started = true;
    getcontext(&f->start);
    f->start.uc_stack.ss_sp = f->stack.get();
    f->start.uc_stack.ss_size = stack_bytes;
    f->start.uc_link = nullptr;
    makecontext(&f->start, life, 0);
    setcontext(&f->start);
    abort(); // setcontext doesn't return
}

// wait leaves the running thread's fiber until the scheduler resumes it.
static __attribute__((noinline)) void wait(State state, int line)
{
    machine.running->state = state;
    machine.running->line = line;
    if (!_setjmp(machine.running->fiber->at))
        _longjmp(machine.scheduler, 1);
}

void barrier(int line) { wait(at_barrier, line); }

uint32_t shuffle_xor(unsigned members, uint32_t bits, int mask, int line)
{
    if (members != 0xffffffff)
        fail("line %d: a shuffle among threads %08x, want the whole warp", line, members);
    machine.running->bits = bits;
    machine.running->mask = mask;
    wait(at_shuffle, line);
    return machine.running->bits;
}

static void note(const char *format, va_list arguments)
{
    if (!machine.failed)
        vsnprintf(machine.error, sizeof machine.error, format, arguments);
    machine.failed = true;
}

// report is fail from the scheduler.
static __attribute__((format(printf, 1, 2))) void report(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(format, arguments);
    va_end(arguments);
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(format, arguments);
    va_end(arguments);
    _longjmp(machine.scheduler, 1);
}

// release lets threads go on that have all come to where they wait for each
// other, and reports when nobody can.
bool Machine::release()
{
    const size_t n = threads.size();
    size_t done = 0, waiting = 0;
    for (const Thread &t : threads) {
        done += t.state == ended;
        waiting += t.state == at_barrier;
    }
    if (done == n)
        return false;
    if (waiting == n) {
        for (Thread &t : threads) {
            if (t.line != threads[0].line) {
                report("threads wait at different barriers, lines %d and %d", threads[0].line, t.line);
                return false;
            }
            t.state = ready;
        }
        return true;
    }
    bool any = false;
    for (size_t first = 0; first < n; first += warp) {
        const size_t last = std::min(n, first + warp);
        bool all = last - first == warp;
        for (size_t i = first; i < last; i++)
            all = all && threads[i].state == at_shuffle && threads[i].line == threads[first].line;
        if (!all)
            continue;
        uint32_t bits[warp];
        for (size_t i = 0; i < warp; i++)
            bits[i] = threads[first + (i ^ threads[first + i].mask)].bits;
        for (size_t i = 0; i < warp; i++) {
            threads[first + i].bits = bits[i];
            threads[first + i].state = ready;
        }
        any = true;
    }
    if (!any) {
        int line = 0;
        for (const Thread &t : threads)
            if (t.state == at_barrier || t.state == at_shuffle)
                line = t.line;
        report("of %zu threads %zu have ended while others wait at line %d", n, done, line);
    }
    return any;
}

void Machine::run_block(const std::vector<unsigned> &order)
{
    for (Thread &t : threads)
        t.state = fresh;
    do {
        for (unsigned i : order) {
            Thread *t = &threads[i];
            if (t->state != fresh && t->state != ready)
                continue;
            resume(t);
            if (failed)
                return;
            if (t->state == ended)
                idle.push_back(t->fiber);
        }
    } while (release() && !failed);
}

long long nanoseconds()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

// ordered is 0 … n−1, forward (0), backward (1) or shuffled by a seed.
static std::vector<unsigned> ordered(unsigned n, unsigned order)
{
    std::vector<unsigned> v(n);
    for (unsigned i = 0; i < n; i++)
        v[i] = order == 1 ? n - 1 - i : i;
    if (order > 1) {
        std::mt19937 random(order);
        std::shuffle(v.begin(), v.end(), random);
    }
    return v;
}

} // namespace host

using namespace host;

// host_launch runs a kernel and returns null or what went wrong, valid until the
// thread's next launch.
extern "C" const char *host_launch(const char *name, const unsigned *grid, const unsigned *block,
                                   unsigned shared, const void *params, unsigned size, unsigned order)
{
    Machine &m = machine;
    m.failed = false;
    const auto found = kernels().find(name);
    if (found == kernels().end()) {
        report("no kernel of this name");
        return m.error;
    }
    const Kernel &kernel = found->second;
    const uint64_t count = (uint64_t)block[0] * block[1] * block[2];
    if (size != kernel.params)
        report("%u bytes of parameters, want %u", size, kernel.params);
    else if (count == 0 || count > kernel.threads)
        report("blocks of %u×%u×%u threads, at most %u", block[0], block[1], block[2], kernel.threads);
    else if (!grid[0] || !grid[1] || !grid[2] || grid[0] > 0x7fffffff || grid[1] > 65535 || grid[2] > 65535)
        report("a grid of %u×%u×%u blocks", grid[0], grid[1], grid[2]);
    else if (shared > 48 << 10)
        report("%u bytes of shared memory, at most %u", shared, 48u << 10);
    if (m.failed)
        return m.error;

    const size_t fence = 64;
    std::vector<uint4> memory((shared + fence + 15) / 16), copy((size + 15) / 16);
    memcpy(copy.data(), params, size);
    unsigned char *bytes = (unsigned char *)memory.data();
    m.entry = kernel.entry;
    m.params = copy.data();
    here.grid = {grid[0], grid[1], grid[2]};
    here.block_size = {block[0], block[1], block[2]};
    here.shared = bytes;
    m.threads.resize(count);
    for (unsigned i = 0; i < count; i++)
        m.threads[i].index = {i % block[0], i / block[0] % block[1], i / block[0] / block[1]};

    const std::vector<unsigned> threads = ordered(count, order);
    for (unsigned z : ordered(grid[2], order))
        for (unsigned y : ordered(grid[1], order))
            for (unsigned x : ordered(grid[0], order)) {
                memset(bytes, 0xff, shared);
                memset(bytes + shared, 0xa5, fence);
                here.block = {x, y, z};
                m.run_block(threads);
                for (size_t i = 0; i < fence && !m.failed; i++)
                    if (bytes[shared + i] != 0xa5)
                        report("block %u,%u,%u wrote past its %u bytes of shared memory", x, y, z, shared);
                if (m.failed) {
                    // Abandoned fibers start afresh.
                    m.idle.clear();
                    for (auto &f : m.fibers) {
                        f->started = false;
                        m.idle.push_back(f.get());
                    }
                    return m.error;
                }
            }
    return nullptr;
}

// host_kernels lists the kernels' names, one a line.
extern "C" const char *host_kernels()
{
    static const std::string all = [] {
        std::string s;
        for (const auto &k : kernels())
            s += k.first + "\n";
        return s;
    }();
    return all.c_str();
}
