// Runs AMX's instructions on processors that lack them: the signal that they raise
// is caught, the instruction computed on tiles in memory, and stepped over. Functions
// that begin with UD2 are handed to another process. Rules
// and order of sums are those of Intel's manual, volume 2.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

struct tiles {
	long thread; // 0: free
	int rows[8], bytes[8];
	uint8_t data[8][16][64];
};

static struct tiles table[256];
static struct sigaction before;
static long trapped;

static struct tiles *own(int claim) {
	long thread = syscall(SYS_gettid);
	for (int i = 0; i < 256; i++)
		if (table[i].thread == thread) return &table[i];
	for (int i = 0; claim && i < 256; i++)
		if (__sync_bool_compare_and_swap(&table[i].thread, 0, thread)) return &table[i];
	return 0;
}

static const int registers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

// operand decodes the memory operand behind the opcode: where it is, and its index
// register's value, by which the rows of a tile lie apart.
static uint8_t *operand(const uint8_t *at, greg_t *g, int x, int b, long *index, int *length) {
	int mod = at[0] >> 6, rm = at[0] & 7;
	const uint8_t *p = at + 1;
	uintptr_t address;
	*index = 0;
	if (rm == 4) {
		int sib = *p++;
		int i = (sib >> 3 & 7) | x << 3;
		if (i != 4) *index = g[registers[i]] << (sib >> 6);
		rm = sib & 7;
		if (mod == 0 && rm == 5) return 0;
	} else if (mod == 0 && rm == 5)
		return 0;
	address = g[registers[rm | b << 3]];
	if (mod == 1) address += (int8_t)*p++;
	if (mod == 2) {
		int32_t d;
		memcpy(&d, p, 4);
		address += d;
		p += 4;
	}
	*length = p - at;
	return (uint8_t *)address;
}

// product runs with denormals taken and left as zeros, which the control register
// sees to; the kernel gives the thread its own one back.
static int product(struct tiles *t, int d, int a, int b) {
	if (t->rows[d] != t->rows[a] || t->bytes[d] != t->bytes[b] || t->bytes[a] != 4 * t->rows[b] || d == a || d == b || a == b) return 0;
	_mm_setcsr(0x1f80 | 0x8040);
	float factors[16][32];
	for (int k = 0; k < t->rows[b]; k++)
		for (int n = 0; n < 32; n++) {
			uint32_t bits = (uint32_t)(t->data[b][k][2 * n] | t->data[b][k][2 * n + 1] << 8) << 16;
			memcpy(&factors[k][n], &bits, 4);
		}
	for (int m = 0; m < t->rows[d]; m++) {
		float sums[32] = {0}, pair[32];
		for (int k = 0; k < t->bytes[a] / 4; k++) {
			uint32_t both, half[2];
			memcpy(&both, &t->data[a][m][4 * k], 4);
			half[0] = both << 16, half[1] = both & 0xffff0000;
			for (int n = 0; n < 32; n++) memcpy(&pair[n], &half[n & 1], 4);
			for (int n = 0; n < 32; n++) sums[n] = __builtin_fmaf(pair[n], factors[k][n], sums[n]);
		}
		for (int n = 0; n < t->bytes[d] / 4; n++) {
			float v;
			memcpy(&v, &t->data[d][m][4 * n], 4);
			v += sums[2 * n] + sums[2 * n + 1];
			memcpy(&t->data[d][m][4 * n], &v, 4);
		}
	}
	return 1;
}

