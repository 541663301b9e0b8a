//! The ledger: a Postgres table with a row for each paid order.

use anyhow::Context as _;
use async_trait::async_trait;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::announcement::Announcement;
use super::lie::Lie;
use super::tell::System;

const TABLE: &str = "create table if not exists ledger (
    order_id text primary key, reference text not null, cents bigint not null, currency char(3) not null,
    booked_at timestamptz not null)";

pub(super) struct Ledger {
    pool: PgPool,
    lie: Option<Lie>,
}

impl Ledger {
    /// The ledger at this address; the table is made when it is not there.
    pub(super) async fn open(url: &str, password: Option<&str>, lie: Option<Lie>) -> anyhow::Result<Self> {
        let mut options: PgConnectOptions = url.parse().context("read the ledger's url")?;
        if let Some(password) = password {
            options = options.password(password);
        }
        let pool =
            PgPoolOptions::new().max_connections(2).connect_with(options).await.context("connect to the ledger")?;
        // Two shops that start at once may both want to make the table; the loser's refusal is no problem.
        let made = sqlx::query(TABLE).execute(&pool).await;
        if let Err(error) = made {
            sqlx::query("select 1 from ledger limit 1")
                .execute(&pool)
                .await
                .map_err(|_| error)
                .context("make the ledger")?;
        }
        Ok(Self { pool, lie })
    }
}

#[async_trait]
impl System for Ledger {
    fn name(&self) -> &'static str {
        "ledger"
    }

    async fn hear(&mut self, announcement: &Announcement) -> anyhow::Result<()> {
        if announcement.kind != "payment.settled" || self.lie == Some(Lie::RowMissing) {
            return Ok(());
        }
        let insert = "insert into ledger values ($1, $2, $3, 'EUR', $4::timestamptz) on conflict (order_id) do nothing";
        sqlx::query(insert)
            .bind(&announcement.order)
            .bind(&announcement.reference)
            .bind(announcement.cents)
            .bind(&announcement.at)
            .execute(&self.pool)
            .await
            .context("write to the ledger")?;
        Ok(())
    }
}
