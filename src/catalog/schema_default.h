/* What kind of DEFAULT an expression is, from its text as pg_get_expr() gives it.
 *
 * Conservative: DEFAULT_CONST only when every name called is a built-in function without a
 * volatile overload, or one of the grammar's own forms. `has_user_calls`: pg_depend knows of
 * functions or operators outside pg_catalog. Pure. */
#ifndef CATALOG_SCHEMA_DEFAULT_H
#define CATALOG_SCHEMA_DEFAULT_H

#include "pgmosaic/catalog/schema.h"

enum schema_default default_classify(const struct schema *s, const char *text, bool has_user_calls);

#endif
