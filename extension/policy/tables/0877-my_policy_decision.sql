CREATE VIEW compute_ledger.my_policy_decision WITH (security_barrier = true) AS
SELECT d.id, d.action, d.reservation, d.usage, d.account, a.name AS account_name, d.accelerator, d.region, g.name AS region_name, d.period, d.effect, d.policy, d.rule, d.clause, d.reason, d.during,
	d.version, d.as_of, d.recorded
FROM compute_ledger.policy_decision AS d
JOIN compute_ledger.account AS a ON a.id = d.account
JOIN compute_ledger.region AS g ON g.id = d.region
WHERE d.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts() UNION SELECT compute_ledger._bookable_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_policy_decision IS 'Decisions of policy about the reservations and the usage of the accounts that you see, or book for.';
COMMENT ON COLUMN compute_ledger.my_policy_decision.account_name IS 'its name';
COMMENT ON COLUMN compute_ledger.my_policy_decision.region_name IS 'its name';
PERFORM compute_ledger._comment_like('compute_ledger.my_policy_decision', 'compute_ledger.policy_decision');
