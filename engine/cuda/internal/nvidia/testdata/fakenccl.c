/* An NCCL on host memory for ranks that are threads of one process, over the fake
 * driver, whose streams run at once. Communicators don't block: the last rank to
 * call computes for all, and till then the others' state is ncclInProgress. It
 * refuses what NCCL would take wrongly: types, counts and calls that differ between
 * ranks, unbalanced groups, a call before the last one is done, streams of another
 * device or in a capture. */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 8, IDS = 64, INVALID = 4, USAGE = 5, REMOTE = 6, PROGRESS = 7 };

typedef struct { char internal[128]; } Id;
typedef struct { size_t size; unsigned magic, version; int blocking, cluster, min, max; const char *net; int split; } Config;
typedef struct { char kind; int type, op, parts; size_t count[RANKS]; } Call; /* of elements, in each array or block */
typedef struct { const char *src[RANKS]; char *dst[RANKS]; } Buffers; /* by array; of sends and receives by rank */
typedef struct Job {
	Id id;
	int ranks, joined, came, calls, here[RANKS];
	Call call;
	Buffers all[RANKS];
} Job;
typedef struct { Job *job; int rank, device, calls, finalized, polls; } Comm;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Job *jobs[IDS];
static int made, asynchronous, wrong;
int fake_nccl_live, fake_nccl_version = 22803;

/* Of the fake driver. */
int fake_stream(void *stream, int *id, int *capturing);
int fake_current(void);
void fake_note(const char *text);

static __thread struct { int depth, error; Comm *comm; Call call; Buffers b; int sends, receives; } group;

void fake_nccl_fail(int code) { asynchronous = code; }

int ncclGetVersion(int *v) { *v = fake_nccl_version; return 0; }
const char *ncclGetErrorString(int code) {
	switch (code) {
	case 1: return "unhandled cuda error";
	case INVALID: return "invalid argument";
	case USAGE: return "invalid usage";
	case REMOTE: return "remote process exited or there was a network error";
	}
	return "unknown result code";
}
const char *ncclGetLastError(void *comm) { return wrong ? "the ranks' calls differ" : ""; }

int ncclGetUniqueId(Id *id) {
	pthread_mutex_lock(&lock);
	int n = made++ % IDS;
	for (int i = 0; i < 128; i++) id->internal[i] = (char)(i * 7 + made);
	free(jobs[n]);
	jobs[n] = calloc(1, sizeof(Job));
	jobs[n]->id = *id;
	pthread_mutex_unlock(&lock);
	return 0;
}
int ncclCommInitRankConfig(Comm **comm, int ranks, Id id, int rank, const Config *c) {
	const int undefined = INT32_MIN;
	if (c->size != sizeof *c || c->magic != 0xcafebeef || c->version != 21800 || c->blocking || c->cluster != undefined ||
		c->min != undefined || c->max != undefined || c->net || c->split != undefined) return INVALID;
	if (ranks < 1 || ranks > RANKS || rank < 0 || rank >= ranks || fake_current() < 0) return INVALID;
	int result = INVALID;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < IDS; i++) {
		Job *j = jobs[i];
		if (!j || memcmp(&j->id, &id, sizeof id) || j->here[rank]) continue;
		j->ranks = ranks; j->here[rank] = 1; j->joined++;
		*comm = calloc(1, sizeof **comm);
		(*comm)->job = j; (*comm)->rank = rank; (*comm)->device = fake_current();
		fake_nccl_live++;
		char text[128];
		snprintf(text, sizeof text, "ncclCommInitRankConfig %d of %d on device %d", rank, ranks, (*comm)->device);
		fake_note(text);
		result = PROGRESS;
		break;
	}
	pthread_mutex_unlock(&lock);
	return result;
}
static int state(const Comm *c) {
	if (asynchronous) return asynchronous;
	if (wrong) return USAGE;
	return c->job->joined < c->job->ranks || c->job->calls < c->calls ? PROGRESS : 0;
}
int ncclCommGetAsyncError(Comm *c, int *to) {
	pthread_mutex_lock(&lock);
	*to = c->finalized && c->polls++ == 0 ? PROGRESS : state(c);
	pthread_mutex_unlock(&lock);
	return 0;
}
int ncclCommFinalize(Comm *c) {
	pthread_mutex_lock(&lock);
	int result = c->finalized || state(c) == PROGRESS ? INVALID : PROGRESS;
	c->finalized = 1;
	pthread_mutex_unlock(&lock);
	return result;
}
static int drop(Comm *c, const char *name) {
	pthread_mutex_lock(&lock);
	fake_nccl_live--;
	pthread_mutex_unlock(&lock);
	fake_note(name);
	free(c);
	return 0;
}
int ncclCommDestroy(Comm *c) { return c->finalized ? drop(c, "ncclCommDestroy") : USAGE; }
int ncclCommAbort(Comm *c) { return drop(c, "ncclCommAbort"); }

static size_t size(int type) { return type == 9 ? 2 : 4; }
static float widen(uint16_t x) { uint32_t bits = (uint32_t)x << 16; float f; memcpy(&f, &bits, 4); return f; }
static uint16_t narrow(float f) { uint32_t bits; memcpy(&bits, &f, 4); bits += 0x7fff + (bits >> 16 & 1); return bits >> 16; }

