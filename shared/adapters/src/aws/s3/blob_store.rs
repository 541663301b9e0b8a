//! The port over it.

use std::time::Duration;

use assay_app::ports::{Blob, BlobBytes, BlobStore, OpenBlob, PortError, Upload, UploadLink};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;

use super::compare::Content;
use super::parts::PART;
use crate::aws::error::{AwsError, failed};
use crate::blob_key;

/// One part over a slow line.
const ATTEMPT: Duration = Duration::from_secs(60);
const CALL: Duration = Duration::from_secs(180);
/// Larger ones nobody can have meant.
pub(super) const LARGEST: u64 = 5 * 1024 * 1024 * 1024;
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Blobs in a bucket.
pub struct S3BlobStore {
    pub(super) client: Client,
    pub(super) bucket: String,
}

impl S3BlobStore {
    /// In this bucket; nothing is asked before the first call. With an endpoint of one's own the bucket stands in the path,
    /// not in the host's name.
    #[must_use]
    pub fn new(config: &SdkConfig, bucket: impl Into<String>) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
        let builder = aws_sdk_s3::config::Builder::from(config);
        let own = builder.timeout_config(timeouts).force_path_style(config.endpoint_url().is_some()).build();
        Self { client: Client::from_conf(own), bucket: bucket.into() }
    }

    pub(super) async fn look_up(&self, key: &str) -> Result<Option<GetObjectOutput>, PortError> {
        match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(failed(format!("read the blob `{key}`"), error)),
        }
    }

    pub(super) async fn put_one(&self, key: &str, media_type: &str, bytes: Bytes) -> Result<(), PortError> {
        let content = Content::of(&bytes);
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(media_type);
        let put = request.if_none_match("*").body(ByteStream::from(bytes)).send().await;
        match put {
            Ok(_) => Ok(()),
            Err(error) if lies_there(error.code()) => self.compare(key, media_type, &content).await,
            Err(error) => Err(failed(format!("store the blob `{key}`"), error)),
        }
    }

    async fn remove(&self, prefix: &str, keys: Vec<String>) -> Result<(), PortError> {
        let what = || format!("remove the blobs below `{prefix}`");
        let identified = |key: String| ObjectIdentifier::builder().key(key).build();
        let keys: Result<Vec<_>, _> = keys.into_iter().map(identified).collect();
        let bad = |error| PortError::bug(what()).because(error);
        let delete = Delete::builder().set_objects(Some(keys.map_err(bad)?)).quiet(true).build().map_err(bad)?;
        let answer = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await;
        let answer = answer.map_err(|error| failed(what(), error))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => {
                let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
                let said = AwsError::Failed { code: code.to_owned(), message: message.to_owned() };
                Err(PortError::retry(what()).because(said))
            }
        }
    }
}

/// Whether a write was refused because of what lies there.
pub(super) fn lies_there(code: Option<&str>) -> bool {
    code == Some("PreconditionFailed")
}

/// A media type goes into a header as it is.
pub(super) fn check_media_type(media_type: &str) -> Result<(), PortError> {
    let plain = media_type.len() <= 200 && media_type.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let fits = plain && media_type.split_once('/').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty());
    let refused = || {
        let short: String = media_type.chars().take(80).collect();
        PortError::permanent(format!("use `{short}` as a media type"))
    };
    fits.then_some(()).ok_or_else(refused)
}

pub(super) fn check_size(key: &str, size: u64) -> Result<(), PortError> {
    let refused = || PortError::permanent(format!("store the blob `{key}`: {size} bytes are more than {LARGEST}"));
    (size <= LARGEST).then_some(()).ok_or_else(refused)
}

fn media_type(found: &GetObjectOutput) -> String {
    found.content_type().unwrap_or(UNKNOWN_TYPE).to_owned()
}

#[async_trait]
impl BlobStore for S3BlobStore {
    async fn put(&self, key: &str, media_type: &str, bytes: Bytes) -> Result<(), PortError> {
        blob_key::check(key)?;
        check_media_type(media_type)?;
        if bytes.len() <= PART {
            return self.put_one(key, media_type, bytes).await;
        }
        let size = bytes.len() as u64;
        self.put_parts(key, media_type, size, Box::pin(std::io::Cursor::new(bytes))).await
    }

    async fn get(&self, key: &str) -> Result<Option<Blob>, PortError> {
        blob_key::check(key)?;
        let Some(found) = self.look_up(key).await? else { return Ok(None) };
        let media_type = media_type(&found);
        let broken = |error| PortError::retry(format!("read the blob `{key}`")).because(error);
        let bytes = found.body.collect().await.map_err(broken)?.into_bytes();
        Ok(Some(Blob { media_type, bytes }))
    }

    async fn remove_below(&self, prefix: &str) -> Result<(), PortError> {
        blob_key::check_prefix(prefix)?;
        loop {
            // From the start each time: what was removed is not listed again.
            let page = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).send().await;
            let page = page.map_err(|error| failed(format!("list the blobs below `{prefix}`"), error))?;
            let keys: Vec<String> = page.contents().iter().filter_map(|one| one.key().map(str::to_owned)).collect();
            if keys.is_empty() {
                return Ok(());
            }
            self.remove(prefix, keys).await?;
        }
    }

    async fn put_from(&self, key: &str, media_type: &str, size: u64, from: BlobBytes) -> Result<(), PortError> {
        blob_key::check(key)?;
        check_media_type(media_type)?;
        check_size(key, size)?;
        self.put_parts(key, media_type, size, from).await
    }

    async fn open(&self, key: &str) -> Result<Option<OpenBlob>, PortError> {
        blob_key::check(key)?;
        let Some(found) = self.look_up(key).await? else { return Ok(None) };
        let media_type = media_type(&found);
        let size = u64::try_from(found.content_length().unwrap_or(0)).unwrap_or(0);
        Ok(Some(OpenBlob { media_type, size, bytes: Box::pin(found.body.into_async_read()) }))
    }

    async fn link(&self, key: &str, file_name: &str, lasting: Duration) -> Result<Option<String>, PortError> {
        blob_key::check(key)?;
        self.download_link(key, file_name, lasting).await.map(Some)
    }

    async fn upload_link(
        &self,
        key: &str,
        upload: &Upload,
        lasting: Duration,
    ) -> Result<Option<UploadLink>, PortError> {
        blob_key::check(key)?;
        check_media_type(&upload.media_type)?;
        check_size(key, upload.size)?;
        self.presigned_upload(key, upload, lasting).await.map(Some)
    }
}
