/* YAML → struct config, by the table in keys.c. The only place that knows libyaml.
 *
 * Happy path: the document is loaded whole; its mappings are walked beside the table,
 * each value is stored in its field, then config_check() looks at what concerns several
 * keys at once.
 * Failure modes: text that is no YAML is one fault, with the parser's line. Every other
 * mistake is noted and the walk goes on, so that one run shows them all. Nesting follows
 * the table, which is three levels deep, so a file cannot make it deep. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "pgmosaic/base/mem.h"
#include "reader.h"
#include "values.h"

#define FILE_MAX_BYTES (16u << 20)
#define PATH_BYTES     256

/* Where we are: `table` as the key table writes it, `shown` with list indexes. */
struct place {
	char table[PATH_BYTES], shown[PATH_BYTES];
	void *base; /* the struct that offsets are into */
};

static int line_of(const yaml_node_t *node)
{
	return (int)node->start_mark.line + 1;
}

/* NULL: not a usable scalar. */
static const char *text_of(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

static bool is_null(const yaml_node_t *node)
{
	const char *text = text_of(node);

	return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static struct place place_under(const struct place *at, const char *key)
{
	struct place sub = { .base = at->base };

	snprintf(sub.table, sizeof(sub.table), "%.120s%.64s", at->table, key);
	snprintf(sub.shown, sizeof(sub.shown), "%.120s%.64s", at->shown, key);
	return sub;
}

static bool is_child(const struct config_key *key, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(key->path, prefix, n) == 0 && !strchr(key->path + n, '.');
}

static void fault_unknown(struct reader *r, const struct place *in, const struct place *at,
			  int line)
{
	char fix[1024] = "write one of";
	size_t n = strlen(fix);

	for (unsigned i = 0; i < config_n_keys; i++) {
		if (!is_child(&config_keys[i], in->table) || config_keys[i].type == KEY_LATER)
			continue;
		n += (size_t)snprintf(fix + n, sizeof(fix) - n, "%s %s", n > 12 ? "," : "",
				      config_keys[i].path + strlen(in->table));
	}
	reader_fault(r, line, at->shown, "unknown key", fix);
}

static void read_strings(struct reader *r, yaml_document_t *doc, const struct config_key *key,
			 const struct place *at, const yaml_node_t *node)
{
	const yaml_node_item_t *first = node->data.sequence.items.start;
	size_t n = (size_t)(node->data.sequence.items.top - first);
	struct config_strings *out = (void *)((char *)at->base + key->offset);
	const char **items = arena_array(&r->cfg->arena, const char *, n + 1);

	if (n < key->min || n > key->max) {
		reader_fault(r, line_of(node), at->shown,
			     n ? "has too many items" : "is an empty list", key->help);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = yaml_document_get_node(doc, first[i]);
		const char *text = text_of(item);

		if (!text || !*text)
			reader_fault(r, line_of(item), at->shown, "has an item that is no text",
				     key->help);
		items[i] = arena_strdup(&r->cfg->arena, text ? text : "");
	}
	*out = (struct config_strings){ items, (unsigned)n };
}

static void read_addresses(struct reader *r, yaml_document_t *doc, const struct config_key *key,
			   const struct place *at, const yaml_node_t *node)
{
	const yaml_node_item_t *first = node->data.sequence.items.start;
	size_t n = (size_t)(node->data.sequence.items.top - first);
	struct config_addresses *out = (void *)((char *)at->base + key->offset);
	struct config_address *items = arena_array(&r->cfg->arena, struct config_address, n + 1);

	if (n < key->min || n > key->max) {
		reader_fault(r, line_of(node), at->shown,
			     n ? "has too many items" : "is an empty list", key->help);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = yaml_document_get_node(doc, first[i]);
		const char *text = text_of(item);
		const char *wrong =
			!text ? "has an item that is no text"
			      : value_read_address(&r->cfg->arena,
						   arena_strdup(&r->cfg->arena, text), &items[i]);

		if (wrong)
			reader_fault(r, line_of(item), at->shown, wrong, key->help);
	}
	*out = (struct config_addresses){ items, (unsigned)n };
}

static void read_scalar(struct reader *r, const struct config_key *key, const struct place *at,
			const yaml_node_t *node)
{
	const char *text = text_of(node), *wrong;

	if (is_null(node))
		wrong = "has no value";
	else if (!text)
		wrong = node->type == YAML_SCALAR_NODE	   ? "holds a NUL byte"
			: node->type == YAML_SEQUENCE_NODE ? "is a list, not a single value"
							   : "is a mapping, not a single value";
	else
		wrong = value_store(&r->cfg->arena, key, text, at->base);
	if (wrong)
		reader_fault(r, line_of(node), at->shown, wrong, key->help);
}

static void read_mapping(struct reader *r, yaml_document_t *doc, const struct place *in,
			 const yaml_node_t *node);

static void read_list(struct reader *r, yaml_document_t *doc, const struct config_key *key,
		      const struct place *at, const yaml_node_t *node)
{
	const yaml_node_item_t *first = node->data.sequence.items.start;
	size_t n = (size_t)(node->data.sequence.items.top - first);
	char *items = arena_alloc(&r->cfg->arena, (n + 1) * key->item_size);
	struct place item = { .base = items };

	if (n > key->max || (n == 0 && key->flags & KEY_REQUIRED)) {
		reader_fault(r, line_of(node), at->shown,
			     n ? "has too many items" : "is an empty list", key->help);
		return;
	}
	memcpy((char *)at->base + key->offset, &items, sizeof(items));
	*(unsigned *)(void *)((char *)at->base + key->count_offset) = (unsigned)n;
	snprintf(item.table, sizeof(item.table), "%.120s[].", at->table);
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *sub = yaml_document_get_node(doc, first[i]);

		item.base = items + i * key->item_size;
		*(int *)item.base = line_of(sub); /* every item struct begins with `int line` */
		snprintf(item.shown, sizeof(item.shown), "%.120s[%zu].", at->shown, i);
		defaults_apply(&r->cfg->arena, item.table, item.base);
		if (sub->type == YAML_MAPPING_NODE)
			read_mapping(r, doc, &item, sub);
		else
			reader_fault(r, line_of(sub), at->shown, "has an item that is no mapping",
				     key->help);
	}
}

static void read_section(struct reader *r, yaml_document_t *doc, const struct config_key *key,
			 const struct place *at, const yaml_node_t *node)
{
	struct place sub = place_under(at, ".");

	if (node->type == YAML_MAPPING_NODE)
		read_mapping(r, doc, &sub, node);
	else
		reader_fault(r, line_of(node), at->shown,
			     is_null(node) ? "has no value" : "is not a mapping", key->help);
}

static void read_value(struct reader *r, yaml_document_t *doc, const struct config_key *key,
		       const struct place *at, const yaml_node_t *node)
{
	bool is_sequence = node->type == YAML_SEQUENCE_NODE;

	r->lines[key - config_keys] = line_of(node);
	if (key->type == KEY_LATER)
		reader_fault(r, line_of(node), at->shown, "is not supported by this version",
			     key->help);
	else if (key->type == KEY_SECTION)
		read_section(r, doc, key, at, node);
	else if (key->type == KEY_LIST && is_sequence)
		read_list(r, doc, key, at, node);
	else if (key->type == KEY_LIST)
		reader_fault(r, line_of(node), at->shown, "is not a list", key->help);
	else if (key->type == KEY_STRINGS && is_sequence)
		read_strings(r, doc, key, at, node);
	else if (key->type == KEY_ADDRESSES && is_sequence)
		read_addresses(r, doc, key, at, node);
	else
		read_scalar(r, key, at, node);
}

static const yaml_node_t *mapping_get(yaml_document_t *doc, const yaml_node_t *mapping,
				      const char *name, const yaml_node_pair_t *before)
{
	const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

	if (!before)
		before = mapping->data.mapping.pairs.top;
	for (; pair < before; pair++) {
		const char *key = text_of(yaml_document_get_node(doc, pair->key));

		if (key && strcmp(key, name) == 0)
			return yaml_document_get_node(doc, pair->value);
	}
	return NULL;
}

static void find_missing(struct reader *r, yaml_document_t *doc, const struct place *in,
			 const yaml_node_t *node, int line)
{
	for (unsigned i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		const char *name = key->path + strlen(in->table);
		struct place at;

		if (!is_child(key, in->table) || (node && mapping_get(doc, node, name, NULL)))
			continue;
		at = place_under(in, name);
		if (key->flags & KEY_REQUIRED)
			reader_fault(r, line, at.shown, "missing required key", key->help);
		if (key->type == KEY_SECTION) {
			at = place_under(&at, ".");
			find_missing(r, doc, &at, NULL, line);
		}
	}
}

static void read_mapping(struct reader *r, yaml_document_t *doc, const struct place *in,
			 const yaml_node_t *node)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

	for (; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(doc, pair->key);
		const char *text = text_of(name);
		struct place at = place_under(in, text ? text : "?");
		const struct config_key *key = text ? key_find(at.table) : NULL;

		if (r->faults->n >= r->n_faults_before + READER_MAX_FAULTS)
			return;
		if (!key || !is_child(key, in->table))
			fault_unknown(r, in, &at, line_of(name));
		else if (mapping_get(doc, node, text, pair))
			reader_fault(r, line_of(name), at.shown, "duplicate key",
				     "keep one of them");
		else
			read_value(r, doc, key, &at, yaml_document_get_node(doc, pair->value));
	}
	find_missing(r, doc, in, node, line_of(node));
}

