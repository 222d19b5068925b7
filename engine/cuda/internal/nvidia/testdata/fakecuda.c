/* A libcuda on host memory, for tests of how its functions are called: two
 * devices whose work runs at once, in the order of the calls, and which keep a
 * log of it, count what isn't freed, and fail on demand. Built by the tests:
 *   cc -shared -fPIC -o libcuda.so.1 fakecuda.c
 * Argument types are those of cuda.h. */
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;

enum { DEVICES = 2, MAX_OPS = 512, PARAMS = 4096 };

typedef struct { int device, retained; } Context;
typedef struct { char kind; CUdeviceptr dst, src; size_t n; int value; char name[64]; unsigned geometry[7]; unsigned char params[PARAMS]; } Op;
typedef struct { int n; Op ops[MAX_OPS]; } Graph;
typedef struct { int id, device; unsigned flags; Graph *capture; } Stream;
typedef struct { int id; unsigned flags; double at; } Event;
typedef struct { char *text; } Module;
typedef struct { char name[64]; } Function;

static struct {
	pthread_mutex_t lock;
	int version, ptx, initialised, sticky, ids, peers;
	double clock;
	char fail[64];
	int failCode, failAfter;
	size_t used, limit;
	int memory, host, streams, events, modules, graphs, execs;
	Context contexts[DEVICES];
	char log[1 << 20];
	size_t logged;
} S = {PTHREAD_MUTEX_INITIALIZER, 13000, 90, 0, 0, 0, 1, 0, "", 0, 0, 0, (size_t)1 << 30};

#define ADD(x, n) __sync_fetch_and_add(&(x), n)

static __thread Context *current;

/* What runs kernels, if anything does: 0 is success. */
static int (*launcher)(const char *name, const unsigned *geometry, const void *params, size_t n);

static void note(const char *format, ...) {
	va_list a;
	va_start(a, format);
	pthread_mutex_lock(&S.lock);
	if (S.logged < sizeof S.log - 1024) {
		S.logged += vsnprintf(S.log + S.logged, 512, format, a);
		S.log[S.logged++] = '\n';
		S.log[S.logged] = 0;
	}
	pthread_mutex_unlock(&S.lock);
	va_end(a);
}

/* enter counts down to a failure; a lost device answers everything with it. */
static CUresult enter(const char *name, int needsContext) {
	if (S.sticky) return S.sticky;
	if (S.fail[0] && !strcmp(S.fail, name) && S.failAfter-- == 0) {
		S.fail[0] = 0;
		if (S.failCode >= 700 && S.failCode < 720) S.sticky = S.failCode;
		return S.failCode;
	}
	if (needsContext && !current) return 201;
	return 0;
}
#define ENTER(name, needs) do { CUresult r_ = enter(name, needs); if (r_) return r_; } while (0)

/* What the tests call. */
void fake_reset(int version, int ptx, size_t limit, int peers) {
	S.version = version; S.ptx = ptx; S.limit = limit; S.peers = peers;
	S.initialised = S.sticky = 0; S.fail[0] = 0; S.logged = 0; S.log[0] = 0; S.clock = 0; S.ids = 0;
}
void fake_fail(const char *name, int code, int after) { snprintf(S.fail, sizeof S.fail, "%s", name); S.failCode = code; S.failAfter = after; }
void fake_launcher(int (*f)(const char *, const unsigned *, const void *, size_t)) { launcher = f; }
const char *fake_log(void) { return S.log; }
const char *fake_live(void) {
	static char text[256];
	snprintf(text, sizeof text, "memory %d host %d streams %d events %d modules %d graphs %d execs %d contexts %d",
		S.memory, S.host, S.streams, S.events, S.modules, S.graphs, S.execs, S.contexts[0].retained + S.contexts[1].retained);
	return text;
}

CUresult cuDriverGetVersion(int *v) { *v = S.version; return 0; }
CUresult cuInit(unsigned flags) { ENTER("cuInit", 0); if (flags) return 1; S.initialised = 1; return 0; }

static const struct { int code; const char *name, *text; } names[] = {
	{1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"}, {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	{46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"}, {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}, {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
	{218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"}, {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"}, {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
	{999, "CUDA_ERROR_UNKNOWN", "unknown error"}};
static CUresult nameOf(CUresult code, const char **to, int words) {
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].code == code) { *to = words ? names[i].text : names[i].name; return 0; }
	*to = 0;
	return 1;
}
CUresult cuGetErrorName(CUresult code, const char **to) { return nameOf(code, to, 0); }
CUresult cuGetErrorString(CUresult code, const char **to) { return nameOf(code, to, 1); }

