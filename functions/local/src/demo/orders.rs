//! Orders: placed once per idempotency key, paid and shipped by the outbox, cancelled until they are shipped.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::answer::Refusal;
use super::outbox::announce;
use super::store::Store;

/// The body of `POST /orders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewOrder {
    /// The customer's own name for it.
    #[serde(default)]
    reference: String,
    lines: Vec<NewLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewLine {
    sku: String,
    quantity: i64,
}

/// An order that was there already, or is new.
pub(super) enum Placed {
    New(Json),
    Before(Json),
}

impl Store {
    /// Places an order and asks for its payment, in one transaction.
    pub(super) fn place(&self, user: &str, key: Option<&str>, request: &str) -> Result<Placed, Refusal> {
        let order: NewOrder = serde_json::from_str(request).map_err(|error| Refusal::NotReadable(error.to_string()))?;
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        if let Some(before) = placed_before(&transaction, key, request)? {
            return Ok(Placed::Before(before));
        }
        let cents = reserve(&transaction, &order.lines)?;
        let id: String = transaction.query_row(
            "insert into orders (id, user, reference, status, cents, idempotency_key, request, created_at)
             values ('ord_' || lower(hex(randomblob(6))), ?, ?, 'NEW', ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
             returning id",
            params![user, order.reference, cents, key, request],
            |row| row.get(0),
        )?;
        for line in &order.lines {
            let insert = "insert into lines select ?1, sku, ?3, cents from products where sku = ?2";
            transaction.execute(insert, params![id, line.sku, line.quantity])?;
        }
        self.ask(&transaction, &id, "payment.settled")?;
        announce(&transaction, &id, "order.placed")?;
        let order = read(&transaction, user, &id)?;
        transaction.commit()?;
        Ok(Placed::New(order))
    }

    /// One order of this user.
    pub(super) fn order(&self, user: &str, id: &str) -> Result<Json, Refusal> {
        read(&self.connection(), user, id)
    }

    /// The orders of this user, newest first, of one status or of all.
    pub(super) fn orders(&self, user: &str, status: Option<&str>) -> Result<Vec<Json>, Refusal> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "select id from orders where user = ?1 and (?2 is null or status = ?2) order by rowid desc limit 100",
        )?;
        let ids: Vec<String> = select.query_map(params![user, status], |row| row.get(0))?.collect::<Result<_, _>>()?;
        ids.iter().map(|id| read(&connection, user, id)).collect()
    }

    /// Cancels an order and puts its goods back. Cancelled before: the same answer again.
    pub(super) fn cancel(&self, user: &str, id: &str) -> Result<Json, Refusal> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let order = read(&transaction, user, id)?;
        match order["status"].as_str() {
            Some("CANCELLED") => return Ok(order),
            Some("SHIPPED") => return Err(Refusal::Conflict("what is shipped cannot be cancelled".to_owned())),
            _ => {}
        }
        transaction.execute("update orders set status = 'CANCELLED' where id = ?", [id])?;
        transaction.execute("delete from outbox where order_id = ? and sent_at is null", [id])?;
        transaction.execute(
            "update products set stock = stock + (select sum(quantity) from lines where order_id = ?1 and sku = products.sku)
             where sku in (select sku from lines where order_id = ?1)",
            [id],
        )?;
        announce(&transaction, id, "order.cancelled")?;
        let order = read(&transaction, user, id)?;
        transaction.commit()?;
        Ok(order)
    }

    /// Asks for the shipment of a paid order.
    pub(super) fn ship(&self, user: &str, id: &str) -> Result<Json, Refusal> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let order = read(&transaction, user, id)?;
        match order["status"].as_str() {
            Some("PAID") => {}
            status => {
                return Err(Refusal::Conflict(format!(
                    "only a paid order is shipped; it is {}",
                    status.unwrap_or("?")
                )));
            }
        }
        let asked = "select 1 from outbox where order_id = ? and kind = 'order.shipped'";
        if transaction.query_row(asked, [id], |_| Ok(())).optional()?.is_none() {
            self.ask(&transaction, id, "order.shipped")?;
        }
        transaction.commit()?;
        Ok(order)
    }

    /// Puts an event into the outbox, due after a moment.
    fn ask(&self, transaction: &Transaction<'_>, id: &str, kind: &str) -> Result<(), Refusal> {
        let insert = "insert into outbox (order_id, kind, due) values (?, ?, unixepoch('subsec') + ?)";
        transaction.execute(insert, params![id, kind, self.moment.as_secs_f64()])?;
        Ok(())
    }
}

/// The order of an earlier request with this key. The same key with another body is a mistake of the caller.
fn placed_before(connection: &Connection, key: Option<&str>, request: &str) -> Result<Option<Json>, Refusal> {
    let select = "select id, user, request from orders where idempotency_key = ?";
    let read_row =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let Some((id, user, earlier)) = connection.query_row(select, [key], read_row).optional()? else { return Ok(None) };
    if earlier != request {
        return Err(Refusal::Conflict("this idempotency key was used with another body".to_owned()));
    }
    read(connection, &user, &id).map(Some)
}

/// Takes the goods out of the stock and says what they cost.
fn reserve(transaction: &Transaction<'_>, lines: &[NewLine]) -> Result<i64, Refusal> {
    if lines.is_empty() {
        return Err(Refusal::NotAcceptable("an order has at least one line".to_owned()));
    }
    let mut total = 0;
    for NewLine { sku, quantity } in lines {
        if !(1..=100).contains(quantity) {
            return Err(Refusal::NotAcceptable(format!("{sku}: the quantity is from 1 to 100, not {quantity}")));
        }
        let select = "select cents, stock from products where sku = ?";
        let product = transaction.query_row(select, [sku], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let product = product.optional()?;
        let (cents, stock) = product.ok_or_else(|| Refusal::NotAcceptable(format!("{sku}: no such product")))?;
        if stock < *quantity {
            return Err(Refusal::Conflict(format!("{sku}: {stock} left")));
        }
        transaction.execute("update products set stock = stock - ? where sku = ?", params![quantity, sku])?;
        total += cents * quantity;
    }
    Ok(total)
}

/// An order as the API shows it.
fn read(connection: &Connection, user: &str, id: &str) -> Result<Json, Refusal> {
    let mut select =
        connection.prepare_cached("select sku, quantity, cents from lines where order_id = ? order by rowid")?;
    let line = |row: &rusqlite::Row<'_>| {
        Ok(json!({
            "sku": row.get::<_, String>(0)?,
            "quantity": row.get::<_, i64>(1)?,
            "priceCents": row.get::<_, i64>(2)?,
        }))
    };
    let lines: Vec<Json> = select.query_map([id], line)?.collect::<Result<_, _>>()?;
    let select = "select reference, status, cents, tracking, created_at from orders where id = ? and user = ?";
    let order = |row: &rusqlite::Row<'_>| {
        Ok(json!({
            "id": id,
            "reference": row.get::<_, String>(0)?,
            "status": row.get::<_, String>(1)?,
            "totalCents": row.get::<_, i64>(2)?,
            "trackingNumber": row.get::<_, Option<String>>(3)?,
            "createdAt": row.get::<_, String>(4)?,
            "lines": lines,
        }))
    };
    connection.query_row(select, [id, user], order).optional()?.ok_or(Refusal::NotFound("order"))
}