/* reduce puts the sum or the largest of element i of an array in all ranks' memory. */
static void reduce(Job *j, int array, size_t i) {
	float sum = 0;
	uint32_t most = 0;
	for (int r = 0; r < j->ranks; r++) {
		const void *p = j->all[r].src[array];
		if (j->call.type == 3) { uint32_t v = ((const uint32_t *)p)[i]; most = v > most ? v : most; }
		else sum += j->call.type == 7 ? ((const float *)p)[i] : widen(((const uint16_t *)p)[i]);
	}
	for (int r = 0; r < j->ranks; r++) {
		void *p = j->all[r].dst[array];
		if (j->call.type == 3) ((uint32_t *)p)[i] = most;
		else if (j->call.type == 7) ((float *)p)[i] = sum;
		else ((uint16_t *)p)[i] = narrow(sum);
	}
}
static void compute(Job *j) {
	size_t bytes = j->call.count[0] * size(j->call.type);
	for (int a = 0; j->call.kind == 'r' && a < j->call.parts; a++)
		for (size_t i = 0; i < j->call.count[a]; i++) reduce(j, a, i);
	for (int to = 0; to < j->ranks && j->call.kind != 'r'; to++)
		for (int from = 0; from < j->ranks; from++) {
			if (j->call.kind == 'g') memmove(j->all[to].dst[0] + from * bytes, j->all[from].src[0], bytes);
			else memmove(j->all[to].dst[from], j->all[from].src[to], bytes);
		}
}
/* meet adds a rank's call to those of the others. */
static int meet(Comm *c, Call call, const Buffers *b) {
	pthread_mutex_lock(&lock);
	Job *j = c->job;
	int result = state(c);
	if (result == PROGRESS) result = INVALID; /* the last call isn't done */
	if (!result && j->came && memcmp(&j->call, &call, sizeof call)) { wrong = 1; result = USAGE; }
	if (!result) {
		j->call = call;
		j->all[c->rank] = *b;
		c->calls++;
		result = PROGRESS;
		if (++j->came == j->ranks) {
			compute(j);
			j->came = 0; j->calls++;
			result = 0;
		}
	}
	pthread_mutex_unlock(&lock);
	return result;
}
/* on checks a stream, and notes the call. */
static int on(const char *name, size_t count, int type, const Comm *c, void *stream) {
	int id, capturing, device;
	if (!stream) return INVALID;
	device = fake_stream(stream, &id, &capturing);
	if (device != c->device || device != fake_current() || capturing) return USAGE;
	if (type != 3 && type != 7 && type != 9) return INVALID;
	char text[128];
	snprintf(text, sizeof text, "%s %zu of type %d rank %d stream %d", name, count, type, c->rank, id);
	fake_note(text);
	return 0;
}
static Call callOf(char kind, size_t count, int type, int op) {
	Call c;
	memset(&c, 0, sizeof c);
	c.kind = kind; c.count[0] = count; c.type = type; c.op = op; c.parts = 1;
	return c;
}
int ncclAllReduce(const void *src, void *dst, size_t count, int type, int op, Comm *c, void *stream) {
	int result = on(op ? "ncclAllReduce max" : "ncclAllReduce sum", count, type, c, stream);
	Buffers b = {{src}, {dst}};
	Call call = callOf('r', count, type, op);
	if (op != (type == 3 ? 2 : 0)) return INVALID;
	if (!group.depth) return result ? result : meet(c, call, &b);
	int n = group.call.parts++;
	if (result || n == RANKS) return group.error = result ? result : INVALID;
	if (n && (group.comm != c || group.call.kind != 'r' || group.call.type != type || group.call.op != op)) return group.error = USAGE;
	if (!n) group.call = call;
	group.comm = c; group.call.count[n] = count;
	group.b.src[n] = src; group.b.dst[n] = dst;
	return 0;
}
int ncclAllGather(const void *src, void *dst, size_t count, int type, Comm *c, void *stream) {
	int result = on("ncclAllGather", count, type, c, stream);
	Buffers b = {{src}, {dst}};
	if (group.depth) return INVALID;
	return result ? result : meet(c, callOf('g', count, type, 0), &b);
}
int ncclGroupStart(void) {
	if (group.depth++ == 0) { int depth = group.depth; memset(&group, 0, sizeof group); group.depth = depth; }
	return 0;
}
static int part(const char *name, const char *src, char *dst, size_t count, int type, int peer, Comm *c, void *stream) {
	int result = on(name, count, type, c, stream);
	Call call = callOf('s', count, type, 0);
	if (!group.depth) return USAGE;
	if (result || peer < 0 || peer >= c->job->ranks) return group.error = result ? result : INVALID;
	call.parts = group.call.parts;
	if (call.parts && (group.comm != c || memcmp(&group.call, &call, sizeof call))) return group.error = USAGE;
	group.comm = c; group.call = call; group.call.parts++;
	if (src) { group.b.src[peer] = src; group.sends |= 1 << peer; }
	else { group.b.dst[peer] = dst; group.receives |= 1 << peer; }
	return 0;
}
int ncclSend(const void *src, size_t count, int type, int peer, Comm *c, void *stream) { return part("ncclSend", src, 0, count, type, peer, c, stream); }
int ncclRecv(void *dst, size_t count, int type, int peer, Comm *c, void *stream) { return part("ncclRecv", 0, dst, count, type, peer, c, stream); }
int ncclGroupEnd(void) {
	if (group.depth == 0) return USAGE;
	if (--group.depth > 0) return 0;
	if (group.error || !group.comm) return group.error;
	int all = (1 << group.comm->job->ranks) - 1;
	if (group.call.kind == 's' && (group.sends != all || group.receives != all || group.call.parts != 2 * group.comm->job->ranks)) return USAGE;
	return meet(group.comm, group.call, &group.b);
}
/* fake_nccl_reset forgets failures. */
void fake_nccl_reset(void) { asynchronous = wrong = 0; }
