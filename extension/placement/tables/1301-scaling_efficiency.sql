CREATE TABLE compute_ledger.scaling_efficiency (
	workload text COLLATE "C" NOT NULL DEFAULT '' CONSTRAINT scaling_efficiency_workload_check CHECK (octet_length(workload) <= 1000),
	link_class text COLLATE "C" NOT NULL DEFAULT '' CONSTRAINT scaling_efficiency_link_class_check CHECK (octet_length(link_class) <= 1000),
	sites integer NOT NULL CONSTRAINT scaling_efficiency_sites_check CHECK (sites BETWEEN 1 AND 8),
	efficiency numeric NOT NULL CONSTRAINT scaling_efficiency_efficiency_check CHECK (efficiency >= 1e-6 AND efficiency <= 1),
	source text,
	PRIMARY KEY (workload, link_class, sites)
);
COMMENT ON TABLE compute_ledger.scaling_efficiency IS 'What part of their work devices still do when they are spread over several sites, which are pools, by how these are linked; where there is no figure, nothing is split. On one site it is 1 where there is none. Changed by set_scaling_efficiency().';
COMMENT ON COLUMN compute_ledger.scaling_efficiency.workload IS 'kind of work, as requests name it; empty: of those for which there is no figure of their own';
COMMENT ON COLUMN compute_ledger.scaling_efficiency.link_class IS 'what links the devices, as pools name it; empty: of those that name none';
COMMENT ON COLUMN compute_ledger.scaling_efficiency.sites IS 'over how many pools';
COMMENT ON COLUMN compute_ledger.scaling_efficiency.efficiency IS 'the part, above 0 and at most 1, of what as many devices would do without losses';
COMMENT ON COLUMN compute_ledger.scaling_efficiency.source IS 'where this is from';

CREATE POLICY visible ON compute_ledger.scaling_efficiency FOR SELECT USING (true);
