/* What sessions, the control port and HTTP ask of the process. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/base/clock.h"
#include "pgmosaic/base/log.h"
#include "pgmosaic/base/mem.h"
#include "pgmosaic/wire/build.h"
#include "lookup.h"
#include "process.h"

/* ---- the configuration ---- */

const struct config *process_config(struct process *p)
{
	return atomic_load(&p->book)->config;
}

static void tell_fixed(void *ctx, const struct config_row *row)
{
	(void)ctx;
	log_event(LOG_WARNING, "a changed key needs a restart", LOG_STR("key", row->key));
}

static void log_faults(const struct config_faults *faults)
{
	for (unsigned i = 0; i < faults->n; i++)
		log_event(LOG_ERROR, "configuration fault",
			  LOG_STR("fault", faults->items[i].text));
}

static enum status load_config(struct process *p, struct config **cfg, struct err *err)
{
	struct config_faults faults;
	enum status st;

	config_faults_init(&faults);
	st = config_load(p->config_path, cfg, &faults);
	if (st != STATUS_OK) {
		log_faults(&faults);
		err_set(err, STATUS_CONFIG, "%s", faults.n ? faults.items[0].text : "not readable");
		err_hint(
			err,
			"The running configuration is unchanged. \"pgmosaic check\" lists every fault.");
	}
	config_faults_finish(&faults);
	return st;
}

/* Old books and configurations stay until the process ends: sessions point into them. */
static enum status reload_config(struct process *p, struct err *err)
{
	struct auth_book *book;
	struct config *cfg;

	if (load_config(p, &cfg, err) != STATUS_OK)
		return err->status;
	book = book_create(cfg, atomic_load(&p->book), err);
	if (!book) {
		config_destroy(cfg);
		return err->status;
	}
	book->older = atomic_load(&p->book);
	config_diff_fixed(process_config(p), cfg, tell_fixed, NULL);
	atomic_store(&p->book, book);
	log_setup(cfg->log.level, cfg->log.format == LOG_FORMAT_JSON);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_configure(p->workers[i]);
	log_event(LOG_INFO, "configuration reloaded", LOG_STR("config", p->config_path));
	return STATUS_OK;
}

enum status process_reload_config(struct process *p, struct err *err)
{
	enum status st;

	pthread_mutex_lock(&p->reload_mutex);
	st = reload_config(p, err);
	pthread_mutex_unlock(&p->reload_mutex);
	return st;
}

/* ---- sessions ---- */

static const struct auth_book *host_book(void *ctx)
{
	return atomic_load_explicit(&((struct process *)ctx)->book, memory_order_acquire);
}

static void host_find_user(void *ctx, struct auth_lookup *ask)
{
	lookups_ask(((struct process *)ctx)->lookups, ask);
}

static uint64_t host_next_counter(void *ctx)
{
	return atomic_fetch_add(&((struct process *)ctx)->counter, 1) + 1;
}

static bool host_cancel(void *ctx, uint32_t pid, const uint8_t *key, size_t n_key,
			void (*done)(void *arg), void *arg)
{
	struct process *p = ctx;
	unsigned worker = worker_of_pid(pid);

	takeover_cancel(p, pid, key, n_key);
	if (worker >= p->n_workers || p->workers_end)
		return false;
	worker_cancel(p->workers[worker], pid, key, n_key, done, arg);
	return true;
}

static enum status host_refresh(void *ctx, struct err *err)
{
	return process_refresh_all(ctx, false, err);
}

/* The catalog stands below the planner and knows its own form of a change. */
static struct catalog_change change_of(const struct plan_change *c)
{
	static const enum catalog_change_kind kinds[] = {
		[CHANGE_ADD_SHARDED] = CATALOG_ADD_SHARDED,
		[CHANGE_ADD_REFERENCE] = CATALOG_ADD_REFERENCE,
		[CHANGE_DROP] = CATALOG_DROP,
		[CHANGE_RENAME] = CATALOG_RENAME,
	};
	struct catalog_change out = { .kind = kinds[c->kind],
				      .schema = c->schema,
				      .name = c->name,
				      .new_schema = c->new_schema,
				      .new_name = c->new_name,
				      .distribution = c->distribution,
				      .n_keys = c->n_keys };

	memcpy(out.key_columns, c->key_columns, sizeof(out.key_columns));
	memcpy(out.key_types, c->key_types, sizeof(out.key_types));
	return out;
}

static enum status host_ensure_distribution(void *ctx, const struct plan_change *change,
					    const char *user, struct err *err)
{
	struct process *p = ctx;
	enum status st = catalog_ensure_distribution(process_catalog(p), change->distribution,
						     change->key_types, change->n_keys, user, err);

	return st == STATUS_OK ? process_refresh(p, err) : st;
}

static enum status host_find_key(void *ctx, const struct map_distribution *dist, const uint8_t *key,
				 size_t n, bool places, const char *user, uint32_t *shard_id,
				 struct err *err)
{
	return catalog_find_key(process_catalog(ctx), user, dist, key, n, places, shard_id, err);
}

static enum status host_changes_begin(void *ctx, const struct plan_change *changes, unsigned n,
				      const char *user, int64_t *intent, struct err *err)
{
	struct process *p = ctx;
	struct catalog_change *all = mem_zero(n, sizeof(*all));
	enum status st;

	for (unsigned i = 0; i < n; i++)
		all[i] = change_of(&changes[i]);
	st = catalog_changes_begin(process_catalog(p), all, n, user, p->host.incarnation, intent,
				   err);
	free(all);
	return st;
}

static enum status host_changes_finish(void *ctx, int64_t intent, struct err *err)
{
	struct process *p = ctx;
	uint64_t epoch = 0;
	enum status st = catalog_changes_finish(process_catalog(p), intent, &epoch, err);

