-- Triggers that every reference table has: shipped rows are read-only and the
-- history of the others is kept.

CREATE FUNCTION _reference_row_guard() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'reference_row_guard';
COMMENT ON FUNCTION _reference_row_guard() IS
	'trigger, BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW and BEFORE TRUNCATE of a reference table: refuses to write a shipped row outside the extension''s scripts (LC005) or to change a closed one (23001), and starts a new recorded range for an updated row; arguments are columns that never change, in tables whose rows are not deleted';

CREATE FUNCTION _reference_row_history() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'reference_row_history';
COMMENT ON FUNCTION _reference_row_history() IS
	'trigger, AFTER UPDATE OR DELETE FOR EACH ROW of a reference table: keeps what was replaced as a row whose recorded range is closed; rows that the same transaction made leave no trace';
