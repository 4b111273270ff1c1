/* Notices of a statement over several shards: what each of them says is told once.
 *
 * A shard that says the same thing twice means it twice: the client gets each notice as often as
 * the shard that said it most often. */
#include <stdlib.h>

#include "internal.h"
#include "pgmosaic/base/mem.h"

#define MAX_NOTICES 100 /* more of one statement are forwarded as they come */

struct notice {
	uint64_t hash;
	uint16_t shard;
};

static unsigned count_of(const struct notices *all, uint64_t hash, uint16_t shard)
{
	unsigned n = 0;

	for (unsigned i = 0; i < all->n; i++)
		n += all->seen[i].hash == hash && all->seen[i].shard == shard;
	return n;
}

static bool was_told(const struct notices *all, uint64_t hash, uint16_t shard)
{
	unsigned here = count_of(all, hash, shard);

	for (unsigned i = 0; i < all->n; i++)
		if (all->seen[i].hash == hash && all->seen[i].shard != shard &&
		    count_of(all, hash, all->seen[i].shard) > here)
			return true;
	return false;
}

void notices_forward(struct session *s, uint16_t shard, const uint8_t *body, size_t n)
{
	struct notices *all = &s->notices;
	uint64_t hash = hash_bytes(body, n, 0);

	if (!was_told(all, hash, shard)) {
		wire_put(reply_out(s), 'N', body, n);
		if (all->keep)
			wire_put(all->keep, 'N', body, n);
	}
	if (all->n == MAX_NOTICES)
		return;
	if ((all->n & (all->n - 1)) == 0) /* a power of two: full */
		all->seen = mem_grow(all->seen, sizeof(*all->seen) * (all->n ? all->n * 2 : 1));
	all->seen[all->n++] = (struct notice){ hash, shard };
}

void notices_forget(struct session *s)
{
	free(s->notices.seen);
	s->notices = (struct notices){ .keep = s->notices.keep };
}