	if (st == STATUS_OK)
		st = process_refresh_all(p, false, err);
	return st == STATUS_OK && epoch ? process_agree(p, epoch, err) : st;
}

static enum status host_schema_changed(void *ctx, struct err *err)
{
	process_sync_sequences(ctx);
	return process_tell_schema(ctx, err);
}

static void host_changes_abandon(void *ctx, int64_t intent)
{
	struct err err = ERR_INIT;

	/* If this fails it is resolved later, by looking whether the table exists. */
	if (catalog_changes_abandon(process_catalog(ctx), intent, &err) != STATUS_OK)
		log_error(LOG_WARNING, "a change of the shard map could not be withdrawn", &err);
}

/* ---- the control port ---- */

static void put_columns(struct buf *out, const struct admin_result *r)
{
	struct wire_column *columns = mem_zero(r->n_columns + 1, sizeof(*columns));

	for (unsigned i = 0; i < r->n_columns; i++)
		columns[i] = (struct wire_column){ .name = r->columns[i].name,
						   .type_oid = r->columns[i].type_oid,
						   .typlen = -1,
						   .typmod = -1 };
	wire_put_row_description(out, columns, (uint16_t)r->n_columns);
	free(columns);
}

static bool admin_one(struct process *p, const char *user, struct str sql, bool wants_description,
		      struct buf *out)
{
	struct admin_result r;
	struct err err = ERR_INIT;
	enum status st;

	admin_result_init(&r);
	st = admin_execute(p->admin, user, sql, &r, &err);
	if (st != STATUS_OK) {
		wire_put_error(out, &err, "ERROR");
		admin_result_finish(&r);
		return false;
	}
	if (r.n_columns && wants_description)
		put_columns(out, &r);
	for (unsigned i = 0; i < r.n_rows && r.n_columns; i++)
		wire_put_text_row(out, r.values + (size_t)i * r.n_columns, (uint16_t)r.n_columns);
	wire_put_command_complete(out, r.tag);
	admin_result_finish(&r);
	return true;
}

static bool host_admin(void *ctx, const char *user, struct str sql, bool wants_description,
		       struct buf *out)
{
	struct str rest = sql;
	bool any = false;

	for (;;) {
		struct str one = admin_next_statement(&rest);

		if (one.n == 0 && rest.n == 0)
			break;
		if (one.n == 0)
			continue;
		any = true;
		if (!admin_one(ctx, user, one, wants_description, out))
			return false;
	}
	if (!any)
		wire_put_empty_query(out);
	return true;
}

static bool host_admin_describe(void *ctx, struct str sql, struct buf *out)
{
	struct process *p = ctx;
	struct str rest = sql, one = admin_next_statement(&rest);
	struct admin_result r;
	struct err err = ERR_INIT;
	enum status st;

	admin_result_init(&r);
	st = admin_describe(p->admin, one, &r, &err);
	if (st != STATUS_OK)
		wire_put_error(out, &err, "ERROR");
	else if (r.n_columns)
		put_columns(out, &r);
	else
		wire_put_no_data(out);
	admin_result_finish(&r);
	return st == STATUS_OK;
}

static bool host_is_ready(void *ctx, char *reason, size_t size)
{
	struct process *p = ctx;

	if (p->is_stopping)
		snprintf(reason, size, "the proxy is shutting down");
	if (p->is_stopping)
		return false;
	if (p->is_ready)
		return true;
	pthread_mutex_lock(&p->mutex);
	snprintf(reason, size, "%s", p->not_ready);
	pthread_mutex_unlock(&p->mutex);
	return false;
}

/* ---- notifications ---- */

static enum status host_listen(void *ctx, const char *channel, struct err *err)
{
	return channels_listen(((struct process *)ctx)->channels, channel, err);
}

static void host_unlisten(void *ctx, const char *channel)
{
	channels_unlisten(((struct process *)ctx)->channels, channel);
}

static void host_note_sender(void *ctx, int server_pid, uint32_t client_pid)
{
	channels_note_sender(((struct process *)ctx)->channels, server_pid, client_pid);
}

static char *home_dsn(void *ctx)
{
	struct world *w = process_world(ctx);
	char *dsn = w && w->map->n_shards ? strdup(w->map->shards[w->map->home].dsn) : NULL;

	world_drop(w);
	return dsn;
}

static void on_notified(void *ctx, const char *channel, const char *payload, uint32_t pid)
{
	struct process *p = ctx;

	for (unsigned i = 0; i < p->n_workers; i++)
		worker_notify(p->workers[i], channel, payload, pid);
}

static void on_notifications_lost(void *ctx)
{
	on_notified(ctx, NULL, NULL, 0);
}

static void channels_fill(struct process *p)
{
	struct channels_ops ops = {
		.ctx = p, .dsn = home_dsn, .notified = on_notified, .lost = on_notifications_lost
	};

	p->channels = channels_create(&ops);
}

void host_fill(struct process *p)
{
	channels_fill(p);
	p->host = (struct session_host){ .ctx = p,
					 .book = host_book,
					 .find_user = host_find_user,
					 .next_counter = host_next_counter,
					 .cancel = host_cancel,
					 .refresh = host_refresh,
					 .ensure_distribution = host_ensure_distribution,
					 .find_key = host_find_key,
					 .changes_begin = host_changes_begin,
					 .changes_finish = host_changes_finish,
					 .schema_changed = host_schema_changed,
					 .changes_abandon = host_changes_abandon,
					 .admin = host_admin,
					 .admin_describe = host_admin_describe,
					 .listen = host_listen,
					 .unlisten = host_unlisten,
					 .note_sender = host_note_sender,
					 .is_ready = host_is_ready };
	sequencer_fill(p);
}
