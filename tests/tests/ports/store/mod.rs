//! The rules of `ExecutionStore` and `RecordFeed`.

mod claims;
mod feed;
mod listing;
mod removal;
mod saving;

use std::sync::Arc;

use assay_adapters::Durability;
use assay_adapters::memory::MemoryExecutionStore;
use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::ports::{ExecutionStore, RecordFeed};
use tempfile::TempDir;

use crate::dynamodb::{dynamodb, dynamodb_emulated};
use crate::samples::TestClock;

/// An empty store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) feed: Arc<dyn RecordFeed>,
    pub(crate) clock: Arc<TestClock>,
    /// The process for owners that live.
    pub(crate) process: String,
    _folder: Option<TempDir>,
}

impl Opened {
    /// One without a folder.
    pub(crate) fn of(
        store: Arc<dyn ExecutionStore>,
        feed: Arc<dyn RecordFeed>,
        clock: Arc<TestClock>,
        process: String,
    ) -> Self {
        Self { store, feed, clock, process, _folder: None }
    }
}

async fn memory() -> Opened {
    let clock = TestClock::new();
    let store = Arc::new(MemoryExecutionStore::new(clock.clone()));
    let process = store.process().to_owned();
    Opened::of(store.clone(), store, clock, process)
}

fn sqlite(durability: Durability) -> Opened {
    let clock = TestClock::new();
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { durability, ..StoreOptions::default() };
    let store = Arc::new(SqliteExecutionStore::open(folder.path(), options, clock.clone()).unwrap());
    let process = store.process().to_owned();
    Opened { store: store.clone(), feed: store, clock, process, _folder: Some(folder) }
}

async fn sqlite_normal() -> Opened {
    sqlite(Durability::Normal)
}

async fn sqlite_full() -> Opened {
    sqlite(Durability::Full)
}

/// One test for each rule on each adapter.
macro_rules! on_every_store {
    ($($file:ident: $($rule:ident)*;)*) => {
        on_every_store!(@on memory, $($($file $rule)*)*);
        on_every_store!(@on sqlite_normal, $($($file $rule)*)*);
        on_every_store!(@on sqlite_full, $($($file $rule)*)*);
        on_every_store!(@on dynamodb, $($($file $rule)*)*);
        on_every_store!(@on dynamodb_emulated, $($($file $rule)*)*);
    };
    (@on $adapter:ident, $($file:ident $rule:ident)*) => {
        mod $adapter {
            $(#[tokio::test]
            async fn $rule() {
                super::$file::$rule(super::$adapter().await).await;
            })*
        }
    };
}

on_every_store! {
    saving:
        an_execution_is_created_once
        what_was_created_is_loaded
        only_what_was_asked_for_is_loaded_and_the_rest_is_absent
        an_unknown_execution_is_none
        a_save_replaces_head_and_parts
        of_two_savers_one_has_a_conflict
        of_many_savers_at_once_one_wins
        a_save_that_is_refused_changes_nothing
        records_that_leave_a_gap_are_refused_whole
        records_come_in_order_and_in_pages
        saving_an_unknown_execution_is_a_conflict
        an_execution_that_is_set_aside_has_ended
        setting_aside_ends_an_execution_once
        flow_versions_are_kept_once
        admission_is_saved_by_compare_and_set;
    claims:
        a_claim_is_acquired_once
        the_same_delivery_may_ask_again
        a_kept_result_is_answered_again
        a_lease_that_is_over_is_lost_and_stays_lost
        a_renewed_lease_lives_on
        an_owner_whose_lease_is_over_neither_renews_nor_completes
        only_the_owner_renews_and_completes
        completing_twice_keeps_the_first_result
        a_stop_reaches_who_holds_the_claim
        a_stop_reaches_who_claims_later
        a_run_job_reaches_the_collector_at_each_renewal
        nobody_acts_for_a_settled_claim
        a_save_settles_its_claims
        a_settled_claim_that_nobody_made_is_never_acquired
        nobody_acts_for_an_execution_that_has_ended_or_is_unknown
        turns_and_attempts_are_claimed_apart
        lost_claims_are_listed_until_they_are_settled
        kept_results_are_listed_when_nobody_reported_them
        expired_claims_are_limited_and_of_the_named_executions;
    listing:
        the_newest_come_first
        pages_go_on_where_they_ended
        executions_of_one_instant_are_all_listed
        a_list_shows_what_the_filter_asks_for
        sub_flows_are_listed_when_asked_for
        a_foreign_cursor_is_refused
        a_summary_shows_how_it_ended
        what_is_due_comes_soonest_first
        an_unfinished_execution_always_has_a_due_time
        an_ended_execution_is_due_only_until_its_end_was_told;
    removal:
        old_executions_may_go_the_newest_stay
        sub_flows_go_with_the_top
        nothing_goes_while_a_sub_flow_runs
        a_removed_execution_leaves_nothing
        removing_one_leaves_the_others
        a_removed_execution_can_be_created_again;
    feed:
        every_record_comes_in_order_per_execution
        a_reader_goes_on_where_it_was
        a_reader_at_the_end_gets_what_comes_next
        no_record_is_missed_after_a_removal
        a_foreign_place_is_refused;
}
