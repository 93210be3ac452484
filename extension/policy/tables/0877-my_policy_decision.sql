CREATE VIEW compute_ledger.my_policy_decision WITH (security_barrier = true) AS
SELECT d.id, d.action, d.reservation, d.usage, d.account, d.accelerator, d.region, d.period, d.effect, d.policy, d.rule, d.clause, d.reason, d.during, d.version, d.as_of, d.recorded
FROM compute_ledger.policy_decision AS d
WHERE d.account = ANY (ARRAY(SELECT compute_ledger._visible_accounts()))
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_policy_decision IS 'Decisions of policy about the reservations and the usage of the accounts that you see.';
PERFORM compute_ledger._comment_like('compute_ledger.my_policy_decision', 'compute_ledger.policy_decision');
