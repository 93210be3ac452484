// duckdb.mjs: a DuckDB on one thread that takes statements on standard input, one JSON string
// a line, and answers each with a line {"ms": elapsed, "cell": first value} or {"error": text}.
// The time is that of the statement with its result fetched, nothing else.
import { DuckDBInstance, version } from '@duckdb/node-api';
import { createInterface } from 'node:readline';

if (process.argv[2] === '--version') {
  console.log(version());
  process.exit(0);
}
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'");

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const sql = JSON.parse(line);
    const begin = performance.now();
    const rows = (await connection.runAndReadAll(sql)).getRows();
    answer = { ms: performance.now() - begin, cell: rows.length ? String(rows[0][0]) : null };
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
}
