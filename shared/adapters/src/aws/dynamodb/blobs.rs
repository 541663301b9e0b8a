//! Bytes that lie in items of their own, because there is no room for them where they belong.
//!
//! Such items are written before what points to them, under a name that no other write can choose, and are never changed.

use assay_app::ports::PortError;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::item::{Attributes as _, bytes, item};
use super::table::{AT_ONCE, Only, Put, Table};

/// No item is larger than this and a few attributes; the service takes 400 KB.
pub(super) const LARGEST: usize = 250_000;

/// Where bytes lie: beside what points to them, in items named after a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlobRef {
    name: String,
    items: usize,
}

impl std::fmt::Display for BlobRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.items)
    }
}

impl std::str::FromStr for BlobRef {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        let parsed = text.rsplit_once(':').and_then(|(name, items)| Some((name, items.parse().ok()?)));
        let (name, items) = parsed.ok_or_else(|| PortError::bug(format!("read `{text}` as a place of bytes")))?;
        Ok(Self { name: name.to_owned(), items })
    }
}

impl BlobRef {
    fn key(&self, number: usize) -> String {
        format!("b#{}#{number:03}", self.name)
    }

    /// The keys of its items.
    pub(super) fn keys(&self, partition: &str) -> Vec<(String, String)> {
        (0..self.items).map(|number| (partition.to_owned(), self.key(number))).collect()
    }
}

impl Table {
    /// Where these bytes will lie, and the items that must be written before anything says so. No other name may be the
    /// same.
    pub(super) async fn put_blob(&self, partition: &str, name: String, all: &[u8]) -> Result<BlobRef, PortError> {
        let blob = BlobRef { name, items: all.len().div_ceil(LARGEST).max(1) };
        let put = |(number, some): (usize, &[u8])| {
            let mut item = item(partition, blob.key(number));
            item.insert("image".into(), bytes(some.to_vec()));
            async move { self.put("write a large value", item, Only::Always).await.map(|_: Put| ()) }
        };
        let pieces = if all.is_empty() { vec![&[][..]] } else { all.chunks(LARGEST).collect() };
        let puts: Vec<_> = pieces.into_iter().enumerate().map(put).collect();
        stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(blob)
    }

    /// The bytes that lie there.
    pub(super) async fn blob(&self, partition: &str, blob: &BlobRef) -> Result<Vec<u8>, PortError> {
        let get = |key| self.get("read a large value", key, &[]);
        let gets: Vec<_> = blob.keys(partition).into_iter().map(get).collect();
        let pieces: Vec<_> = stream::iter(gets).buffered(AT_ONCE).try_collect().await?;
        let mut all = Vec::new();
        for piece in pieces {
            let piece = piece.as_ref().and_then(|item| item.bytes("image"));
            all.extend_from_slice(
                piece.ok_or_else(|| PortError::bug(format!("read the large value {blob}: it is gone")))?,
            );
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_bytes_comes_back() {
        let blob: BlobRef = "node:1-7:12".parse().unwrap();
        assert_eq!(blob.to_string(), "node:1-7:12");
        assert!("node".parse::<BlobRef>().is_err());
    }
}
