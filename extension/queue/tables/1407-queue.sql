CREATE VIEW compute_ledger.queue WITH (security_invoker = true) AS
SELECT q.place, q.request, q.band, q.account, q.account_name, q.submitted, q.devices, q.time_limit, q.work, q.shares, q.had, q.pool, q.planned, q.latest, q.head, q.waits_for, q.moved
FROM compute_ledger._queue() AS q;
COMMENT ON VIEW compute_ledger.queue IS 'The requests that wait, in the order in which they are served: by band, then by what their accounts had for their shares in the last pass, then by age.';
COMMENT ON COLUMN compute_ledger.queue.place IS 'place in that order';
COMMENT ON COLUMN compute_ledger.queue.request IS 'number of the request';
COMMENT ON COLUMN compute_ledger.queue.band IS 'the first factor: a higher band is served first';
COMMENT ON COLUMN compute_ledger.queue.account IS 'account that it is for';
COMMENT ON COLUMN compute_ledger.queue.account_name IS 'its name';
COMMENT ON COLUMN compute_ledger.queue.submitted IS 'the last factor: when it was submitted';
COMMENT ON COLUMN compute_ledger.queue.devices IS 'devices that it asks for';
COMMENT ON COLUMN compute_ledger.queue.time_limit IS 'for how long';
COMMENT ON COLUMN compute_ledger.queue.work IS 'or for how much work';
COMMENT ON COLUMN compute_ledger.queue.shares IS 'of the second factor: shares of those above the account, from the root, and its own';
COMMENT ON COLUMN compute_ledger.queue.had IS 'of the second factor: what they had had at the last pass, and were still to have of what they were given, in FLOP';
COMMENT ON COLUMN compute_ledger.queue.pool IS 'pool in which it is planned; NULL: none';
COMMENT ON COLUMN compute_ledger.queue.planned IS 'when it is expected to run';
COMMENT ON COLUMN compute_ledger.queue.latest IS 'the latest start that requests of its band that came later may push it to';
COMMENT ON COLUMN compute_ledger.queue.head IS 'whether it is the first of its band';
COMMENT ON COLUMN compute_ledger.queue.waits_for IS 'what it waits for';
COMMENT ON COLUMN compute_ledger.queue.moved IS 'why it was last planned later than it had been promised; NULL: it was not';