static void fault_yaml(struct reader *r, const yaml_parser_t *parser)
{
	char what[256];
	int line = (int)parser->problem_mark.line + 1;

	snprintf(what, sizeof(what), "%s%s%s", parser->context ? parser->context : "",
		 parser->context ? ", " : "", parser->problem ? parser->problem : "out of memory");
	reader_fault(r, line, "not valid YAML", what,
		     "look at the indentation, quotes and brackets there");
}

static bool read_document(struct reader *r, yaml_parser_t *parser)
{
	yaml_document_t doc;
	struct place top = { .base = r->cfg };
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &doc)) {
		fault_yaml(r, parser);
		return false;
	}
	root = yaml_document_get_root_node(&doc);
	if (root && root->type == YAML_MAPPING_NODE)
		read_mapping(r, &doc, &top, root);
	else if (!root || is_null(root))
		find_missing(r, &doc, &top, NULL, 1);
	else
		reader_fault(r, line_of(root), "(file)", "is not a mapping",
			     "write key: value lines");
	yaml_document_delete(&doc);
	return root != NULL;
}

static void refuse_second_document(struct reader *r, yaml_parser_t *parser)
{
	yaml_document_t doc;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &doc)) {
		fault_yaml(r, parser);
		return;
	}
	root = yaml_document_get_root_node(&doc);
	if (root)
		reader_fault(r, line_of(root), "(file)", "has a second YAML document",
			     "keep one, without --- between");
	yaml_document_delete(&doc);
}

