CREATE TABLE flow_versions (
  id TEXT PRIMARY KEY,
  bundle TEXT NOT NULL,
  put_at INTEGER NOT NULL           -- nanoseconds, as every instant here
) WITHOUT ROWID;

CREATE TABLE executions (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  status TEXT NOT NULL,
  due INTEGER,
  ended_at INTEGER,
  organization TEXT NOT NULL,
  project TEXT NOT NULL,
  flow TEXT NOT NULL,
  flow_version TEXT NOT NULL,
  parent TEXT,
  created_at INTEGER NOT NULL,
  labels TEXT NOT NULL,
  head TEXT NOT NULL                -- last: a list does not read it
);
CREATE INDEX executions_by_creation ON executions (created_at, id);
CREATE INDEX executions_due ON executions (due) WHERE due IS NOT NULL;
CREATE INDEX executions_ended ON executions (ended_at, id) WHERE ended_at IS NOT NULL AND parent IS NULL;
CREATE INDEX executions_by_flow_version ON executions (flow_version);
CREATE INDEX executions_by_parent ON executions (parent) WHERE parent IS NOT NULL;

CREATE TABLE parts (
  execution INTEGER NOT NULL,       -- executions.n, as in every table below
  part TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (execution, part)
) WITHOUT ROWID;

CREATE TABLE records (
  n INTEGER PRIMARY KEY,            -- the place in the feed; execution 0 keeps the last number from coming twice
  execution INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  record TEXT NOT NULL
);
CREATE UNIQUE INDEX records_by_execution ON records (execution, seq);

CREATE TABLE claims (
  execution INTEGER NOT NULL,
  fence TEXT NOT NULL,
  stage INTEGER NOT NULL,           -- 0 awaited, 1 held, 2 done, 3 settled
  process TEXT,
  delivery TEXT,
  lease_until INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  report TEXT,
  job TEXT,
  PRIMARY KEY (execution, fence)
) WITHOUT ROWID;
CREATE INDEX claims_open ON claims (lease_until) WHERE stage IN (1, 2);

CREATE TABLE admission (
  organization TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE feed_positions (
  reader TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) WITHOUT ROWID;
