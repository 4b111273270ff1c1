/* The COPY splitter: rows, owners, and that no cut of the stream changes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "pgmosaic/route/copy_split.h"
#include "route_fixture.h"

#define HOME	 3
#define MAX_ROWS 64

struct rows {
	struct {
		uint16_t shard;
		char text[256];
		size_t n;
	} row[MAX_ROWS];
	unsigned n;
};

static enum status note_row(void *ctx, uint16_t shard, const uint8_t *row, size_t n,
			    struct err *err)
{
	struct rows *r = ctx;

	(void)err;
	assert_true(r->n < MAX_ROWS && n < sizeof(r->row[0].text));
	r->row[r->n].shard = shard;
	memset(r->row[r->n].text, 0, sizeof(r->row[0].text));
	memcpy(r->row[r->n].text, row, n);
	r->row[r->n].n = n;
	r->n++;
	return STATUS_OK;
}

static struct fixture fixture;

static void text_format(int key_field, uint32_t type)
{
	fixture_map(&fixture, 1, type);
	fixture.plan.keys.sources = NULL;
	fixture.plan.copy = (struct plan_copy){ .format = COPY_TEXT,
						.delimiter = '\t',
						.null_text = "\\N",
						.key_field = { key_field },
						.key_type = { type },
						.n_fields = 3 };
}

static void csv_format(int key_field, uint32_t type)
{
	text_format(key_field, type);
	fixture.plan.copy.format = COPY_CSV;
	fixture.plan.copy.delimiter = ',';
	fixture.plan.copy.quote = fixture.plan.copy.escape = '"';
	fixture.plan.copy.null_text = "";
}

static struct err last_err;

/* Fed in pieces of `step` bytes. */
static enum status split_by(const char *p, size_t n, size_t step, struct rows *rows)
{
	struct copy_splitter *s;
	enum status status = STATUS_OK;

	rows->n = 0;
	last_err = (struct err)ERR_INIT;
	s = copy_splitter_create(&fixture.plan, &fixture.map, NULL, 200, note_row, rows);
	for (size_t at = 0; at < n && status == STATUS_OK; at += step) {
		/* A copy of its own: reading past it is an error for AddressSanitizer. */
		size_t take = n - at < step ? n - at : step;
		uint8_t *piece = malloc(take);

		memcpy(piece, p + at, take);
		status = copy_splitter_feed(s, piece, take, &last_err);
		free(piece);
	}
	if (status == STATUS_OK)
		status = copy_splitter_finish(s, &last_err);
	else
		assert_int_equal(copy_splitter_feed(s, (const uint8_t *)"x", 1, &(struct err){ 0 }),
				 STATUS_INTERNAL);
	copy_splitter_destroy(s);
	return status;
}

static struct rows split_bytes(const char *p, size_t n)
{
	static struct rows whole, pieces;

	assert_int_equal(split_by(p, n, n ? n : 1, &whole), STATUS_OK);
	for (size_t step = 1; step < n && step < 20; step++) {
		assert_int_equal(split_by(p, n, step, &pieces), STATUS_OK);
		assert_int_equal(pieces.n, whole.n);
		assert_memory_equal(pieces.row, whole.row, whole.n * sizeof(whole.row[0]));
	}
	return whole;
}

static struct rows split(const char *text)
{
	return split_bytes(text, strlen(text));
}

static void fails_with(const char *text, enum status status, const char *code)
{
	static struct rows rows;

	for (size_t step = 1; step < 40; step += 3) {
		assert_int_equal(split_by(text, strlen(text), step, &rows), status);
		assert_string_equal(last_err.code, code);
	}
}

static void row_is(const struct rows *r, unsigned i, int shard, const char *text)
{
	assert_true(i < r->n);
	assert_string_equal(r->row[i].text, text);
	assert_int_equal(r->row[i].shard, shard);
}

static int of(int64_t v)
{
	return owner_of_int(&fixture, v);
}

static int of_text(const char *v)
{
	return owner_of_text(&fixture, v);
}

static void text_rows_go_to_the_owners_of_their_keys(void **state)
{
	struct rows r;

	(void)state;
	text_format(1, OID_INT8);
	r = split("a\t1\tx\nb\t-2\ty\nc\t 42 \tz\n");
	assert_int_equal(r.n, 3);
	row_is(&r, 0, of(1), "a\t1\tx\n");
	row_is(&r, 1, of(-2), "b\t-2\ty\n");
	row_is(&r, 2, of(42), "c\t 42 \tz\n");
}

