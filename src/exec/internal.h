/* Between the files of this module: sending to legs, and the client's side of the output. */
#ifndef EXEC_INTERNAL_H
#define EXEC_INTERNAL_H

#include "pgmosaic/exec/exec.h"
#include "pgmosaic/wire/build.h"
#include "pgmosaic/wire/parse.h"

/* ---- send.c ---- */
/* A text and what its hidden columns need. */
struct exec_send {
	struct str text;
	const uint16_t *formats; /* result formats, host order */
	uint16_t n_formats;
	bool as_query; /* simple protocol: no parameters, no formats */
};

void exec_send(const struct exec_request *req, struct leg *leg, const struct exec_send *send);
/* The plan's shard text, or the client's, with LIMIT n put in when limited. */
struct str exec_shard_text(const struct exec_request *req, bool is_limited, int64_t limit);

/* ---- ship.c: columns of values as array parameters ---- */
struct ship_column {
	struct buf array; /* binary form */
	uint32_t type, n;
	bool has_null;
};

struct ship {
	struct ship_column *columns;
	uint16_t n_columns;
	uint64_t n_bytes, limit_bytes;
	const char *limit_key;
};

/* A type without a known array type: STATUS_UNROUTED. */
enum status ship_init(struct ship *s, const struct exec_request *req, const uint32_t *types,
		      uint16_t n, struct err *err);
void ship_finish(struct ship *s);
/* A value in its type's binary form; NULL data: SQL NULL. Past memory_bytes: STATUS_LIMIT. */
enum status ship_add(struct ship *s, uint16_t column, const uint8_t *data, int32_t length,
		     struct err *err);
/* Each column as a parameter; the arrays stay with `s`. */
void ship_params(struct ship *s, const uint8_t **values, int32_t *lengths, uint32_t *types);

/* ---- finish.c: the last statement of a merge, on one shard ---- */
struct finish_params {
	const uint8_t **values;
	int32_t *lengths;
	uint16_t *formats;
	uint32_t *types;
	uint16_t n;
};

/* Run plan->finish_text on the first leg and stream its rows to the client. */
enum status exec_finish(const struct exec_request *req, const struct finish_params *params,
			struct exec_result *result);

/* ---- count.c: LIMIT and OFFSET ---- */
struct exec_window {
	bool is_limited;
	int64_t limit, offset;
};

enum status exec_window(const struct exec_request *req, struct exec_window *w, struct err *err);
/* What each shard must deliver at most: limit + offset, saturating. */
int64_t exec_window_reach(const struct exec_window *w);

/* ---- output.c ---- */
struct exec_output {
	const struct exec_request *req;
	uint64_t n_rows;
	bool described;
	struct err err; /* shards disagree, or limits */
	struct leg *first;
};

void exec_output_init(struct exec_output *o, const struct exec_request *req);
/* Send the RowDescription of this leg, `hidden` columns cut off, once. */
void exec_output_describe(struct exec_output *o, struct leg *leg, unsigned hidden);
/* Whole DataRow messages. */
void exec_output_rows(struct exec_output *o, const uint8_t *p, size_t n, unsigned n_rows);
/* One row of which the first `keep` fields count. */
void exec_output_prefix(struct exec_output *o, const uint8_t *body, size_t n, uint16_t keep);
/* In the fiber: wait while the client's queue is full. False: the client is gone. */
bool exec_output_wait(struct exec_output *o);
void exec_output_sink(void *ctx, struct leg *leg, const uint8_t *p, size_t n, unsigned n_rows);
/* In the fiber: until every leg is done, one has failed, or the client is gone. */
void exec_output_stream(struct exec_output *o);
/* The legs' descriptions name the same columns of the same types. */
enum status exec_same_shape(const struct exec_request *req, struct err *err);
uint16_t exec_n_columns(const struct leg *leg);

/* ---- the merges ---- */
enum status exec_concat(const struct exec_request *req, struct exec_result *result);
enum status exec_sort(const struct exec_request *req, struct exec_result *result);
enum status exec_aggregate(const struct exec_request *req, struct exec_result *result);
enum status exec_write(const struct exec_request *req, struct exec_result *result);
enum status exec_insert(const struct exec_request *req, struct exec_result *result);
enum status exec_gather(const struct exec_request *req, struct exec_result *result);
enum status exec_copy_out(const struct exec_request *req, struct exec_result *result);

/* ---- exec.c ---- */
/* Wait for all legs; the first failure in shard order becomes the result's. */
enum status exec_await_all(const struct exec_request *req, struct exec_result *result);
/* Drop what the legs still send and wait for their end. */
void exec_drain(const struct exec_request *req);
enum status exec_fail(struct exec_result *result, const struct err *err);

#endif