CUresult cuDeviceGetCount(int *n) { ENTER("cuDeviceGetCount", 0); if (!S.initialised) return 3; *n = DEVICES; return 0; }
CUresult cuDeviceGet(CUdevice *d, int i) { ENTER("cuDeviceGet", 0); if (i < 0 || i >= DEVICES) return 101; *d = i; return 0; }
CUresult cuDeviceGetName(char *name, int n, CUdevice d) { snprintf(name, n, "Fake %d", d); return 0; }
CUresult cuDeviceGetAttribute(int *v, int a, CUdevice d) { *v = a == 16 ? 4 + d : a == 75 ? 9 : a == 76 ? 0 : -1; return 0; }
CUresult cuDeviceTotalMem_v2(size_t *n, CUdevice d) { *n = S.limit; return 0; }
CUresult cuDeviceCanAccessPeer(int *can, CUdevice a, CUdevice b) { *can = S.peers && a != b; return 0; }
CUresult cuDevicePrimaryCtxRetain(Context **c, CUdevice d) {
	ENTER("cuDevicePrimaryCtxRetain", 0);
	S.contexts[d].device = d; S.contexts[d].retained++;
	*c = &S.contexts[d];
	return 0;
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) { if (S.contexts[d].retained-- == 0) return 201; return 0; }
CUresult cuCtxSetCurrent(Context *c) { ENTER("cuCtxSetCurrent", 0); current = c; return 0; }
CUresult cuCtxGetCurrent(Context **c) { *c = current; return 0; }
CUresult cuCtxEnablePeerAccess(Context *peer, unsigned flags) {
	ENTER("cuCtxEnablePeerAccess", 1);
	if (flags || peer == current) return 1;
	note("cuCtxEnablePeerAccess %d to %d", current->device, peer->device);
	return 0;
}

CUresult cuMemGetInfo_v2(size_t *f, size_t *t) { ENTER("cuMemGetInfo", 1); *f = S.limit - S.used; *t = S.limit; return 0; }
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
	ENTER("cuMemAlloc", 1);
	if (!n) return 1;
	if (S.used + n > S.limit) return 2;
	size_t *block = aligned_alloc(256, (n + 511) & ~(size_t)255);
	block[0] = n;
	ADD(S.used, n); ADD(S.memory, 1);
	*p = (CUdeviceptr)block + 256;
	note("cuMemAlloc %zu", n);
	return 0;
}
CUresult cuMemFree_v2(CUdeviceptr p) {
	ENTER("cuMemFree", 1);
	size_t *block = (size_t *)(p - 256);
	ADD(S.used, -block[0]); ADD(S.memory, -1);
	free(block);
	return 0;
}
CUresult cuMemHostAlloc(void **p, size_t n, unsigned flags) {
	ENTER("cuMemHostAlloc", 1);
	*p = malloc(n); ADD(S.host, 1);
	note("cuMemHostAlloc %zu flags %u", n, flags);
	return 0;
}
CUresult cuMemFreeHost(void *p) { ENTER("cuMemFreeHost", 1); free(p); ADD(S.host, -1); return 0; }

static CUresult run(const Op *op) {
	switch (op->kind) {
	case 'c': memmove((void *)op->dst, (void *)op->src, op->n); return 0;
	case 'f': memset((void *)op->dst, op->value, op->n); return 0;
	case 'h': return ((int (*)(const void *))op->src)(op->params) ? 719 : 0;
	case 'k':
		if (launcher) return launcher(op->name, op->geometry, op->params, op->n) ? 719 : 0;
		if (!strcmp(op->name, "fill_f32")) { /* struct { float *to; int32_t n; float value; } */
			struct { float *to; int32_t n; float value; } p;
			if (op->n != sizeof p) return 1;
			memcpy(&p, op->params, sizeof p);
			for (int i = 0; i < p.n; i++) p.to[i] = p.value;
		}
		return 0;
	}
	return 1;
}
static CUresult enqueue(Stream *s, const Op *op) {
	if (!s->capture) return run(op);
	if (s->capture->n == MAX_OPS) return 2;
	s->capture->ops[s->capture->n++] = *op;
	return 0;
}
/* fake_enqueue is how the other fakes put work on a stream: f is called with a
 * copy of the n bytes at arg, at once or whenever a graph runs. */
