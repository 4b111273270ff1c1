#include "pgmosaic/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *kind, const char *what, const char *file, int line)
{
	fprintf(stderr, "pgmosaic: %s failed at %s:%d: %s\n", kind, file, line, what);
	abort();
}
