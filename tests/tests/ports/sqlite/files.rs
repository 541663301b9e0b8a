//! Folders and files that are not what they should be, and what their users may see of them.

use std::path::Path;

use assay_adapters::sqlite::{SqliteExecutionStore, StoreOptions};
use assay_app::ports::{ExecutionStore, PortErrorClass};
use assay_engine::execution::{Part, PartId, Start};
use assay_engine::job::Captured;
use assay_engine::record::What;
use rusqlite::Connection;
use tokio::time::{Duration, Instant};

use super::{open, try_open};
use crate::samples::{TestClock, execution_id, loaded, new_execution, organization, save_of, second};

/// The error with everything behind it, as a person sees it.
fn refusal(folder: &Path) -> (PortErrorClass, String) {
    let error = try_open(folder).err().unwrap();
    (error.class, error.to_string())
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("assay.db")
}

#[tokio::test]
async fn a_store_outlives_its_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a folder with spaces").join(".assay");
    open(&path).create(new_execution("a")).await.unwrap();
    assert_eq!(loaded(&*open(&path), "a").await.version, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".assay");
    let store = open(&path);
    store.create(new_execution("a")).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for name in ["assay.db", "assay.db-wal", "assay.db-shm"] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&path.join("owners")), 0o700);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_behind_a_link_is_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    open(&link).create(new_execution("a")).await.unwrap();
    assert_eq!(loaded(&*open(&real), "a").await.version, 1);
}

#[tokio::test]
async fn a_power_cut_while_a_store_is_made_leaves_one_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).create(new_execution("a")).await.unwrap();
    let log = folder.path().join("assay.db-wal");
    let (whole, first_page) = (std::fs::read(&log).unwrap(), std::fs::read(file(folder.path())).unwrap());
    assert_eq!(first_page.len(), 4096, "everything else stands in the log");
    for log_kept in [0, 16, 5000, whole.len() / 2, whole.len() - 1] {
        for file_kept in [0, first_page.len()] {
            std::fs::remove_file(folder.path().join("assay.db-shm")).unwrap();
            std::fs::write(&log, &whole[..log_kept]).unwrap();
            std::fs::write(file(folder.path()), &first_page[..file_kept]).unwrap();
            let store = open(folder.path());
            store.create(new_execution("b")).await.unwrap();
            assert_eq!(loaded(&*store, "b").await.version, 1, "{log_kept} {file_kept}");
        }
    }
}

#[tokio::test]
async fn a_log_stays_beside_the_file_and_a_long_one_is_written_back_by_the_next_opening() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("assay.db-wal");
    let length = || log.metadata().unwrap().len();
    open(folder.path()).create(new_execution("a")).await.unwrap();
    let short = length();
    assert!(short > 0);
    drop(open(folder.path()));
    assert_eq!(length(), short);
    let store = open(folder.path());
    let mut number = 0;
    while length() <= 4 << 20 {
        number += 1;
        store.create(new_execution(&format!("n{number}"))).await.unwrap();
    }
    drop(store);
    assert!(length() > 4 << 20, "closing does not wait for the disk");
    let store = open(folder.path());
    let over = Instant::now() + Duration::from_secs(60);
    while length() > 0 {
        assert!(Instant::now() < over, "the log is still {} bytes long", length());
        store.create(new_execution(&format!("n{number}"))).await.unwrap();
    }
    assert_eq!(loaded(&*store, "a").await.version, 1);
    assert_eq!(loaded(&*store, "n1").await.version, 1);
}