static void escapes_in_the_key_and_before_it_are_understood(void **state)
{
	struct rows r;

	(void)state;
	text_format(1, OID_TEXT);
	r = split("a\\\tb\tk\\\\1\tx\n"	  /* an escaped delimiter */
		  "a\\\\\tk\\t2\tx\n"	  /* an escaped backslash before one */
		  "\\\n\\\\\\\n\tk\tx\n"  /* escaped new lines */
		  "a\t\\x41\\102\\c\tx\n" /* codes */
		  "a\tk\\\n2\n");
	assert_int_equal(r.n, 5);
	row_is(&r, 0, of_text("k\\1"), "a\\\tb\tk\\\\1\tx\n");
	row_is(&r, 1, of_text("k\t2"), "a\\\\\tk\\t2\tx\n");
	row_is(&r, 2, of_text("k"), "\\\n\\\\\\\n\tk\tx\n");
	row_is(&r, 3, of_text("ABc"), "a\t\\x41\\102\\c\tx\n");
	row_is(&r, 4, of_text("k\n2"), "a\tk\\\n2\n");
}

static void null_keys_hash_to_zero_and_nulls_may_be_spelt_otherwise(void **state)
{
	struct rows r;

	(void)state;
	text_format(0, OID_TEXT);
	r = split("\\N\tx\n\\\\N\tx\nN\tx\n");
	row_is(&r, 0, owner(&fixture, 0), "\\N\tx\n");
	row_is(&r, 1, of_text("\\N"), "\\\\N\tx\n");
	row_is(&r, 2, of_text("N"), "N\tx\n");
	fixture.plan.copy.null_text = "";
	r = split("\tx\n\\N\tx\n");
	row_is(&r, 0, owner(&fixture, 0), "\tx\n");
	row_is(&r, 1, of_text("N"), "\\N\tx\n");
	/* A lone backslash at the end of the data leaves an empty field. */
	r = split("a\tx\n\\");
	row_is(&r, 1, owner(&fixture, 0), "\\");
}

static void rows_without_a_readable_key_go_home(void **state)
{
	struct rows r;

	(void)state;
	text_format(1, OID_INT8);
	r = split("a\nb\tzebra\tx\n\n");
	assert_int_equal(r.n, 3);
	row_is(&r, 0, HOME, "a\n");
	row_is(&r, 1, HOME, "b\tzebra\tx\n");
	row_is(&r, 2, HOME, "\n");
	fails_with("a\t1\tx\nb\t0x2A\tx\n", STATUS_UNROUTED, "0A000");
	assert_string_equal(last_err.detail, "COPY, line 2 of the input");
}

static void rows_go_to_an_owner_when_home_is_none(void **state)
{
	struct rows r;

	(void)state;
	text_format(1, OID_INT8);
	for (unsigned i = 0; i < N_CHUNKS; i++)
		fixture.chunks[i].shard = 1 + i % 2;
	r = split("a\n");
	row_is(&r, 0, 1, "a\n");
}

static void every_kind_of_line_end_works_but_only_one_at_a_time(void **state)
{
	struct rows r;

	(void)state;
	text_format(0, OID_INT8);
	r = split("1\ta\r\n2\tb\r\n");
	assert_int_equal(r.n, 2);
	row_is(&r, 1, of(2), "2\tb\r\n");
	r = split("1\r\n2\r\n");
	row_is(&r, 1, of(2), "2\r\n");
	r = split("1\ta\r2\tb\r");
	assert_int_equal(r.n, 2);
	row_is(&r, 0, of(1), "1\ta\r");
	r = split("1\ta\n2\tb");
	row_is(&r, 1, of(2), "2\tb");
	r = split("1\ta\r");
	row_is(&r, 0, of(1), "1\ta\r");
	fails_with("1\ta\n2\tb\r\n", STATUS_INVALID, "22P04");
	fails_with("1\ta\n2\tb\rx", STATUS_INVALID, "22P04");
	r = split("1\ta\n2\tb\\\rx\n");
	row_is(&r, 1, of(2), "2\tb\\\rx\n");
	fails_with("1\ta\r\n2\tb\n", STATUS_INVALID, "22P04");
	fails_with("1\ta\r2\tb\r\n3\r", STATUS_INVALID, "22P04");
	csv_format(0, OID_INT8);
	fails_with("1,a\n2,b\r\n", STATUS_INVALID, "22P04");
	r = split("1,\"a\r\nb\"\n2,b\n");
	assert_int_equal(r.n, 2);
}

