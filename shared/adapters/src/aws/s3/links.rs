//! Addresses that expire. They are made here, without a request; S3 checks them.

use std::time::Duration;

use assay_app::ports::{PortError, Upload, UploadLink};
use aws_sdk_s3::presigning::PresigningConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::blob_store::S3BlobStore;
use crate::aws::error::failed;

/// The longest that S3 takes. An address also ends with the credentials that it was made with: for functions within hours.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

fn lasting(lasting: Duration) -> Result<PresigningConfig, PortError> {
    if lasting > LONGEST || lasting.is_zero() {
        return Err(PortError::permanent(format!(
            "make an address that lasts {} s: 7 days at most",
            lasting.as_secs()
        )));
    }
    PresigningConfig::expires_in(lasting).map_err(|error| PortError::bug("make an address that expires").because(error))
}

/// Never a page: a file to be kept, whose name cannot say anything else.
fn attachment(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ') { c } else { '_' };
    let plain: String = file_name.chars().take(200).map(plain).collect();
    let mut encoded = String::new();
    for byte in file_name.chars().filter(|c| !c.is_control()).take(200).collect::<String>().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

impl S3BlobStore {
    pub(super) async fn download_link(&self, key: &str, name: &str, lasts: Duration) -> Result<String, PortError> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request =
            request.response_content_disposition(attachment(name)).response_cache_control("private, no-store");
        let made = request.presigned(lasting(lasts)?).await;
        let made = made.map_err(|error| failed(format!("make an address of the blob `{key}`"), error))?;
        Ok(made.uri().to_owned())
    }

    /// Size, media type, hash and the condition that nothing lies there are signed: sending anything else is refused.
    pub(super) async fn presigned_upload(
        &self,
        key: &str,
        upload: &Upload,
        lasts: Duration,
    ) -> Result<UploadLink, PortError> {
        let size = i64::try_from(upload.size).map_err(|error| PortError::bug("make an address").because(error))?;
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(&upload.media_type)
            .content_length(size)
            .checksum_sha256(STANDARD.encode(upload.sha256))
            .if_none_match("*");
        let made = request.presigned(lasting(lasts)?).await;
        let made = made.map_err(|error| failed(format!("make an address for the blob `{key}`"), error))?;
        let headers = made.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(UploadLink { url: made.uri().to_owned(), headers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        let header = attachment("a\"; b\r\nX: y/ü.html");
        assert_eq!(
            header,
            "attachment; filename=\"a__ b__X_ y__.html\"; filename*=UTF-8''a%22%3B%20bX%3A%20y%2F%C3%BC.html"
        );
    }

    #[test]
    fn an_address_lasts_a_week_at_most() {
        assert!(lasting(LONGEST).is_ok());
        assert!(lasting(LONGEST + Duration::from_secs(1)).is_err());
        assert!(lasting(Duration::ZERO).is_err());
    }
}
