//! `SecretBox` on KMS, beside its rules.

use assay_adapters::aws::AwsError;
use assay_adapters::aws::kms::KmsSecretBox;
use assay_app::ports::{PortErrorClass, SecretBox as _};
use aws_config::SdkConfig;

use crate::aws::{config, config_at, names, new_account};
use crate::samples::organization;

/// A key of one's own, by its alias.
pub(crate) async fn key(config: &SdkConfig) -> (aws_sdk_kms::Client, String) {
    let client = aws_sdk_kms::Client::new(config);
    let key = client.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    client.create_alias().alias_name(names().key_alias()).target_key_id(&key).send().await.unwrap();
    (client, key)
}

pub(crate) async fn secret_box() -> KmsSecretBox {
    let config = config(&new_account()).await;
    key(&config).await;
    KmsSecretBox::new(&config, names().key_alias())
}

#[tokio::test]
async fn what_one_process_seals_another_opens() {
    let config = config(&new_account()).await;
    key(&config).await;
    let sealed = KmsSecretBox::new(&config, names().key_alias()).seal(&organization(), "hunter2").await.unwrap();
    let other = KmsSecretBox::new(&config, names().key_alias());
    assert_eq!(other.open(&organization(), &sealed).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn a_disabled_key_seals_and_opens_nothing() {
    let config = config(&new_account()).await;
    let (client, key) = key(&config).await;
    let sealed = KmsSecretBox::new(&config, names().key_alias()).seal(&organization(), "hunter2").await.unwrap();
    client.disable_key().key_id(&key).send().await.unwrap();
    // A process that has not opened it yet.
    let other = KmsSecretBox::new(&config, names().key_alias());
    for refused in [
        other.open(&organization(), &sealed).await.unwrap_err(),
        other.seal(&organization(), "again").await.unwrap_err(),
    ] {
        assert_eq!(refused.class, PortErrorClass::Permanent);
        assert!(AwsError::of(&refused).unwrap().to_string().contains("isabled"), "{refused:?}");
    }
    client.enable_key().key_id(&key).send().await.unwrap();
    assert_eq!(other.open(&organization(), &sealed).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn the_key_of_another_stack_opens_nothing() {
    let (one, other) = (config(&new_account()).await, config(&new_account()).await);
    key(&one).await;
    key(&other).await;
    let sealed = KmsSecretBox::new(&one, names().key_alias()).seal(&organization(), "hunter2").await.unwrap();
    let refused = KmsSecretBox::new(&other, names().key_alias()).open(&organization(), &sealed).await.unwrap_err();
    assert_eq!(refused.class, PortErrorClass::Permanent);
}

#[tokio::test]
async fn many_values_take_one_data_key() {
    let config = config(&new_account()).await;
    let (client, key) = key(&config).await;
    let one = KmsSecretBox::new(&config, names().key_alias());
    let first = one.seal(&organization(), "0").await.unwrap();
    // Without KMS the rest still works, for a while.
    client.disable_key().key_id(&key).send().await.unwrap();
    for number in 1..200 {
        let text = number.to_string();
        let sealed = one.seal(&organization(), &text).await.unwrap();
        assert_eq!(one.open(&organization(), &sealed).await.unwrap(), text);
    }
    assert_eq!(one.open(&organization(), &first).await.unwrap(), "0");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_told_from_a_kms_that_does_not_answer() {
    let absent = KmsSecretBox::new(&config(&new_account()).await, names().key_alias());
    let refused = absent.seal(&organization(), "x").await.unwrap_err();
    assert!(matches!(AwsError::of(&refused), Some(AwsError::Absent { .. })), "{refused:?}");
    assert_eq!(refused.class, PortErrorClass::Permanent);

    let credentials = aws_credential_types::Credentials::new("000000000001", "test", None, None, "test");
    let nobody = KmsSecretBox::new(&config_at("http://127.0.0.1:1", credentials).await, names().key_alias());
    let refused = nobody.seal(&organization(), "x").await.unwrap_err();
    assert!(matches!(AwsError::of(&refused), Some(AwsError::Unreachable(_))), "{refused:?}");
    assert_eq!(refused.class, PortErrorClass::Retry { after: None });
}