static void the_end_marker_ends_the_data(void **state)
{
	struct rows r;

	(void)state;
	text_format(0, OID_INT8);
	r = split("1\ta\n\\.\nrubbish\r\n");
	assert_int_equal(r.n, 1);
	r = split("\\.\n");
	assert_int_equal(r.n, 0);
	r = split("1\ta\n2\\.\nrubbish");
	assert_int_equal(r.n, 2);
	row_is(&r, 1, of(2), "2\n");
	r = split("1\ta\\\\.\n");
	row_is(&r, 0, of(1), "1\ta\\\\.\n");
	fails_with("1\ta\n2\\.x\n", STATUS_INVALID, "22P04");
	fails_with("1\ta\n2\\.", STATUS_INVALID, "22P04");
	fixture.plan.copy.header = true;
	r = split("id\\.\n1\ta\n");
	assert_int_equal(r.n, 1);
	row_is(&r, 0, COPY_TO_ALL, "id\\.\n");
	csv_format(0, OID_TEXT);
	r = split("1,a\n\\.,b\nx\\.\n\\.\n2,b\n");
	assert_int_equal(r.n, 3);
	row_is(&r, 1, of_text("\\."), "\\.,b\n");
	row_is(&r, 2, of_text("x\\."), "x\\.\n");
}

static void csv_quotes_hide_delimiters_and_line_ends(void **state)
{
	struct rows r;

	(void)state;
	csv_format(1, OID_TEXT);
	r = split("a,k1,x\n"
		  "\"a,b\",\"k,\"\"2\",x\n"
		  "\"a\nb\nc\",k3,\"\n\"\n"
		  "\"\",,x\n"
		  "a,\"\",x\n"
		  "a,k\"4\n\"5,x\n");
	assert_int_equal(r.n, 6);
	row_is(&r, 0, of_text("k1"), "a,k1,x\n");
	row_is(&r, 1, of_text("k,\"2"), "\"a,b\",\"k,\"\"2\",x\n");
	row_is(&r, 2, of_text("k3"), "\"a\nb\nc\",k3,\"\n\"\n");
	row_is(&r, 3, owner(&fixture, 0), "\"\",,x\n");
	row_is(&r, 4, of_text(""), "a,\"\",x\n");
	row_is(&r, 5, of_text("k4\n5"), "a,k\"4\n\"5,x\n");
}

static void csv_may_have_an_escape_of_its_own(void **state)
{
	struct rows r;

	(void)state;
	csv_format(1, OID_TEXT);
	fixture.plan.copy.escape = '\\';
	fixture.plan.copy.quote = '\'';
	r = split("'a\\'\n\\\\',k1\n'\\x\\\\\\'',' k\\'2\\n'\n");
	assert_int_equal(r.n, 2);
	row_is(&r, 0, of_text("k1"), "'a\\'\n\\\\',k1\n");
	row_is(&r, 1, of_text(" k'2\\n"), "'\\x\\\\\\'',' k\\'2\\n'\n");
}

static void the_header_line_goes_to_every_shard(void **state)
{
	struct rows r;

	(void)state;
	csv_format(0, OID_INT8);
	fixture.plan.copy.header = true;
	r = split("\"id\n1\",b\n1,x\n");
	assert_int_equal(r.n, 2);
	row_is(&r, 0, COPY_TO_ALL, "\"id\n1\",b\n");
	row_is(&r, 1, of(1), "1,x\n");
}

static void keys_that_are_not_copied_have_their_constant(void **state)
{
	struct key_value pair[2] = {
		{ .kind = KEY_VALUE_BYTES, .bytes = "eu", .n = 2 },
		{ .kind = KEY_VALUE_NUMBER, .width = 8, .number = 7 },
	};
	struct rows r;

	(void)state;
	text_format(-1, OID_TEXT);
	fixture.dist.n_keys = 2;
	fixture.plan.copy.key_field[1] = 0;
	fixture.plan.copy.key_type[1] = OID_INT8;
	fixture.plan.keys.sources = fixture.sources;
	fixture.sources[0] = (struct key_source){ .kind = KEY_TEXT, .text = str_of("eu") };
	r = split("7\tx\n");
	row_is(&r, 0, owner(&fixture, hash_key(KEY_FUNCTION_PG, pair, 2)), "7\tx\n");
	fixture.sources[0].kind = KEY_NULL;
	r = split("7\tx\n");
	pair[0].kind = KEY_VALUE_NULL;
	row_is(&r, 0, owner(&fixture, hash_key(KEY_FUNCTION_PG, pair, 2)), "7\tx\n");
}

static void a_row_past_the_limit_ends_the_copy(void **state)
{
	char text[400];

	(void)state;
	text_format(0, OID_INT8);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	fails_with(text, STATUS_LIMIT, "54000");
}

static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\3ext";

