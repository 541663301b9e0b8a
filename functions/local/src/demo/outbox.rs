//! The outbox: what a request asked for happens a moment later, once, and is then an event that everyone may read.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Transaction, params};
use serde_json::{Value as Json, json};

use super::answer::Refusal;
use super::store::Store;
use super::systems::Announcement;

/// Notes what other systems are to hear, in the transaction that makes it true.
pub(super) fn announce(transaction: &Transaction<'_>, order: &str, kind: &str) -> Result<(), Refusal> {
    let insert = "insert into announcements (order_id, kind, at) values (?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
    transaction.execute(insert, params![order, kind])?;
    Ok(())
}

/// Looks through the outbox for ever.
pub(super) async fn settle(store: Arc<Store>, round: Duration) {
    let mut rounds = tokio::time::interval(round);
    loop {
        rounds.tick().await;
        if let Err(error) = store.settle_due() {
            tracing::warn!(%error, "the shop's outbox waits for the next round");
        }
    }
}

impl Store {
    /// Does what is due: the order changes and the event is sent, in one transaction.
    pub(super) fn settle_due(&self) -> Result<(), Refusal> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let due: Vec<(i64, String, String)> = {
            let mut select = transaction.prepare_cached(
                "select id, order_id, kind from outbox where sent_at is null and due <= unixepoch('subsec') order by id",
            )?;
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?
        };
        for (event, order, kind) in due {
            let update = match kind.as_str() {
                "payment.settled" => "update orders set status = 'PAID' where id = ?",
                _ => "update orders set status = 'SHIPPED', tracking = 'TRK' || upper(hex(randomblob(4))) where id = ?",
            };
            transaction.execute(update, [&order])?;
            announce(&transaction, &order, &kind)?;
            let sent = "update outbox set sent_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') where id = ?";
            transaction.execute(sent, [event])?;
        }
        Ok(transaction.commit()?)
    }

    /// What was sent after an event, oldest first; of one order or of all orders of this user.
    pub(super) fn events(&self, user: &str, after: i64, order: Option<&str>) -> Result<Vec<Json>, Refusal> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "select outbox.id, kind, order_id, sent_at from outbox join orders on orders.id = order_id
             where sent_at is not null and user = ?1 and outbox.id > ?2 and (?3 is null or order_id = ?3)
             order by outbox.id limit 100",
        )?;
        let event = |row: &rusqlite::Row<'_>| {
            Ok(json!({
                "id": row.get::<_, i64>(0)?,
                "type": row.get::<_, String>(1)?,
                "orderId": row.get::<_, String>(2)?,
                "at": row.get::<_, String>(3)?,
            }))
        };
        Ok(select.query_map(params![user, after, order], event)?.collect::<Result<_, _>>()?)
    }

    /// What other systems are to hear after this announcement, oldest first.
    pub(super) fn announcements(&self, after: i64) -> Result<Vec<Announcement>, Refusal> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "select announcements.id, kind, order_id, reference, cents, at, user
             from announcements join orders on orders.id = order_id
             where announcements.id > ? order by announcements.id limit 100",
        )?;
        let announcement = |row: &rusqlite::Row<'_>| {
            Ok(Announcement {
                sequence: row.get(0)?,
                kind: row.get(1)?,
                order: row.get(2)?,
                reference: row.get(3)?,
                cents: row.get(4)?,
                at: row.get(5)?,
                user: row.get(6)?,
            })
        };
        Ok(select.query_map([after], announcement)?.collect::<Result<_, _>>()?)
    }

    /// Paid orders and what they brought, for the metrics.
    pub(super) fn paid(&self) -> Result<(i64, i64), Refusal> {
        let select = "select count(*), coalesce(sum(cents), 0) from announcements join orders on orders.id = order_id
                      where kind = 'payment.settled'";
        Ok(self.connection().query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}
