/* Keys of a directory that the map does not have: the catalog is asked by a job, the session's
 * fiber waits, the answer is learned by the map for everybody. */
#include "internal.h"

struct key_job {
	const struct session_host *host;
	struct fiber *fiber;
	const struct map_distribution *dist;
	const uint8_t *key;
	size_t n;
	const char *user;
	bool places, is_done;
	uint32_t shard_id; /* 0: none has it */
	enum status status;
	struct err err;
};

static void key_work(void *arg)
{
	struct key_job *j = arg;

	j->status = j->host->find_key(j->host->ctx, j->dist, j->key, j->n, j->places, j->user,
				      &j->shard_id, &j->err);
}

static void key_done(void *arg)
{
	struct key_job *j = arg;

	j->is_done = true;
	fiber_wake(j->fiber);
}

static int shard_of_id(const struct shard_map *map, uint32_t id)
{
	for (int i = 0; i < map->n_shards; i++)
		if (map->shards[i].id == id)
			return i;
	return -1;
}

static enum status find_key(void *ctx, const struct map_distribution *dist, const uint8_t *key,
			    size_t n, bool places, int *shard, struct err *err)
{
	struct session *s = ctx;
	struct key_job j = { .host = s->w->host,
			     .fiber = fiber_self(),
			     .dist = dist,
			     .key = key,
			     .n = n,
			     .user = s->user,
			     .places = places,
			     .err = ERR_INIT };

	*shard = -1;
	job_run(s->w->loop, key_work, key_done, &j);
	while (!j.is_done)
		fiber_wait();
	if (j.status != STATUS_OK) {
		*err = j.err;
		return j.status;
	}
	if (j.shard_id == 0)
		return STATUS_OK;
	*shard = shard_of_id(session_world(s)->map, j.shard_id);
	if (*shard < 0) {
		err_set_code(err, STATUS_CATALOG, "40001", "the shard map is being changed");
		err_hint(err, "Try again in a moment.");
		return err->status;
	}
	map_learn_key(dist, key, n, (uint16_t)*shard);
	return STATUS_OK;
}

struct key_finder session_key_finder(struct session *s)
{
	return (struct key_finder){ .find = find_key, .ctx = s };
}
