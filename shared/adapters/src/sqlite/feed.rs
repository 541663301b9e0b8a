//! The feed: records by the number that the one writer at a time has given them.

use assay_app::ports::{FeedBatch, FeedCursor, PortError, RecordFeed};
use async_trait::async_trait;
use rusqlite::params;

use super::SqliteExecutionStore;
use super::rows::{Statements as _, json, plain};
use crate::feed_cursor;

#[async_trait]
impl RecordFeed for SqliteExecutionStore {
    async fn read(&self, after: &FeedCursor, limit: usize) -> Result<FeedBatch, PortError> {
        let from = feed_cursor::read(after)? as i64;
        self.database.scan("read the record feed", |transaction| {
            let (mut records, mut last) = (Vec::new(), None);
            transaction.each(
                "SELECT n, execution, record FROM records WHERE n > ?1 ORDER BY n LIMIT ?2",
                params![from, i64::try_from(limit).unwrap_or(i64::MAX)],
                |row| {
                    last = Some(plain::<i64>(row, 0)?.unsigned_abs());
                    if plain::<i64>(row, 1)? != 0 {
                        records.push(json(row, 2, "record")?);
                    }
                    Ok(true)
                },
            )?;
            Ok(FeedBatch { records, next: last.map_or_else(|| after.clone(), feed_cursor::write) })
        })
    }

    async fn position(&self, reader: &str) -> Result<FeedCursor, PortError> {
        self.database.scan("read a position in the record feed", |transaction| {
            let known = "SELECT position FROM feed_positions WHERE reader = ?1";
            let position = transaction.one(known, [reader], |row| plain::<i64>(row, 0))?;
            Ok(position.map(|position| feed_cursor::write(position.unsigned_abs())).unwrap_or_default())
        })
    }

    async fn advance(&self, reader: &str, to: &FeedCursor) -> Result<(), PortError> {
        let position = feed_cursor::read(to)? as i64;
        let reader = reader.to_owned();
        let kept = self.database.write("keep a position in the record feed", move |transaction| {
            let put = "INSERT INTO feed_positions (reader, position) VALUES (?1, ?2)
                       ON CONFLICT (reader) DO UPDATE SET position = excluded.position";
            transaction.change(put, params![reader, position]).map(drop)
        });
        kept.await
    }
}
