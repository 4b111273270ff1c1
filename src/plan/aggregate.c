#include "internal.h"

bool aggregate_plan(struct build *b, struct level *top)
{
	(void)top;
	scatter_refuse(b, "Restrict every sharded table to one shard key value.",
		       "an aggregate over several shards");
	return false;
}
