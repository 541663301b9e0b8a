//! Large blobs: read piece by piece, sent a few pieces at a time, put together at the end.

use assay_app::ports::{BlobBytes, PortError};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use super::blob_store::{S3BlobStore, lies_there};
use super::compare::Content;
use crate::aws::error::failed;

/// Bytes of a part: with the largest blob there are fewer parts than the 10,000 that S3 takes.
pub(super) const PART: usize = 8 * 1024 * 1024;
/// Parts under way at once.
const AT_ONCE: usize = 4;

/// What is read, and what is known of it so far.
struct Source {
    from: BlobBytes,
    size: u64,
    read: u64,
    hash: Sha256,
}

impl Source {
    /// The next piece, empty at the end; a permanent error when the source is not of the size that was said.
    async fn next(&mut self, key: &str) -> Result<Bytes, PortError> {
        let mut piece = Vec::new();
        let read = (&mut self.from).take(PART as u64).read_to_end(&mut piece).await;
        read.map_err(|error| PortError::retry(format!("read what is to be the blob `{key}`")).because(error))?;
        self.read += piece.len() as u64;
        self.hash.update(&piece);
        if self.read > self.size || (piece.len() < PART && self.read < self.size) {
            let size = self.size;
            return Err(PortError::permanent(format!("store the blob `{key}`: it is not of {size} bytes as was said")));
        }
        Ok(piece.into())
    }

    fn content(self) -> Content {
        Content { size: self.read, sha256: self.hash.finalize().into() }
    }
}

impl S3BlobStore {
    /// One of a single part goes as a whole.
    pub(super) async fn put_parts(
        &self,
        key: &str,
        media_type: &str,
        size: u64,
        from: BlobBytes,
    ) -> Result<(), PortError> {
        let mut source = Source { from, size, read: 0, hash: Sha256::new() };
        let first = source.next(key).await?;
        if size <= PART as u64 {
            if size == PART as u64 {
                source.next(key).await?;
            }
            return self.put_one(key, media_type, first).await;
        }
        let begun = self.client.create_multipart_upload().bucket(&self.bucket).key(key).content_type(media_type);
        let begun = begun.send().await.map_err(|error| failed(format!("begin to store the blob `{key}`"), error))?;
        let upload = begun.upload_id.unwrap_or_default();
        let stored = self.send_parts(key, media_type, &upload, source, first).await;
        if stored.is_err() {
            let aborted = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(&upload);
            if let Err(error) = aborted.send().await {
                // A rule of the bucket ends what is never put together.
                tracing::debug!(error = %failed(format!("give up the parts of `{key}`"), error), "parts are left");
            }
        }
        stored
    }

    async fn send_parts(
        &self,
        key: &str,
        media_type: &str,
        upload: &str,
        mut source: Source,
        first: Bytes,
    ) -> Result<(), PortError> {
        let mut next = Some(first);
        let (mut out, mut parts, mut number) = (FuturesUnordered::new(), Vec::new(), 0);
        loop {
            while let Some(piece) = next.take_if(|_| out.len() < AT_ONCE) {
                number += 1;
                out.push(self.send_part(key, upload, number, piece));
                let piece = source.next(key).await?;
                next = (!piece.is_empty()).then_some(piece);
            }
            match out.next().await {
                Some(part) => parts.push(part?),
                None => break,
            }
        }
        parts.sort_by_key(|part: &CompletedPart| part.part_number);
        let whole = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match request.multipart_upload(whole).if_none_match("*").send().await {
            Ok(_) => Ok(()),
            Err(error) if lies_there(error.code()) => {
                self.compare(key, media_type, &source.content()).await?;
                // The same lies there: the parts are not needed.
                let aborted = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
                if let Err(error) = aborted.send().await {
                    tracing::debug!(error = %failed(format!("give up the parts of `{key}`"), error), "parts are left");
                }
                Ok(())
            }
            Err(error) => Err(failed(format!("store the blob `{key}`"), error)),
        }
    }

    async fn send_part(&self, key: &str, upload: &str, number: i32, piece: Bytes) -> Result<CompletedPart, PortError> {
        let request = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(number);
        let sent = request.body(ByteStream::from(piece)).send().await;
        let sent = sent.map_err(|error| failed(format!("store part {number} of the blob `{key}`"), error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .build())
    }
}
