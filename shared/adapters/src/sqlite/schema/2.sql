-- Open claims stand apart from settled ones: a step's claim changes three times, and so touches few pages.
ALTER TABLE claims RENAME TO every_claim;
DROP INDEX claims_open;

CREATE TABLE claims (
  n INTEGER PRIMARY KEY,            -- a table of its own rows: a report stays in its page
  execution INTEGER NOT NULL,
  fence TEXT NOT NULL,
  stage INTEGER NOT NULL,           -- 0 awaited, 1 held, 2 done
  process TEXT,
  delivery TEXT,
  lease_until INTEGER NOT NULL,
  stop INTEGER NOT NULL,
  report TEXT,
  job TEXT,
  UNIQUE (execution, fence)
);
CREATE TABLE settled_claims (
  execution INTEGER NOT NULL,
  fence TEXT NOT NULL,
  PRIMARY KEY (execution, fence)
) WITHOUT ROWID;

INSERT INTO claims (execution, fence, stage, process, delivery, lease_until, stop, report, job)
  SELECT execution, fence, stage, process, delivery, lease_until, stop, report, job FROM every_claim WHERE stage < 3;
INSERT INTO settled_claims (execution, fence) SELECT execution, fence FROM every_claim WHERE stage = 3;
DROP TABLE every_claim;