int fake_enqueue(Stream *s, int (*f)(const void *), const void *arg, size_t n) {
	Op op = {'h', 0, (CUdeviceptr)f, n};
	if (n > PARAMS) return 1;
	memcpy(op.params, arg, n);
	return enqueue(s, &op);
}

/* What the fake NCCL asks: a stream's device, and that of the thread's context. */
int fake_stream(Stream *s, int *id, int *capturing) { *id = s->id; *capturing = s->capture != 0; return s->device; }
int fake_current(void) { return current ? current->device : -1; }
void fake_note(const char *text) { note("%s", text); }

static CUresult copy(const char *name, CUdeviceptr dst, CUdeviceptr src, size_t n, Stream *s) {
	ENTER(name, 1);
	note("%s %zu stream %d%s", name, n, s->id, s->capture ? " captured" : "");
	Op op = {'c', dst, src, n};
	return enqueue(s, &op);
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dst, const void *src, size_t n, Stream *s) { return copy("cuMemcpyHtoDAsync", dst, (CUdeviceptr)src, n, s); }
CUresult cuMemcpyDtoHAsync_v2(void *dst, CUdeviceptr src, size_t n, Stream *s) { return copy("cuMemcpyDtoHAsync", (CUdeviceptr)dst, src, n, s); }
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dst, CUdeviceptr src, size_t n, Stream *s) { return copy("cuMemcpyDtoDAsync", dst, src, n, s); }
CUresult cuMemcpyPeerAsync(CUdeviceptr dst, Context *to, CUdeviceptr src, Context *from, size_t n, Stream *s) {
	ENTER("cuMemcpyPeerAsync", 1);
	note("cuMemcpyPeerAsync %d from %d, %zu stream %d", to->device, from->device, n, s->id);
	Op op = {'c', dst, src, n};
	return enqueue(s, &op);
}
CUresult cuMemsetD8Async(CUdeviceptr dst, unsigned char value, size_t n, Stream *s) {
	ENTER("cuMemsetD8Async", 1);
	note("cuMemsetD8Async %u %zu stream %d", value, n, s->id);
	Op op = {'f', dst, 0, n, value};
	return enqueue(s, &op);
}

CUresult cuStreamCreate(Stream **s, unsigned flags) {
	ENTER("cuStreamCreate", 1);
	*s = calloc(1, sizeof **s); (*s)->id = ADD(S.ids, 1) + 1; (*s)->flags = flags; (*s)->device = current->device; ADD(S.streams, 1);
	note("cuStreamCreate %d flags %u", (*s)->id, flags);
	return 0;
}
CUresult cuStreamDestroy_v2(Stream *s) { ENTER("cuStreamDestroy", 1); free(s); ADD(S.streams, -1); return 0; }
CUresult cuStreamSynchronize(Stream *s) { ENTER("cuStreamSynchronize", 1); if (s->capture) return 900; note("cuStreamSynchronize %d", s->id); return 0; }
CUresult cuStreamWaitEvent(Stream *s, Event *e, unsigned flags) { ENTER("cuStreamWaitEvent", 1); note("cuStreamWaitEvent stream %d event %d flags %u", s->id, e->id, flags); return 0; }
CUresult cuStreamBeginCapture_v2(Stream *s, int mode) {
	ENTER("cuStreamBeginCapture", 1);
	note("cuStreamBeginCapture %d mode %d", s->id, mode);
	s->capture = calloc(1, sizeof(Graph)); ADD(S.graphs, 1);
	return 0;
}
CUresult cuStreamEndCapture(Stream *s, Graph **g) {
	ENTER("cuStreamEndCapture", 1);
	*g = s->capture; s->capture = 0;
	note("cuStreamEndCapture %d", s->id);
	return *g ? 0 : 401;
}

CUresult cuEventCreate(Event **e, unsigned flags) {
	ENTER("cuEventCreate", 1);
	*e = calloc(1, sizeof **e); (*e)->id = ADD(S.ids, 1) + 1; (*e)->flags = flags; ADD(S.events, 1);
	note("cuEventCreate %d flags %u", (*e)->id, flags);
	return 0;
}
CUresult cuEventDestroy_v2(Event *e) { ENTER("cuEventDestroy", 1); free(e); ADD(S.events, -1); return 0; }
CUresult cuEventRecord(Event *e, Stream *s) { ENTER("cuEventRecord", 1); e->at = S.clock += 1.5; note("cuEventRecord %d stream %d", e->id, s->id); return 0; }
CUresult cuEventQuery(Event *e) { ENTER("cuEventQuery", 1); return 0; }
CUresult cuEventSynchronize(Event *e) { ENTER("cuEventSynchronize", 1); note("cuEventSynchronize %d", e->id); return 0; }
CUresult cuEventElapsedTime(float *ms, Event *from, Event *to) {
	ENTER("cuEventElapsedTime", 1);
	if ((from->flags | to->flags) & 2) return 400;
	*ms = (float)(to->at - from->at);
	return 0;
}

