// Goes before bochscpu-python's library: gives it the processor of Sapphire Rapids,
// which has AVX512_BF16, in place of its own choice, and what it wants of a newer libc
// than Debian 12's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

unsigned long long __isoc23_strtoull(const char *s, char **end, int base) { return strtoull(s, end, base); }

int __isoc23_sscanf(const char *s, const char *format, ...) {
	va_list list;
	va_start(list, format);
	int n = vsscanf(s, format, list);
	va_end(list);
	return n;
}

void *_Z23create_corei3_cnl_cpuidP8BX_CPU_C(void *cpu) {
	Dl_info caller;
	if (!dladdr(__builtin_return_address(0), &caller)) abort();
	void *library = dlopen(caller.dli_fname, RTLD_NOLOAD | RTLD_LAZY);
	void *(*create)(void *) = library ? (void *(*)(void *))dlsym(library, "_Z28create_sapphire_rapids_cpuidP8BX_CPU_C") : 0;
	if (!create) abort();
	return create(cpu);
}
