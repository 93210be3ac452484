PERFORM compute_ledger._focus_text('focus_1_2');
COMMENT ON VIEW compute_ledger.focus_1_2_text IS 'View focus_1_2 as text, as a file of FOCUS has it whatever the session''s settings are, to be copied out as CSV: instants in UTC as YYYY-MM-DDTHH:MM:SSZ, cut to whole seconds, numbers without exponents, JSON objects, NULL where there is no value.';
