-- The tags of a charge h: the values of keys that all of it has, as the last refresh of the rollups has shared it out. What is of other accounts' records is none of its.
(SELECT jsonb_object_agg(t.key, t.value)
	FROM (SELECT s.key, min(s.value) AS value FROM compute_ledger.spend_share AS s WHERE s.charge = h.id
		GROUP BY s.key
		HAVING count(s.value) = count(*) AND min(s.value) = max(s.value) AND bool_and(s.account = h.account OR NOT s.by_rule AND h.kind NOT IN ('peak', 'percentile', 'reserved used', 'beyond'))) AS t)
