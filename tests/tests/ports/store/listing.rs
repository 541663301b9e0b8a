//! Lists and what is due.

use std::collections::BTreeMap;

use assay_app::ports::{ExecutionFilter, PortErrorClass};
use assay_engine::execution::{Head, Timer, Token};
use assay_engine::status::ExecutionStatus;

use super::Opened;
use crate::samples::{execution_id, fence, head, loaded, new_with, save_of, second};

/// Creates one at this second.
async fn create(opened: &Opened, name: &str, created: i64) {
    let mut head = head(name);
    head.created_at = second(created);
    opened.store.create(new_with(head)).await.unwrap();
}

async fn names(opened: &Opened, filter: &ExecutionFilter) -> Vec<String> {
    let page = opened.store.list(filter).await.unwrap();
    page.executions.iter().map(|one| one.id.as_str().trim_start_matches("exe_").to_owned()).collect()
}

pub(super) async fn the_newest_come_first(opened: Opened) {
    for (name, created) in [("a", 2), ("b", 1), ("c", 3)] {
        create(&opened, name, created).await;
    }
    assert_eq!(names(&opened, &ExecutionFilter::default()).await, ["c", "a", "b"]);
}

pub(super) async fn pages_go_on_where_they_ended(opened: Opened) {
    for number in 0..7 {
        create(&opened, &format!("n{number}"), number).await;
    }
    let mut filter = ExecutionFilter { limit: 3, ..ExecutionFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = opened.store.list(&filter).await.unwrap();
        seen.push(page.executions.len());
        // what comes meanwhile is newer, and moves nothing
        create(&opened, &format!("later{}", seen.len()), 100).await;
        filter.after = page.next;
        if filter.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [3, 3, 1]);
}

pub(super) async fn executions_of_one_instant_are_all_listed(opened: Opened) {
    for name in ["b", "d", "a", "c"] {
        create(&opened, name, 0).await;
    }
    let mut filter = ExecutionFilter { limit: 2, ..ExecutionFilter::default() };
    let page = opened.store.list(&filter).await.unwrap();
    assert_eq!(names(&opened, &filter).await, ["d", "c"]);
    filter.after = page.next;
    assert_eq!(names(&opened, &filter).await, ["b", "a"]);
    assert_eq!(opened.store.list(&filter).await.unwrap().next, None);
}

pub(super) async fn a_list_shows_what_the_filter_asks_for(opened: Opened) {
    type Change = fn(&mut Head);
    let variants: [(&str, Change); 5] = [
        ("plain", |_| ()),
        ("organization", |head| head.organization = "org_two".parse().unwrap()),
        ("project", |head| head.project = "prj_two".parse().unwrap()),
        ("flow", |head| head.flow = "other's \"flow\"".into()),
        ("status", |head| {
            head.status = ExecutionStatus::TimedOut;
            head.ended_at = Some(second(1));
        }),
    ];
    for (name, change) in variants {
        let mut head = head(name);
        change(&mut head);
        let mut new = new_with(head);
        new.labels = BTreeMap::from([("name".to_owned(), name.to_owned()), ("team".to_owned(), "a".to_owned())]);
        opened.store.create(new).await.unwrap();
    }
    let all = ExecutionFilter::default;
    let label = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let expected = [
        (ExecutionFilter { organization: Some("org_two".parse().unwrap()), ..all() }, vec!["organization"]),
        (ExecutionFilter { project: Some("prj_two".parse().unwrap()), ..all() }, vec!["project"]),
        (ExecutionFilter { flow: Some("other's \"flow\"".into()), ..all() }, vec!["flow"]),
        (ExecutionFilter { status: vec![ExecutionStatus::TimedOut, ExecutionStatus::Passed], ..all() }, vec!["status"]),
        (ExecutionFilter { labels: label("name", "plain"), ..all() }, vec!["plain"]),
        (ExecutionFilter { labels: label("name", "a"), ..all() }, vec![]),
        (ExecutionFilter { labels: label("team", "a"), limit: 1, ..all() }, vec!["status"]),
        (
            ExecutionFilter { flow: Some("checkout".into()), status: vec![ExecutionStatus::Queued], ..all() },
            vec!["project", "plain", "organization"],
        ),
    ];
    for (filter, wanted) in expected {
        assert_eq!(names(&opened, &filter).await, wanted, "{filter:?}");
    }
}

