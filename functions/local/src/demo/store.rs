//! The shop's database: its tables, its products, who is logged in.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value as Json, json};

use super::answer::Refusal;

const TABLES: &str = "
    pragma journal_mode = wal;
    pragma synchronous = off;
    create table products (sku text primary key, name text not null, category text not null, cents integer not null,
                           stock integer not null);
    create table sessions (token text primary key, user text not null);
    create table orders (id text primary key, user text not null, reference text not null, status text not null,
                         cents integer not null, idempotency_key text unique, request text not null,
                         tracking text, created_at text not null);
    create table lines (order_id text not null, sku text not null, quantity integer not null, cents integer not null);
    create table outbox (id integer primary key, order_id text not null, kind text not null, due real not null,
                         sent_at text);
    create table announcements (id integer primary key, order_id text not null, kind text not null, at text not null);
";

const PRODUCTS: [(&str, &str, &str, i64, i64); 6] = [
    ("A1", "Garden chair", "garden", 4_900, 400),
    ("A2", "Garden table", "garden", 12_900, 200),
    ("B1", "Reading lamp", "light", 3_450, 300),
    ("B2", "Paper lantern", "light", 950, 1_000),
    ("C1", "Wool blanket", "home", 7_500, 250),
    ("C9", "Grandfather clock", "home", 249_000, 0),
];

/// Who may log in.
const USERS: [(&str, &str); 2] = [("ada", "lovelace"), ("grace", "hopper")];

/// The database of one shop.
pub(super) struct Store {
    connection: Mutex<Connection>,
    /// Tells this shop from others in what it measures.
    pub(super) id: String,
    /// How long a payment and a shipment take.
    pub(super) moment: Duration,
}

impl Store {
    /// A new database in this file, filled with the shop's products.
    pub(super) fn open(file: &Path, moment: Duration) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(file)?;
        connection.execute_batch(TABLES)?;
        for (sku, name, category, cents, stock) in PRODUCTS {
            connection
                .execute("insert into products values (?, ?, ?, ?, ?)", params![sku, name, category, cents, stock])?;
        }
        let id = connection.query_row("select 'shop_' || lower(hex(randomblob(4)))", [], |row| row.get(0))?;
        Ok(Self { connection: Mutex::new(connection), id, moment })
    }

    /// The connection, for one request; a request that died with it left nothing half done, thanks to transactions.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new token for this user.
    pub(super) fn log_in(&self, user: &str, password: &str) -> Result<String, Refusal> {
        if !USERS.contains(&(user, password)) {
            return Err(Refusal::WrongPassword);
        }
        let connection = self.connection();
        let insert = "insert into sessions values (lower(hex(randomblob(16))), ?) returning token";
        Ok(connection.query_row(insert, [user], |row| row.get(0))?)
    }

    /// Forgets a token.
    pub(super) fn log_out(&self, token: &str) -> Result<(), Refusal> {
        self.connection().execute("delete from sessions where token = ?", [token])?;
        Ok(())
    }

    /// Whose token it is.
    pub(super) fn user(&self, token: &str) -> Result<String, Refusal> {
        let connection = self.connection();
        let user = connection.query_row("select user from sessions where token = ?", [token], |row| row.get(0));
        user.optional()?.ok_or(Refusal::NotLoggedIn)
    }

    /// The products, of one category or of all.
    pub(super) fn products(&self, category: Option<&str>) -> Result<Vec<Json>, Refusal> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "select sku, name, category, cents, stock from products where ?1 is null or category = ?1 order by sku",
        )?;
        Ok(select.query_map([category], product)?.collect::<Result<_, _>>()?)
    }

    /// One product.
    pub(super) fn product(&self, sku: &str) -> Result<Json, Refusal> {
        let connection = self.connection();
        let select = "select sku, name, category, cents, stock from products where sku = ?";
        connection.query_row(select, [sku], product).optional()?.ok_or(Refusal::NotFound("product"))
    }
}

fn product(row: &rusqlite::Row<'_>) -> rusqlite::Result<Json> {
    Ok(json!({
        "sku": row.get::<_, String>(0)?,
        "name": row.get::<_, String>(1)?,
        "category": row.get::<_, String>(2)?,
        "priceCents": row.get::<_, i64>(3)?,
        "stock": row.get::<_, i64>(4)?,
    }))
}