CUresult cuModuleLoadDataEx(Module **m, const char *image, unsigned n, int *options, void **values) {
	ENTER("cuModuleLoadDataEx", 1);
	int major, minor;
	char *log = 0;
	size_t room = 0;
	for (unsigned i = 0; i < n; i++) {
		if (options[i] == 5) log = values[i];
		if (options[i] == 6) room = (size_t)values[i];
	}
	const char *version = strstr(image, ".version");
	if (!version || sscanf(version, ".version %d.%d", &major, &minor) != 2) {
		if (log) snprintf(log, room, "ptxas fatal: Missing .version directive");
		return 218;
	}
	if (major * 10 + minor > S.ptx) {
		if (log) snprintf(log, room, "ptxas application ptx input, line 1; fatal : Unsupported .version %d.%d", major, minor);
		return 222;
	}
	*m = malloc(sizeof **m); (*m)->text = strdup(image); ADD(S.modules, 1);
	note("cuModuleLoadDataEx %zu bytes, %u options", strlen(image), n);
	return 0;
}
CUresult cuModuleUnload(Module *m) { ENTER("cuModuleUnload", 1); free(m->text); free(m); ADD(S.modules, -1); return 0; }
CUresult cuModuleGetFunction(Function **f, Module *m, const char *name) {
	ENTER("cuModuleGetFunction", 1);
	if (!strstr(m->text, name)) return 500;
	*f = calloc(1, sizeof **f); /* lives as long as the process */
	snprintf((*f)->name, sizeof (*f)->name, "%s", name);
	return 0;
}
CUresult cuFuncSetAttribute(Function *f, int attribute, int value) { ENTER("cuFuncSetAttribute", 1); note("cuFuncSetAttribute %s %d %d", f->name, attribute, value); return 0; }
CUresult cuLaunchKernel(Function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Stream *s, void **params, void **extra) {
	ENTER("cuLaunchKernel", 1);
	if (params || !extra) return 1;
	Op op = {'k', .geometry = {gx, gy, gz, bx, by, bz, shared}};
	const void *from = 0;
	for (int i = 0; extra[i]; i += 2) {
		if (extra[i] == (void *)1) from = extra[i + 1];
		else if (extra[i] == (void *)2) op.n = *(size_t *)extra[i + 1];
		else return 1;
	}
	if (!from || op.n > PARAMS) return 1;
	memcpy(op.params, from, op.n);
	snprintf(op.name, sizeof op.name, "%s", f->name);
	note("cuLaunchKernel %s grid %u %u %u block %u %u %u shared %u stream %d bytes %zu%s", f->name, gx, gy, gz, bx, by, bz, shared, s->id, op.n, s->capture ? " captured" : "");
	return enqueue(s, &op);
}

CUresult cuGraphInstantiateWithFlags(Graph **exec, Graph *g, unsigned long long flags) {
	ENTER("cuGraphInstantiateWithFlags", 1);
	*exec = malloc(sizeof **exec); **exec = *g; ADD(S.execs, 1);
	note("cuGraphInstantiate %d nodes, flags %llu", g->n, flags);
	return 0;
}
CUresult cuGraphDestroy(Graph *g) { free(g); ADD(S.graphs, -1); return 0; }
CUresult cuGraphExecDestroy(Graph *g) { ENTER("cuGraphExecDestroy", 1); free(g); ADD(S.execs, -1); return 0; }
CUresult cuGraphUpload(Graph *g, Stream *s) { note("cuGraphUpload stream %d", s->id); return 0; }
CUresult cuGraphLaunch(Graph *g, Stream *s) {
	ENTER("cuGraphLaunch", 1);
	note("cuGraphLaunch %d nodes stream %d", g->n, s->id);
	for (int i = 0; i < g->n; i++) {
		CUresult r = run(&g->ops[i]);
		if (r) return r;
	}
	return 0;
}
