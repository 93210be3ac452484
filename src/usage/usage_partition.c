/*
 * usage_partition.c
 *		Whether a row of _usage_record has a partition to go to.
 */
#include "base/compat.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/* Whether a table is partitioned by ranges of one timestamptz, as _usage_record was made. */
static bool
is_by_instant(Relation table)
{
	PartitionKey key = table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? RelationGetPartitionKey(table) : NULL;

	return key != NULL && key->strategy == PARTITION_STRATEGY_RANGE && key->partnatts == 1 && key->partattrs[0] != 0 &&
		key->parttypid[0] == TIMESTAMPTZOID;
}

/*
 * _has_usage_partition(at timestamptz) -> boolean
 *
 * Whether _usage_record has a partition for a start, or a default one; false too where its owner has made it another table
 * than it was.
 */
PG_FUNCTION_INFO_V1(has_usage_partition);
Datum
has_usage_partition(PG_FUNCTION_ARGS)
{
	Datum		at = PG_GETARG_DATUM(0);
	Relation	table = table_open(get_relname_relid("_usage_record", get_namespace_oid("compute_ledger", false)), AccessShareLock);
	bool		found = false;

	if (is_by_instant(table))
	{
		PartitionKey key = RelationGetPartitionKey(table);
		PartitionDesc partitions = RelationGetPartitionDesc(table, true);

		if (partitions->nparts > 0)
		{
			bool		is_equal;
			int			bound = partition_range_datum_bsearch(key->partsupfunc, key->partcollation, partitions->boundinfo, 1, &at, &is_equal);

			found = partitions->boundinfo->indexes[bound + 1] >= 0 || partition_bound_has_default(partitions->boundinfo);
		}
	}
	table_close(table, NoLock);
	PG_RETURN_BOOL(found);
}
