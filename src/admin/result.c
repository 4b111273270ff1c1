#include <stdlib.h>

#include "pgmosaic/admin/admin.h"
#include "pgmosaic/base/check.h"
#include "pgmosaic/base/mem.h"

void admin_result_init(struct admin_result *r)
{
	*r = (struct admin_result){ 0 };
	arena_init(&r->arena, 0);
}

void admin_result_finish(struct admin_result *r)
{
	free(r->values);
	arena_finish(&r->arena);
	*r = (struct admin_result){ 0 };
}

void admin_result_add(struct admin_result *r, const char *const *values, unsigned n)
{
	PRE(n == r->n_columns);
	if (r->n_rows == r->room) {
		r->room = r->room ? r->room * 2 : 16;
		r->values = mem_grow(r->values, sizeof(char *) * r->room * n);
	}
	for (unsigned i = 0; i < n; i++)
		r->values[r->n_rows * n + i] =
			values[i] ? arena_strdup(&r->arena, values[i]) : NULL;
	r->n_rows++;
}
