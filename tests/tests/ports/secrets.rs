//! The rules of `SecretBox` and `SecretSource`.

use std::collections::BTreeMap;
use std::path::Path;

use assay_adapters::secret_box::{GivenSecrets, KeyFileSecretBox, MemorySecretBox};
use assay_app::ports::{PortErrorClass, SecretBox, SecretSource};
use assay_engine::id::OrganizationId;
use tempfile::TempDir;

use crate::samples::{execution_id, organization};

macro_rules! on_every_secret_box {
    ($($rule:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(&super::MemorySecretBox::random().unwrap()).await;
            })*
        }
        mod key_file {
            $(#[tokio::test]
            async fn $rule() {
                let folder = tempfile::tempdir().unwrap();
                super::$rule(&super::KeyFileSecretBox::open(&folder.path().join("key")).unwrap()).await;
            })*
        }
        mod kms {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(&crate::kms::secret_box().await).await;
            })*
        }
    };
}

on_every_secret_box! {
    what_is_sealed_is_opened
    the_same_text_gives_another_answer_each_time
    another_organization_opens_nothing
    what_was_changed_is_not_opened
    garbage_is_not_opened
}

fn other() -> OrganizationId {
    "org_other".parse().unwrap()
}

async fn refused(secret_box: &dyn SecretBox, organization: &OrganizationId, sealed: &str) {
    let error = secret_box.open(organization, sealed).await.unwrap_err();
    assert_eq!(error.class, PortErrorClass::Permanent, "{sealed}");
}

async fn what_is_sealed_is_opened(secret_box: &dyn SecretBox) {
    for text in ["", "hunter2", "ünï\0code\n", &"long ".repeat(50_000)] {
        let sealed = secret_box.seal(&organization(), text).await.unwrap();
        assert!(text.is_empty() || !sealed.contains(text));
        assert_eq!(secret_box.open(&organization(), &sealed).await.unwrap(), text);
    }
}

async fn the_same_text_gives_another_answer_each_time(secret_box: &dyn SecretBox) {
    let one = secret_box.seal(&organization(), "hunter2").await.unwrap();
    assert_ne!(one, secret_box.seal(&organization(), "hunter2").await.unwrap());
}

async fn another_organization_opens_nothing(secret_box: &dyn SecretBox) {
    let sealed = secret_box.seal(&organization(), "hunter2").await.unwrap();
    refused(secret_box, &other(), &sealed).await;
}

async fn what_was_changed_is_not_opened(secret_box: &dyn SecretBox) {
    let sealed = secret_box.seal(&organization(), "hunter2").await.unwrap();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        refused(secret_box, &organization(), &changed).await;
        refused(secret_box, &organization(), &sealed[..place]).await;
    }
    refused(secret_box, &organization(), &format!("{sealed}AAAA")).await;
}

async fn garbage_is_not_opened(secret_box: &dyn SecretBox) {
    for garbage in ["", "AQ==", "not base64!", "ÄÖÜ", &"A".repeat(400), "AgAAAA=="] {
        refused(secret_box, &organization(), garbage).await;
    }
}

fn key_file(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("a folder").join("key")
}

fn refusal(path: &Path) -> String {
    let error = KeyFileSecretBox::open(path).err().unwrap();
    assert_eq!(error.class, PortErrorClass::Permanent);
    error.to_string()
}

#[tokio::test]
async fn the_key_file_serves_the_next_process_too() {
    let folder = tempfile::tempdir().unwrap();
    let sealed = KeyFileSecretBox::open(&key_file(&folder)).unwrap().seal(&organization(), "hunter2").await.unwrap();
    let next = KeyFileSecretBox::open(&key_file(&folder)).unwrap();
    assert_eq!(next.open(&organization(), &sealed).await.unwrap(), "hunter2");
    std::fs::remove_file(key_file(&folder)).unwrap();
    refused(&KeyFileSecretBox::open(&key_file(&folder)).unwrap(), &organization(), &sealed).await;
}

#[tokio::test]
async fn those_who_make_the_key_file_at_once_have_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(&folder);
    let boxes: Vec<_> = (0..8).map(|_| KeyFileSecretBox::open(&path).unwrap()).collect();
    let seal = |one: &KeyFileSecretBox| futures_util::FutureExt::now_or_never(one.seal(&organization(), "hunter2"));
    let sealed: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = boxes.iter().map(|one| scope.spawn(|| seal(one).unwrap().unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    for (one, sealed) in boxes.iter().zip(sealed.iter().rev()) {
        assert_eq!(one.open(&organization(), sealed).await.unwrap(), "hunter2");
    }
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn there_is_no_key_file_before_something_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let secret_box = KeyFileSecretBox::open(&key_file(&folder)).unwrap();
    assert!(!key_file(&folder).exists());
    secret_box.seal(&organization(), "hunter2").await.unwrap();
    assert!(key_file(&folder).exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(&folder);
    KeyFileSecretBox::open(&path).unwrap().seal(&organization(), "hunter2").await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refusal(&path).contains("chmod 600"));
}

#[cfg(unix)]
#[test]
fn a_file_that_holds_no_key_is_refused_and_left_alone() {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("short", "c2hvcnQ="), ("empty", ""), ("other", "-----BEGIN KEY-----")] {
        let path = folder.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        assert!(refusal(&path).contains("no key of 32 bytes"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    refusal(folder.path());
}

#[tokio::test]
async fn given_secrets_are_revealed_by_name_and_never_shown() {
    let values = BTreeMap::from([("API_KEY".to_owned(), "hunter2".to_owned()), ("OTHER".to_owned(), "x".to_owned())]);
    let given = GivenSecrets::new(values);
    assert!(!format!("{given:?}").contains("hunter2"));
    assert!(format!("{given:?}").contains("API_KEY"));
    let names = ["API_KEY".to_owned(), "UNKNOWN".to_owned()];
    let revealed = given.reveal(&organization(), &execution_id("a"), &names).await.unwrap();
    assert_eq!(revealed, BTreeMap::from([("API_KEY".to_owned(), "hunter2".to_owned())]));
}