// step computes one instruction and returns its length, or 0.
static int step(const uint8_t *p, greg_t *g) {
	if (p[0] != 0xc4 || (p[1] & 0x1f) != 2 || p[2] & 0x84) return 0;
	int x = ~p[1] >> 6 & 1, b = ~p[1] >> 5 & 1, r = ~p[1] >> 7, pp = p[2] & 3;
	int reg = p[4] >> 3 & 7, rm = p[4] & 7, mod = p[4] >> 6, length;
	long index;
	struct tiles *t;
	if (r & 1) return 0;
	if (p[3] == 0x49 && pp == 0 && mod != 3 && reg == 0) { // LDTILECFG
		uint8_t *c = operand(p + 4, g, x, b, &index, &length);
		if (!c || c[0] != 1 || c[1] != 0 || !(t = own(1))) return 0;
		memset(t->data, 0, sizeof t->data);
		for (int i = 0; i < 8; i++) {
			t->bytes[i] = c[16 + 2 * i] | c[17 + 2 * i] << 8;
			t->rows[i] = c[48 + i];
			if (t->bytes[i] > 64 || t->bytes[i] % 4 || t->rows[i] > 16) return 0;
		}
		return 4 + length;
	}
	if (!(t = own(0))) return 0;
	if (p[3] == 0x49 && pp == 0 && p[4] == 0xc0) { // TILERELEASE
		__sync_synchronize();
		t->thread = 0;
		return 5;
	}
	if (!t->rows[reg] || !t->bytes[reg]) return 0;
	if (p[3] == 0x49 && pp == 3 && mod == 3 && rm == 0) { // TILEZERO
		memset(t->data[reg], 0, sizeof t->data[reg]);
		return 5;
	}
	if (p[3] == 0x4b && (pp == 3 || pp == 2) && mod != 3 && rm == 4) { // TILELOADD, TILESTORED
		uint8_t *at = operand(p + 4, g, x, b, &index, &length);
		if (!at) return 0;
		for (int i = 0; i < t->rows[reg]; i++, at += index)
			if (pp == 3) {
				memset(t->data[reg][i], 0, 64);
				memcpy(t->data[reg][i], at, t->bytes[reg]);
			} else
				memcpy(at, t->data[reg][i], t->bytes[reg]);
		return 4 + length;
	}
	if (p[3] == 0x5c && pp == 2 && mod == 3) // TDPBF16PS
		return product(t, reg, rm, ~p[2] >> 3 & 7) ? 5 : 0;
	return 0;
}

static int asking = -1, answering;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static long calls;

// elsewhere has a whole function computed by another process, to which UD2 at its
// beginning leads. Its arguments are on the stack, and no register counts behind it.
static int elsewhere(greg_t *g) {
	uint64_t call[2] = {g[REG_RIP], g[REG_RSP]}, failure = 1;
	if (asking < 0) return 0;
	pthread_mutex_lock(&one);
	if (write(asking, call, sizeof call) != sizeof call || read(answering, &failure, 8) != 8) failure = 1;
	calls++;
	pthread_mutex_unlock(&one);
	if (failure) {
		dprintf(2, "the function at %#lx can't be emulated: trouble at %#lx\n", call[0], failure);
		return 0;
	}
	g[REG_RIP] = *(greg_t *)g[REG_RSP];
	g[REG_RSP] += 8;
	return 1;
}

static void handle(int signal, siginfo_t *info, void *context) {
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *at = (const uint8_t *)g[REG_RIP];
	int length, count = 0;
	if (at[0] == 0x0f && at[1] == 0x0b && elsewhere(g)) return;
	// Those that follow at once need no signal of their own.
	for (; (length = step((uint8_t *)g[REG_RIP], g)); count++) g[REG_RIP] += length;
	__sync_fetch_and_add(&trapped, count);
	if (!count) before.sa_sigaction(signal, info, context);
}

// trap_install catches the signal; what is not AMX's goes on to the handler before.
int trap_install(void) {
	struct sigaction a;
	memset(&a, 0, sizeof a);
	a.sa_sigaction = handle;
	a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigfillset(&a.sa_mask);
	return sigaction(SIGILL, &a, &before);
}

// trap_elsewhere sets the pipes of the other process, which may read and write here.
void trap_elsewhere(int to, int from) {
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	asking = to;
	answering = from;
}

// trap_calls is how many functions the other process has computed.
long trap_calls(void) { return calls; }

// trap_count is how many instructions have been computed.
long trap_count(void) { return trapped; }
