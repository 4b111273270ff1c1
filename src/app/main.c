/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "pgmosaic/base/log.h"
#include "process.h"

static const char usage[] =
	"pgmosaic " PGMOSAIC_VERSION ": many PostgreSQL servers answer as one\n"
	"\n"
	"usage: pgmosaic -c FILE           run with this configuration\n"
	"       pgmosaic -c FILE --takeover\n"
	"                                  the same, in place of the process that listens on its\n"
	"                                  addresses now: that one ends after its transactions\n"
	"       pgmosaic check -c FILE     check the file, the catalog and the shards; print each\n"
	"                                  fault with its cure\n"
	"       pgmosaic --version\n"
	"       pgmosaic --help\n"
	"\n"
	"signals: SIGTERM or SIGINT ends it after open transactions (a second one at once),\n"
	"         SIGHUP reads the configuration again\n";

static int bad_usage(void)
{
	fputs(usage, stderr);
	return 2;
}

static int print_faults(struct config_faults *faults)
{
	for (unsigned i = 0; i < faults->n; i++)
		fprintf(stderr, "%s\n", faults->items[i].text);
	fprintf(stderr, "pgmosaic: the configuration has %u fault%s\n", faults->n,
		faults->n == 1 ? "" : "s");
	config_faults_finish(faults);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "takeover", no_argument, NULL, 't' },
						 { "version", no_argument, NULL, 'V' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	const char *path = NULL;
	bool is_check = false, takes_over = false;
	struct config_faults faults;
	struct config *cfg;
	int c, code;

	while ((c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		if (c == 'V')
			return printf("pgmosaic " PGMOSAIC_VERSION "\n") < 0;
		if (c == 'h')
			return fputs(usage, stdout) < 0;
		takes_over |= c == 't';
		if (c == 't')
			continue;
		if (c != 'c')
			return bad_usage();
		path = optarg;
	}
	if (optind < argc && strcmp(argv[optind], "check") == 0) {
		is_check = true;
		optind++;
	}
	if (!path || optind != argc)
		return bad_usage();
	config_faults_init(&faults);
	if (config_load(path, &cfg, &faults) != STATUS_OK)
		return print_faults(&faults);
	config_faults_finish(&faults);
	log_setup(cfg->log.level, cfg->log.format == LOG_FORMAT_JSON);
	code = is_check ? check_run(cfg) : process_run(path, cfg, takes_over);
	config_destroy(cfg);
	return code;
}