#[tokio::test]
async fn what_is_removed_does_not_stay_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.create(new_execution("a")).await.unwrap();
    store.remove(&[execution_id("a")]).await.unwrap();
    assert_eq!(folder.path().join("assay.db-wal").metadata().unwrap().len(), 0);
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".assay");
    std::fs::write(&path, "mine").unwrap();
    let (class, message) = refusal(&path);
    assert_eq!(class, PortErrorClass::Permanent);
    assert!(message.starts_with("make the folder `") && message.contains(".assay"), "{message}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_file_that_is_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(file(folder.path())).unwrap();
    let (class, message) = refusal(folder.path());
    assert_eq!(class, PortErrorClass::Permanent);
    assert!(message.contains("cannot be opened"), "{message}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = "this is a letter, and no database at all. ".repeat(200);
    std::fs::write(file(folder.path()), &text).unwrap();
    let (class, message) = refusal(folder.path());
    assert_eq!(class, PortErrorClass::Bug);
    assert!(message.contains("is no database"), "{message}");
    assert_eq!(std::fs::read_to_string(file(folder.path())).unwrap(), text);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(file(folder.path())).unwrap();
    other.execute_batch("CREATE TABLE letters (text TEXT); INSERT INTO letters VALUES ('dear')").unwrap();
    let (class, message) = refusal(folder.path());
    assert_eq!(class, PortErrorClass::Permanent);
    assert!(message.contains("another program's database"), "{message}");
    let tables: i64 = other.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_newer_programs_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    Connection::open(file(folder.path())).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let (class, message) = refusal(folder.path());
    assert_eq!(class, PortErrorClass::Permanent);
    assert!(message.contains("format 99") && message.contains("use the newer program"), "{message}");
}

#[tokio::test]
async fn a_store_of_the_first_format_becomes_one_of_this_format_with_its_claims() {
    let folder = tempfile::tempdir().unwrap();
    let before = Connection::open(file(folder.path())).unwrap();
    before.execute_batch(include_str!("../../../../shared/adapters/src/sqlite/schema/1.sql")).unwrap();
    before.pragma_update(None, "application_id", 0x4153_5359).unwrap();
    before.pragma_update(None, "user_version", 1).unwrap();
    for (fence, stage) in [("awaited", 0), ("held", 1), ("done", 2), ("settled", 3)] {
        let insert = "INSERT INTO claims VALUES (7, ?1, ?2, 'p', 'd', 5, 0, 'told', 'job')";
        before.execute(insert, rusqlite::params![fence, stage]).unwrap();
    }
    drop(before);
    drop(open(folder.path()));
    let after = Connection::open(file(folder.path())).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut rows = after.prepare(sql).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(texts("SELECT fence FROM claims ORDER BY stage"), ["awaited", "held", "done"]);
    assert_eq!(texts("SELECT report || job || process || lease_until FROM claims WHERE stage = 2"), ["toldjobp5"]);
    assert_eq!(texts("SELECT fence FROM settled_claims"), ["settled"]);
    assert_eq!(after.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap(), 2);
}

/// Writes the log back into the file.
fn write_back(path: &Path) {
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    Connection::open(path).unwrap().query_row(checkpoint, [], |_| Ok(())).unwrap();
}

/// Overwrites pages in the middle of the file.
fn damage(path: &Path) {
    use std::io::{Seek as _, SeekFrom, Write as _};
    // what stands in the log hides what the file holds
    write_back(path);
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&[0xAB; 40 * 4096]).unwrap();
}

#[tokio::test]
async fn a_damaged_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..50 {
        store.create(new_execution(&format!("n{number}"))).await.unwrap();
    }
    drop(store);
    damage(&file(folder.path()));
    let error = match try_open(folder.path()) {
        Err(error) => error,
        Ok(store) => store.load_whole(&execution_id("n1")).await.unwrap_err(),
    };
    assert_eq!(error.class, PortErrorClass::Bug);
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.create(new_execution("a")).await.unwrap();
    Connection::open(file(folder.path()))
        .unwrap()
        .execute("UPDATE executions SET head = '{\"format\":1}'", [])
        .unwrap();
    let error = store.load(&execution_id("a"), &[]).await.unwrap_err();
    assert_eq!(
        (error.class, error.to_string().as_str()),
        (PortErrorClass::Bug, "read the stored head of an execution")
    );
    let closing = What::Warned { step: None, message: "its head cannot be read".into() };
    let whose = store.set_aside(&execution_id("a"), closing, second(5)).await.unwrap();
    assert_eq!(whose, Some(organization()));
    assert_eq!(store.records(&execution_id("a"), 1, 10).await.unwrap()[0].at, second(5));
    assert_eq!(store.due(second(1_000_000), None, 10).await.unwrap(), []);
    assert_eq!(store.prunable(second(10), 0, 10).await.unwrap(), [(organization(), execution_id("a"))]);
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { max_size: Some(512 << 10), ..StoreOptions::default() };
    let store = SqliteExecutionStore::open(folder.path(), options, TestClock::new()).unwrap();
    store.create(new_execution("a")).await.unwrap();
    let mut large = Start::default();
    large.inputs.insert("text".into(), Captured::Clear("x".repeat(1 << 20).into()));
    let mut save = save_of(&loaded(&store, "a").await, 1);
    save.parts.insert(PartId::Start, Part::Start(large));
    let error = store.save(save).await.unwrap_err();
    assert!(matches!(error.class, PortErrorClass::Retry { after: Some(_) }), "{error:?}");
    assert!(error.to_string().contains("the disk or the store is full"), "{error}");
    let kept = loaded(&store, "a").await;
    assert_eq!((kept.version, &kept.parts[&PartId::Start]), (1, &Part::Start(Start::default())));
    store.save(save_of(&kept, 1)).await.unwrap();
}

#[tokio::test]
async fn a_store_without_one_of_its_tables_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.create(new_execution("a")).await.unwrap();
    Connection::open(file(folder.path())).unwrap().execute_batch("DROP TABLE admission").unwrap();
    let error = store.admission(&organization()).await.unwrap_err();
    assert_eq!(error.class, PortErrorClass::Bug);
    assert!(error.to_string().starts_with("read from the store"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let (class, message) = refusal(Path::new("/proc/assay/store"));
    assert_eq!(class, PortErrorClass::Permanent);
    assert_eq!(message, "make the folder `/proc/assay/store`");
}
