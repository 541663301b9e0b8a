//! The rules of `BlobStore`.

use assay_adapters::Durability;
use assay_adapters::folder::FolderBlobStore;
use assay_adapters::memory::MemoryBlobStore;
use assay_app::ports::{Blob, BlobStore, PortErrorClass};
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

macro_rules! on_every_blob_store {
    ($($rule:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(&super::MemoryBlobStore::default()).await;
            })*
        }
        mod folder {
            $(#[tokio::test]
            async fn $rule() {
                let folder = tempfile::tempdir().unwrap();
                let root = folder.path().join("a path with spaces");
                super::$rule(&super::FolderBlobStore::open(&root, super::Durability::Full).unwrap()).await;
            })*
        }
        mod s3 {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(&crate::s3::store().await).await;
            })*
        }
    };
}

on_every_blob_store! {
    what_is_put_is_got
    what_is_put_piece_by_piece_is_got_so
    what_is_not_of_its_size_is_refused
    writing_the_same_again_changes_nothing
    another_blob_under_the_key_is_refused
    unknown_keys_have_nothing
    keys_that_leave_their_place_are_refused
    what_lies_below_a_prefix_goes_and_nothing_else
}

async fn put(store: &dyn BlobStore, key: &str, text: &str) {
    store.put(key, "text/plain", Bytes::copy_from_slice(text.as_bytes())).await.unwrap();
}

async fn got(store: &dyn BlobStore, key: &str) -> Option<Blob> {
    store.get(key).await.unwrap()
}

async fn what_is_put_is_got(store: &dyn BlobStore) {
    let bytes = Bytes::from_static(&[0, 255, 13, 10]);
    store.put("org_1/exe_1/shot-1.png", "image/png; a=\"b\"", bytes.clone()).await.unwrap();
    let kept = got(store, "org_1/exe_1/shot-1.png").await;
    assert_eq!(kept, Some(Blob { media_type: "image/png; a=\"b\"".into(), bytes }));
    store.put("org_1/exe_1/a/b/c", "text/plain", Bytes::new()).await.unwrap();
    assert_eq!(got(store, "org_1/exe_1/a/b/c").await.unwrap().bytes, Bytes::new());
}

async fn what_is_put_piece_by_piece_is_got_so(store: &dyn BlobStore) {
    let from = || Box::pin(std::io::Cursor::new(b"piece by piece"));
    for _ in 0..2 {
        store.put_from("org_1/exe_1/a", "text/plain", 14, from()).await.unwrap();
    }
    let mut open = store.open("org_1/exe_1/a").await.unwrap().unwrap();
    assert_eq!((open.media_type.as_str(), open.size), ("text/plain", 14));
    let mut text = String::new();
    open.bytes.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "piece by piece");
    assert!(store.open("org_1/exe_1/b").await.unwrap().is_none());
}

async fn what_is_not_of_its_size_is_refused(store: &dyn BlobStore) {
    for size in [0, 3, 5, 9_000_000] {
        let from = Box::pin(std::io::Cursor::new(b"four"));
        let refused = store.put_from("org_1/exe_1/a", "text/plain", size, from).await.unwrap_err();
        assert_eq!(refused.class, PortErrorClass::Permanent, "{size}");
    }
    assert_eq!(got(store, "org_1/exe_1/a").await, None);
}

async fn writing_the_same_again_changes_nothing(store: &dyn BlobStore) {
    put(store, "org_1/exe_1/a", "one").await;
    put(store, "org_1/exe_1/a", "one").await;
    assert_eq!(got(store, "org_1/exe_1/a").await.unwrap().bytes, "one");
}

async fn another_blob_under_the_key_is_refused(store: &dyn BlobStore) {
    put(store, "org_1/exe_1/a", "one").await;
    for (media_type, text) in [("text/plain", "two"), ("text/html", "one")] {
        let refused = store.put("org_1/exe_1/a", media_type, Bytes::from(text)).await.unwrap_err();
        assert_eq!(refused.class, PortErrorClass::Permanent);
    }
    assert_eq!(got(store, "org_1/exe_1/a").await.unwrap().bytes, "one");
}

async fn unknown_keys_have_nothing(store: &dyn BlobStore) {
    put(store, "org_1/exe_1/a", "one").await;
    for key in ["org_1/exe_1/b", "org_2/exe_1/a", "org_1/exe_1/a/b"] {
        assert_eq!(got(store, key).await, None, "{key}");
    }
    store.remove_below("org_9/").await.unwrap();
}

async fn keys_that_leave_their_place_are_refused(store: &dyn BlobStore) {
    let long = format!("org_1/exe_1/{}", "a".repeat(300));
    for key in
        ["", "a", "org_1/exe_1/..", "../../../etc/passwd", "/org_1/exe_1/a", "org_1/../exe_1/a", "a/b\0/c", &long]
    {
        assert_eq!(store.get(key).await.unwrap_err().class, PortErrorClass::Permanent, "{key}");
        let refused = store.put(key, "text/plain", Bytes::new()).await.unwrap_err();
        assert_eq!(refused.class, PortErrorClass::Permanent, "{key}");
    }
    for prefix in ["", "/", "..", "../", "org_1", "org_1/../"] {
        assert_eq!(store.remove_below(prefix).await.unwrap_err().class, PortErrorClass::Permanent, "{prefix}");
    }
}

async fn what_lies_below_a_prefix_goes_and_nothing_else(store: &dyn BlobStore) {
    for key in ["org_1/exe_1/a", "org_1/exe_1/b/c", "org_1/exe_10/a", "org_2/exe_1/a"] {
        put(store, key, key).await;
    }
    store.remove_below("org_1/exe_1/").await.unwrap();
    store.remove_below("org_1/exe_1/").await.unwrap();
    assert_eq!(got(store, "org_1/exe_1/a").await, None);
    assert_eq!(got(store, "org_1/exe_1/b/c").await, None);
    assert!(got(store, "org_1/exe_10/a").await.is_some());
    assert!(got(store, "org_2/exe_1/a").await.is_some());
    put(store, "org_1/exe_1/a", "again").await;
}

#[cfg(unix)]
#[tokio::test]
async fn blobs_in_a_folder_are_their_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("blobs");
    let store = FolderBlobStore::open(&root, Durability::Normal).unwrap();
    put(&store, "org_1/exe_1/a.txt", "one").await;
    let mode = |path: &str| std::fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/org_1/exe_1"), mode("data/org_1/exe_1/a.txt")), (0o700, 0o700, 0o600));
    // people open it under its own name
    assert_eq!(std::fs::read_to_string(root.join("data/org_1/exe_1/a.txt")).unwrap(), "one");
    assert_eq!(std::fs::read_dir(root.join("incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_blob_outlives_its_store() {
    let folder = tempfile::tempdir().unwrap();
    put(&FolderBlobStore::open(folder.path(), Durability::Normal).unwrap(), "org_1/exe_1/a", "one").await;
    let again = FolderBlobStore::open(folder.path(), Durability::Normal).unwrap();
    assert_eq!(
        got(&again, "org_1/exe_1/a").await.unwrap(),
        Blob { media_type: "text/plain".into(), bytes: "one".into() }
    );
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = FolderBlobStore::open(file.path(), Durability::Normal).err().unwrap();
    assert_eq!(refused.class, PortErrorClass::Permanent);
}