static void binary_tuples_go_to_the_owners_of_their_keys(void **state)
{
	static const char rows[] = "\0\2\0\0\0\4\0\0\0\7\0\0\0\3abc"
				   "\0\2\377\377\377\377\0\0\0\0"
				   "\0\2\0\0\0\4\377\377\377\377\377\377\377\377"
				   "\377\377";
	char text[128];
	size_t n = sizeof(header) - 1;
	struct rows r;

	(void)state;
	text_format(0, OID_INT4);
	fixture.plan.copy.format = COPY_BINARY;
	fixture.plan.copy.n_fields = 2;
	memcpy(text, header, n);
	memcpy(text + n, rows, sizeof(rows) - 1);
	n += sizeof(rows) - 1;
	r = split_bytes(text, n);
	assert_int_equal(r.n, 5);
	assert_int_equal(r.row[0].shard, COPY_TO_ALL);
	assert_int_equal(r.row[0].n, sizeof(header) - 1);
	assert_int_equal(r.row[1].shard, of(7));
	assert_int_equal(r.row[1].n, 17);
	assert_int_equal(r.row[2].shard, owner(&fixture, 0));
	assert_int_equal(r.row[3].shard, of(-1));
	assert_int_equal(r.row[4].shard, COPY_TO_ALL);
	assert_int_equal(r.row[4].n, 2);
	text[n] = 0;
	assert_int_equal(split_by(text, n + 1, 1, &r), STATUS_INVALID);
	assert_string_equal(last_err.code, "22P04");
}

/* All bytes from the fault on, whatever the cut, reach the home shard's server. */
static void malformed_binary_goes_home_whole(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} tails[] = {
		{ "\0\3\0\0\0\4abcd", 10 },	       /* another count of fields */
		{ "\0\2\0\0\0\4abcd\200\0\0\0x", 15 }, /* a negative length */
		{ "\0\2\0\0\0\4ab", 8 },	       /* cut short */
	};
	char text[128];
	size_t n;
	struct rows r;

	(void)state;
	text_format(0, OID_INT4);
	fixture.plan.copy.format = COPY_BINARY;
	fixture.plan.copy.n_fields = 2;
	memcpy(text, header, sizeof(header) - 1);
	for (size_t i = 0; i < 3; i++) {
		size_t sent = 0;

		n = sizeof(header) - 1;
		memcpy(text + n, tails[i].p, tails[i].n);
		assert_int_equal(split_by(text, n + tails[i].n, 3, &r), STATUS_OK);
		for (unsigned j = 1; j < r.n; j++) {
			assert_int_equal(r.row[j].shard, HOME);
			assert_memory_equal(r.row[j].text, tails[i].p + sent, r.row[j].n);
			sent += r.row[j].n;
		}
		assert_int_equal(sent, tails[i].n);
	}
	assert_int_equal(split_by("PGCOPX garbage", 14, 4, &r), STATUS_OK);
	row_is(&r, 0, HOME, "PGCOPX g");
}

static enum status refuse_row(void *ctx, uint16_t shard, const uint8_t *row, size_t n,
			      struct err *err)
{
	(void)ctx, (void)shard, (void)row, (void)n;
	return err_set(err, STATUS_BACKEND, "gone");
}

static void an_error_of_the_receiver_ends_the_split(void **state)
{
	struct err err = ERR_INIT;
	struct copy_splitter *s;

	(void)state;
	text_format(0, OID_INT8);
	s = copy_splitter_create(&fixture.plan, &fixture.map, NULL, 200, refuse_row, NULL);
	assert_int_equal(copy_splitter_feed(s, (const uint8_t *)"1\n2\n", 4, &err), STATUS_BACKEND);
	assert_string_equal(err.message, "gone");
	assert_int_equal(copy_splitter_rows(s), 1);
	assert_int_equal(copy_splitter_finish(s, &err), STATUS_INTERNAL);
	copy_splitter_destroy(s);
	copy_splitter_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_rows_go_to_the_owners_of_their_keys),
		cmocka_unit_test(escapes_in_the_key_and_before_it_are_understood),
		cmocka_unit_test(null_keys_hash_to_zero_and_nulls_may_be_spelt_otherwise),
		cmocka_unit_test(rows_without_a_readable_key_go_home),
		cmocka_unit_test(rows_go_to_an_owner_when_home_is_none),
		cmocka_unit_test(every_kind_of_line_end_works_but_only_one_at_a_time),
		cmocka_unit_test(the_end_marker_ends_the_data),
		cmocka_unit_test(csv_quotes_hide_delimiters_and_line_ends),
		cmocka_unit_test(csv_may_have_an_escape_of_its_own),
		cmocka_unit_test(the_header_line_goes_to_every_shard),
		cmocka_unit_test(keys_that_are_not_copied_have_their_constant),
		cmocka_unit_test(a_row_past_the_limit_ends_the_copy),
		cmocka_unit_test(binary_tuples_go_to_the_owners_of_their_keys),
		cmocka_unit_test(malformed_binary_goes_home_whole),
		cmocka_unit_test(an_error_of_the_receiver_ends_the_split),
	};

	return cmocka_run_group_tests_name("copy_split", tests, NULL, NULL);
}
