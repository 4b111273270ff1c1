/* Which maps a worker's statements use, and whether it may write.
 *
 * A proxy acknowledges a new map when no statement planned under an older one is under way. That
 * is looked at five times a second, and fifty times while an older one is in use. */
#include <string.h>

#include "internal.h"

#define OFTEN_MS 20

static void on_epochs_tick(void *owner)
{
	epochs_note(owner);
}

void epochs_init(struct worker *w)
{
	pthread_mutex_init(&w->epochs_mutex, NULL);
	timer_init(&w->epochs_tick, w->loop, on_epochs_tick, w);
}

void epochs_close(struct worker *w)
{
	timer_close(&w->epochs_tick, NULL);
}

void epochs_finish(struct worker *w)
{
	pthread_mutex_destroy(&w->epochs_mutex);
}

/* Ascending; when there is no room the newest is left out, never an old one. */
static unsigned add(uint64_t *set, unsigned n, uint64_t epoch)
{
	unsigned at = n;

	while (at > 0 && set[at - 1] > epoch)
		at--;
	if (at > 0 && set[at - 1] == epoch)
		return n;
	if (n == WORKER_MAX_EPOCHS) {
		if (at == n)
			return n;
		n--;
	}
	memmove(&set[at + 1], &set[at], (n - at) * sizeof(*set));
	set[at] = epoch;
	return n + 1;
}

/* Under which map the session's statement was planned; 0: none is under way. A log-in has none. A
 * control session acts on the map itself: it may be the one that waits for the acknowledgements. */
static uint64_t epoch_of(const struct session *s)
{
	if (s->is_control || s->state == SESSION_STARTING)
		return 0;
	if (s->state == SESSION_RELAYING)
		return s->relay.epoch;
	return s->fiber && s->world && !s->is_between ? s->world->map->epoch : 0;
}

void epochs_note(struct worker *w)
{
	uint64_t set[WORKER_MAX_EPOCHS], epoch;
	unsigned n = 0;
	struct list *node;

	if (!w->world)
		return;
	set[n++] = w->world->map->epoch;
	list_for_each(node, &w->sessions)
	{
		epoch = epoch_of(list_entry(node, struct session, node));
		if (epoch)
			n = add(set, n, epoch);
	}
	pthread_mutex_lock(&w->epochs_mutex);
	memcpy(w->epochs, set, n * sizeof(*set));
	w->n_epochs = n;
	pthread_mutex_unlock(&w->epochs_mutex);
	if (n > 1)
		timer_start(&w->epochs_tick, OFTEN_MS, 0);
}

unsigned worker_epochs(struct worker *w, uint64_t *out, unsigned max)
{
	unsigned n;

	pthread_mutex_lock(&w->epochs_mutex);
	n = w->n_epochs < max ? w->n_epochs : max;
	memcpy(out, w->epochs, n * sizeof(*out));
	pthread_mutex_unlock(&w->epochs_mutex);
	return n;
}

/* ---- the lease ---- */

bool worker_may_write(const struct worker *w)
{
	return loop_now_ms(w->loop) * 1000 <
	       atomic_load_explicit(&w->host->lease_until_us, memory_order_relaxed);
}

bool lease_refuses(const struct worker *w, const struct plan *plan, struct err *err)
{
	bool changes =
		plan->writes || plan->is_ddl || plan->n_changes || plan->class == PLAN_COPY_IN;

	if (!changes || worker_may_write(w))
		return false;
	err_set_code(err, STATUS_CATALOG, "25006",
		     "cannot execute %s: this proxy's lease in the catalog has run out", plan->tag);
	err_hint(err, "It may have missed a change of the shard map, so it only reads until it "
		      "reaches the catalog again. Use another proxy, or try again later.");
	return true;
}
