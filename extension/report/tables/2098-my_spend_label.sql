CREATE VIEW compute_ledger.my_spend_label WITH (security_barrier = true) AS
SELECT s.key, s.value, s.book, s.payer, s.payer_name, s.account, s.account_name, s.region, s.region_name, s.accelerator, s.kind, s.day, s.currency, s.cost, s.shared, s.charge
FROM compute_ledger.spend_label AS s
OFFSET 0;
COMMENT ON VIEW compute_ledger.my_spend_label IS 'View spend_label, which shows the accounts that you see, for roles that see no others.';
PERFORM compute_ledger._comment_like('compute_ledger.my_spend_label', 'compute_ledger.spend_label');