static void read_text(struct reader *r, const char *text, size_t n)
{
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		reader_fault(r, 0, "(file)", "out of memory", NULL);
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	if (read_document(r, &parser))
		refuse_second_document(r, &parser);
	yaml_parser_delete(&parser);
}

static int by_line(const void *a, const void *b)
{
	const struct config_fault *x = a, *y = b;

	return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
				  : strcmp(x->text, y->text);
}

enum status config_parse_text(const char *text, size_t n, const char *name, struct config **out,
			      struct config_faults *faults)
{
	struct reader r = { .name = name,
			    .cfg = config_defaults(),
			    .faults = faults,
			    .n_faults_before = faults->n };

	r.lines = mem_zero(config_n_keys, sizeof(*r.lines));
	r.cfg->path = arena_strdup(&r.cfg->arena, name);
	read_text(&r, text, n);
	config_check(&r);
	free(r.lines);
	if (reader_has_faults(&r)) {
		qsort(faults->items, faults->n, sizeof(*faults->items), by_line);
		config_destroy(r.cfg);
		return STATUS_CONFIG;
	}
	*out = r.cfg;
	return STATUS_OK;
}

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0, got;

	*n = 0;
	if (!f)
		return NULL;
	do {
		size = size ? size * 2 : 4096;
		text = mem_grow(text, size);
		got = fread(text + *n, 1, size - *n, f);
		*n += got;
	} while (got > 0 && *n <= FILE_MAX_BYTES);
	if (ferror(f) || *n > FILE_MAX_BYTES) {
		errno = ferror(f) ? errno : EFBIG;
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

enum status config_load(const char *path, struct config **out, struct config_faults *faults)
{
	struct reader r = { .name = path, .faults = faults };
	size_t n;
	char *text = read_file(path, &n);
	enum status status;

	if (!text) {
		reader_fault(&r, 0, "cannot be read", strerror(errno),
			     "give the configuration file with -c FILE");
		return STATUS_CONFIG;
	}
	status = config_parse_text(text, n, path, out, faults);
	free(text);
	return status;
}
