/* Asserts that speak: three words, always on. A failed one logs the condition
 * and aborts, because a proxy that goes on with a broken invariant loses data.
 *
 *	PRE(conn->state == CONN_LEASED);      the caller broke the contract
 *	INVARIANT(n_idle + n_leased <= size); we did
 *	UNREACHABLE("plan of unknown kind"); */
#ifndef PGMOSAIC_BASE_CHECK_H
#define PGMOSAIC_BASE_CHECK_H

_Noreturn void check_failed(const char *kind, const char *what, const char *file, int line);

#define PRE(cond)	  ((cond) ? (void)0 : check_failed("precondition", #cond, __FILE__, __LINE__))
#define INVARIANT(cond)	  ((cond) ? (void)0 : check_failed("invariant", #cond, __FILE__, __LINE__))
#define UNREACHABLE(what) check_failed("unreachable", what, __FILE__, __LINE__)

#endif
