PERFORM compute_ledger._focus_text('my_focus_1_2');
COMMENT ON VIEW compute_ledger.my_focus_1_2_text IS 'View my_focus_1_2 as text, as focus_1_2_text is of focus_1_2.';
