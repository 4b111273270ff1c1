/* Any bytes as a configuration file: parsed, or refused with at least one fault; never a
 * crash or a leak. What was parsed can be shown and compared. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgmosaic/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_row(void *ctx, const struct config_row *row)
{
	size_t *n = ctx;

	*n += strlen(row->key) + strlen(row->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_faults faults;
	struct config *cfg = NULL;
	enum status status;
	size_t n = 0;

	config_faults_init(&faults);
	status = config_parse_text((const char *)data, size, "fuzz.yaml", &cfg, &faults);
	if ((status == STATUS_OK) != (faults.n == 0) || (status == STATUS_OK) != (cfg != NULL))
		abort();
	if (cfg) {
		config_show(cfg, on_row, &n);
		config_diff_fixed(cfg, cfg, on_row, &n);
		if (config_find_rule(cfg, NULL, false, "d", "u") && cfg->n_rules == 0)
			abort();
	}
	config_destroy(cfg);
	config_faults_finish(&faults);
	return 0;
}
