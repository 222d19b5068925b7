/* A cuBLASLt on host memory: the matrix products of the library's manual,
 * column-major, in plain loops. float32 and bfloat16. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int compute, scale, transa, transb, epilogue, biasType; const void *bias; } Desc;
typedef struct { int type; uint64_t rows, columns; int64_t ld; } Layout;
typedef struct { uint64_t workspace; uint32_t reductions; } Preference;
typedef struct { uint64_t data[8]; } Algo; /* id, numerics, reduction scheme */
typedef struct { Algo algo; size_t workspace; int state; float waves; int reserved[4]; } Result;

int fake_lt_live;

static float load(const void *p, int type, size_t i) {
	if (type == 0) return ((const float *)p)[i];
	uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
	float f;
	memcpy(&f, &bits, 4);
	return f;
}
static void store(void *p, int type, size_t i, float f) {
	uint32_t bits;
	if (type == 0) { ((float *)p)[i] = f; return; }
	memcpy(&bits, &f, 4);
	bits += 0x7fff + (bits >> 16 & 1);
	((uint16_t *)p)[i] = bits >> 16;
}

#ifndef LT_VERSION
#define LT_VERSION 130401
#endif
size_t cublasLtGetVersion(void) { return LT_VERSION; }
int cublasLtCreate(void **h) { *h = malloc(1); __sync_fetch_and_add(&fake_lt_live, 1); return 0; }
int cublasLtDestroy(void *h) { free(h); __sync_fetch_and_add(&fake_lt_live, -1); return 0; }
int cublasLtMatmulDescCreate(Desc **d, int compute, int scale) {
	*d = calloc(1, sizeof **d); (*d)->compute = compute; (*d)->scale = scale; (*d)->epilogue = 1; __sync_fetch_and_add(&fake_lt_live, 1);
	return 0;
}
int cublasLtMatmulDescDestroy(Desc *d) { free(d); __sync_fetch_and_add(&fake_lt_live, -1); return 0; }
int cublasLtMatmulDescSetAttribute(Desc *d, int attribute, const void *v, size_t n) {
	switch (attribute) {
	case 3: d->transa = *(const int32_t *)v; return n == 4 ? 0 : 7;
	case 4: d->transb = *(const int32_t *)v; return n == 4 ? 0 : 7;
	case 7: d->epilogue = *(const int32_t *)v; return n == 4 ? 0 : 7;
	case 8: d->bias = *(void *const *)v; return n == 8 ? 0 : 7;
	case 26: d->biasType = *(const int32_t *)v; return n == 4 ? 0 : 7;
	}
	return 7;
}
int cublasLtMatmulDescGetAttribute(Desc *d, int attribute, void *v, size_t n, size_t *written) { return 15; }
int cublasLtMatrixLayoutCreate(Layout **l, int type, uint64_t rows, uint64_t columns, int64_t ld) {
	*l = malloc(sizeof **l); **l = (Layout){type, rows, columns, ld}; __sync_fetch_and_add(&fake_lt_live, 1);
	return ld < (int64_t)rows ? 7 : 0;
}
int cublasLtMatrixLayoutDestroy(Layout *l) { free(l); __sync_fetch_and_add(&fake_lt_live, -1); return 0; }
int cublasLtMatrixLayoutGetAttribute(Layout *l, int attribute, void *v, size_t n, size_t *written) { return 15; }
int cublasLtMatmulPreferenceCreate(Preference **p) { *p = calloc(1, sizeof **p); __sync_fetch_and_add(&fake_lt_live, 1); return 0; }
int cublasLtMatmulPreferenceDestroy(Preference *p) { free(p); __sync_fetch_and_add(&fake_lt_live, -1); return 0; }
int cublasLtMatmulPreferenceSetAttribute(Preference *p, int attribute, const void *v, size_t n) {
	if (attribute == 1 && n == 8) p->workspace = *(const uint64_t *)v;
	else if (attribute == 3 && n == 4) p->reductions = *(const uint32_t *)v;
	else return 7;
	return 0;
}
int cublasLtMatmulPreferenceGetAttribute(Preference *p, int attribute, void *v, size_t n, size_t *written) { return 15; }

/* Three algorithms: float32 products, the same narrowed to TF32 with a
 * workspace of 1000 bytes, and one whose sums are split in place. */
int cublasLtMatmulAlgoGetHeuristic(void *h, Desc *d, Layout *a, Layout *b, Layout *c, Layout *o, Preference *p, int most, Result *r, int *n) {
	Result all[] = {{{{1, 0x80001, 0}}, 0, 0}, {{{2, 0x40002, 2}}, 1000, 0}, {{{3, 0x80001, 1}}, 0, 0}};
	if (d->epilogue & 4 && (!d->bias || (o->type == 14 && d->biasType != 14))) return 7; /* bfloat16 takes a bias of its own type */
	*n = 0;
	for (int i = 0; i < 3 && *n < most; i++)
		if (all[i].workspace <= p->workspace && (all[i].algo.data[2] & ~(uint64_t)p->reductions) == 0) r[(*n)++] = all[i];
	return *n ? 0 : 15;
}
int cublasLtMatmulAlgoCapGetAttribute(const Algo *a, int attribute, void *v, size_t n, size_t *written) {
	if (attribute != 15 || n != 8) return 7;
	*(uint64_t *)v = a->data[1]; *written = 8;
	return 0;
}
int cublasLtMatmulAlgoConfigGetAttribute(const Algo *a, int attribute, void *v, size_t n, size_t *written) {
	if (n != 4) return 7;
	*(int32_t *)v = attribute == 0 ? (int)a->data[0] : 0; *written = 4;
	return 0;
}

/* A product is enqueued by value, as a launched kernel's arguments are. */
typedef struct { Desc d; Layout a, b, o; float alpha; const void *A, *B; void *D; } Product;
int fake_enqueue(void *stream, int (*f)(const void *), const void *arg, size_t n);

static int product(const void *arg) {
	const Product *p = arg;
	const Desc *d = &p->d;
	const Layout *a = &p->a, *b = &p->b, *o = &p->o;
	uint64_t m = o->rows, n = o->columns, k = d->transa ? a->rows : a->columns;
	for (uint64_t j = 0; j < n; j++)
		for (uint64_t i = 0; i < m; i++) {
			float sum = 0;
			for (uint64_t l = 0; l < k; l++)
				sum += load(p->A, a->type, d->transa ? l + i * a->ld : i + l * a->ld) * load(p->B, b->type, d->transb ? j + l * b->ld : l + j * b->ld);
			sum *= p->alpha;
			if (d->epilogue & 4) sum += load(d->bias, d->biasType, i);
			store(p->D, o->type, i + j * o->ld, sum);
		}
	return 0;
}

int cublasLtMatmul(void *h, Desc *d, const float *alpha, const void *A, Layout *a, const void *B, Layout *b, const float *beta,
	const void *C, Layout *c, void *D, Layout *o, const Algo *algo, void *workspace, size_t bytes, void *stream) {
	uint64_t m = d->transa ? a->columns : a->rows, k = d->transa ? a->rows : a->columns, n = d->transb ? b->rows : b->columns;
	if ((d->transb ? b->columns : b->rows) != k || o->rows != m || o->columns != n || *beta != 0 || C != D || !stream) return 7;
	if (algo->data[0] == 2 && bytes < 1000) return 7;
	Product p = {*d, *a, *b, *o, *alpha, A, B, D};
	return fake_enqueue(stream, product, &p, sizeof p) ? 13 : 0;
}