pub(super) async fn sub_flows_are_listed_when_asked_for(opened: Opened) {
    create(&opened, "top", 0).await;
    let mut child = head("child");
    child.parent = Some(assay_engine::execution::Parent { execution: execution_id("top"), fence: fence("flow", 1) });
    opened.store.create(new_with(child)).await.unwrap();
    assert_eq!(names(&opened, &ExecutionFilter::default()).await, ["top"]);
    let both = ExecutionFilter { children: true, ..ExecutionFilter::default() };
    assert_eq!(names(&opened, &both).await, ["top", "child"]);
    let page = opened.store.list(&both).await.unwrap();
    assert_eq!(page.executions[1].parent, Some(execution_id("top")));
}

pub(super) async fn a_foreign_cursor_is_refused(opened: Opened) {
    for foreign in ["", "1", "x.exe_a", "1.prj_a", "99999999999999999999999999999999999999999.exe_a"] {
        let filter = ExecutionFilter { after: Some(foreign.into()), ..ExecutionFilter::default() };
        assert_eq!(opened.store.list(&filter).await.unwrap_err().class, PortErrorClass::Permanent, "{foreign}");
    }
}

pub(super) async fn a_summary_shows_how_it_ended(opened: Opened) {
    create(&opened, "a", 0).await;
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.head.status = ExecutionStatus::Failed;
    save.head.ended_at = Some(second(9));
    opened.store.save(save).await.unwrap();
    let page = opened.store.list(&ExecutionFilter::default()).await.unwrap();
    let shown = &page.executions[0];
    assert_eq!((shown.status, shown.created_at, shown.ended_at), (ExecutionStatus::Failed, second(0), Some(second(9))));
}

pub(super) async fn what_is_due_comes_soonest_first(opened: Opened) {
    for (name, due) in [("a", 50), ("b", 10), ("c", 30), ("d", 90)] {
        create(&opened, name, 0).await;
        let mut save = save_of(&loaded(&*opened.store, name).await, 0);
        save.due = Some(second(due));
        opened.store.save(save).await.unwrap();
    }
    let due = async |now, of: Option<&[_]>, limit| -> Vec<_> {
        let due = opened.store.due(second(now), of, limit).await.unwrap();
        due.into_iter().map(|due| (due.execution, due.at)).collect()
    };
    let (a, b, c) = ((execution_id("a"), second(50)), (execution_id("b"), second(10)), (execution_id("c"), second(30)));
    assert_eq!(due(9, None, 10).await, []);
    assert_eq!(due(10, None, 10).await, std::slice::from_ref(&b));
    assert_eq!(due(60, None, 10).await, [b.clone(), c.clone(), a.clone()]);
    assert_eq!(due(60, None, 2).await, [b, c]);
    assert_eq!(due(60, Some(&[execution_id("a"), execution_id("d"), execution_id("x")]), 10).await, [a]);
}

pub(super) async fn an_unfinished_execution_always_has_a_due_time(opened: Opened) {
    create(&opened, "a", 0).await;
    assert_eq!(opened.store.due(second(3600), None, 10).await.unwrap().len(), 1);
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.due = None;
    save.head.timers = vec![Timer { at: second(40), token: Token::Execution }];
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.store.due(second(39), None, 10).await.unwrap(), []);
    assert_eq!(opened.store.due(second(40), None, 10).await.unwrap()[0].at, second(40));
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.due = None;
    save.head.timers.clear();
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.store.due(second(3600), None, 10).await.unwrap().len(), 1);
}

pub(super) async fn an_ended_execution_is_due_only_until_its_end_was_told(opened: Opened) {
    create(&opened, "a", 0).await;
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.head.status = ExecutionStatus::Passed;
    save.head.ended_at = Some(second(1));
    save.due = Some(second(5));
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.store.due(second(5), None, 10).await.unwrap().len(), 1);
    let mut save = save_of(&loaded(&*opened.store, "a").await, 0);
    save.due = None;
    opened.store.save(save).await.unwrap();
    assert_eq!(opened.store.due(second(1_000_000), None, 10).await.unwrap(), []);
}
