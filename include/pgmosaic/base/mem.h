/* malloc and friends that never return NULL: a proxy out of memory aborts at
 * once and is restarted, rather than running untested recovery code. What a
 * client can make large has a limit of its own (buffers, arenas). */
#ifndef PGMOSAIC_BASE_MEM_H
#define PGMOSAIC_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zero(size_t n, size_t size);
void *mem_grow(void *p, size_t size);
char *mem_strdup(const char *text);

#endif
