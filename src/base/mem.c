#include "pgmosaic/base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/check.h"

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	INVARIANT(p != NULL);
	return p;
}

void *mem_zero(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	INVARIANT(p != NULL);
	return p;
}

void *mem_grow(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);

	INVARIANT(q != NULL);
	return q;
}

char *mem_strdup(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(mem_alloc(n), text, n);
}
