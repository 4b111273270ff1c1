/* Shared sequences: a thread that keeps the shards' blocks filled, and what sessions ask for.
 *
 * Happy path: several times a second each shard is asked how far its sequences are; one that is
 * low gets its next block before anybody meets the end of the present one.
 * Failure modes: a shard or the catalog is down: statements that meet the end of a block fail
 * until they are back; said in the log once. */
#include <unistd.h>

#include "pgmosaic/base/log.h"
#include "process.h"

#define LOOK_US	   100000
#define IDLE_LOOKS 5   /* nothing was low: look this much less often */
#define SYNC_LOOKS 100 /* a sequence left half taken over by a proxy that died */

static enum status sync_all(struct process *p, const char *user, bool gives, bool *changed,
			    struct err *err)
{
	struct err why = ERR_INIT;
	enum status st = sequences_sync(process_catalog(p), user, gives, changed, &why);

	if (st != STATUS_OK && !p->is_stopping)
		log_error(LOG_WARNING, "a sequence could not be shared", &why);
	if (st != STATUS_OK)
		*err = why;
	return st;
}

/* What cannot be shared now is refused to clients and tried again: no reason not to go on. */
enum status process_refresh_all(struct process *p, bool gives, struct err *err)
{
	struct err ignored = ERR_INIT;
	bool changed;

	sync_all(p, "", gives, &changed, &ignored);
	return process_refresh(p, err);
}

void process_sync_sequences(struct process *p)
{
	struct err ignored = ERR_INIT;
	bool changed;

	sync_all(p, "", false, &changed, &ignored);
}

static unsigned fill_shards(struct process *p, bool *was_fine)
{
	static const struct sequence_need low = { .ahead = true };
	struct world *w = process_world(p);
	struct err err = ERR_INIT;
	unsigned n_all = 0;
	bool fine = true;

	for (uint16_t i = 0; w && i < w->map->n_shards && !p->is_stopping; i++) {
		unsigned n = 0;

		if (sequences_refill(p->sequences, process_catalog(p), w->map, i, &low, &n, &err) ==
		    STATUS_OK) {
			n_all += n;
			continue;
		}
		if (*was_fine)
			log_event(LOG_WARNING, "blocks of sequences cannot be filled",
				  LOG_STR("shard", w->map->shards[i].name),
				  LOG_STR("reason", err.message));
		fine = false;
	}
	*was_fine = fine;
	world_drop(w);
	return n_all;
}

static void sync_again(struct process *p)
{
	struct err err = ERR_INIT;
	bool changed = false;

	if (sync_all(p, "", true, &changed, &err) == STATUS_OK && changed)
		process_refresh(p, &err);
}

void process_sequence(void *arg)
{
	struct process *p = arg;
	bool fine = true;
	unsigned idle = 0;

	for (unsigned i = 0; !p->is_stopping; i++) {
		usleep(LOOK_US);
		if (!p->is_ready)
			i = SYNC_LOOKS - 1; /* first thing then */
		else if (i % SYNC_LOOKS == 0)
			sync_again(p);
		else if (idle == 0 || i % IDLE_LOOKS == 0)
			idle = fill_shards(p, &fine) ? 0 : 1;
	}
}

/* ---- what sessions ask ---- */

static enum status refill(void *ctx, const struct shard_map *map, uint16_t shard,
			  const struct sequence_need *need, unsigned *n, struct err *err)
{
	struct process *p = ctx;

	return sequences_refill(p->sequences, process_catalog(p), map, shard, need, n, err);
}

static bool draw_now(void *ctx, const struct map_sequence *sequence, unsigned n, int64_t *out)
{
	return sequences_draw_now(((struct process *)ctx)->sequences, sequence, n, out);
}

static enum status draw(void *ctx, const struct map_sequence *sequence, unsigned n, int64_t *out,
			struct err *err)
{
	struct process *p = ctx;

	return sequences_draw(p->sequences, process_catalog(p), sequence, n, out, err);
}

static enum status release(void *ctx, const char *schema, const char *name, const char *user,
			   struct err *err)
{
	struct process *p = ctx;

	return sequence_release(process_catalog(p), user, p->host.incarnation, schema, name, err);
}

static enum status released(void *ctx, const char *schema, const char *name, const char *user,
			    struct err *err)
{
	struct process *p = ctx;
	bool changed;
	enum status st = sequence_released(process_catalog(p), schema, name, err);

	if (st == STATUS_OK)
		st = sync_all(p, user, false, &changed, err);
	return st == STATUS_OK ? process_refresh(p, err) : st;
}

void sequencer_fill(struct process *p)
{
	p->sequences = sequences_create();
	p->host.refill = refill;
	p->host.draw_now = draw_now;
	p->host.draw = draw;
	p->host.release = release;
	p->host.released = released;
}
