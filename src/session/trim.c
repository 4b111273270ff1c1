/* What an idle session gives back: statement memory, the legs it is not enlisted on, buffers.
 *
 * Not at the end of each statement, where it would cost a busy client its speed, but when the tick
 * finds that a client has been silent for a while. */
#include <stdlib.h>

#include "internal.h"

static void trim_legs(struct session *s)
{
	unsigned n = 0;

	s->relay.leg = NULL;
	for (unsigned i = 0; i < s->n_legs; i++) {
		struct leg *leg = s->legs[i];

		if (leg->conn || leg->pins || leg->in_txn) {
			s->legs[n++] = leg;
			continue;
		}
		leg_finish(leg);
		free(leg);
	}
	s->n_legs = n;
	if (n)
		return;
	free(s->legs);
	s->legs = NULL;
}

void session_trim(struct session *s)
{
	if (s->state != SESSION_READY || s->txn.status != 'I' || s->portals || s->is_trimmed)
		return;
	s->is_trimmed = true; /* until it leaves READY */
	trim_legs(s);
	arena_finish(&s->arena);
	arena_finish(&s->txn.arena);
	buf_shrink(&s->in);
	buf_shrink(&s->stream.out);
}
