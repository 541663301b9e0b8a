//! The sealed form: a text under a data key, and the data key as KMS wrapped it.
//!
//! Base64 of: version 2, length of the wrapped key (2 bytes, big-endian), wrapped key, nonce (12 bytes), sealed text (its
//! length + 16). The associated data name the wrapped key and the organization.

use aes_gcm::{Aes256Gcm, Key, KeyInit as _};
use assay_app::ports::PortError;
use assay_engine::id::OrganizationId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret_box::envelope::{KEY, decrypt, encrypt};

const VERSION: u8 = 2;
/// The longest that KMS makes of anything.
const LONGEST_WRAPPED: usize = 6_144;

/// A key in clear, wiped when it is dropped, and what KMS made of it.
pub(super) struct DataKey {
    clear: Zeroizing<[u8; KEY]>,
    pub(super) wrapped: Vec<u8>,
}

/// A sealed text, taken apart.
pub(super) struct Sealed {
    pub(super) wrapped: Vec<u8>,
    text: Vec<u8>,
}

impl Sealed {
    /// None: it has no such form.
    pub(super) fn read(sealed: &str) -> Option<Self> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (length, rest) = rest.split_at_checked(2)?;
        let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
        let (wrapped, text) = rest.split_at_checked(length)?;
        let fits = (1..=LONGEST_WRAPPED).contains(&length) && !text.is_empty();
        fits.then(|| Self { wrapped: wrapped.to_vec(), text: text.to_vec() })
    }
}

impl DataKey {
    pub(super) fn new(clear: [u8; KEY], wrapped: Vec<u8>) -> Self {
        Self { clear: Zeroizing::new(clear), wrapped }
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&*self.clear))
    }

    fn associated(&self) -> Vec<u8> {
        [b"assay sealed text, data key ", &*self.wrapped, b", organization "].concat()
    }

    pub(super) fn seal(&self, organization: &OrganizationId, text: &str) -> Result<String, PortError> {
        let length = u16::try_from(self.wrapped.len()).ok().filter(|length| usize::from(*length) <= LONGEST_WRAPPED);
        let length = length.ok_or_else(|| PortError::bug("seal a value: the data key is too long"))?;
        let mut sealed = vec![VERSION];
        sealed.extend(length.to_be_bytes());
        sealed.extend(&self.wrapped);
        encrypt(&self.cipher(), text.as_bytes(), &self.associated(), organization, &mut sealed)?;
        Ok(STANDARD.encode(sealed))
    }

    /// None: it was changed, or sealed for somebody else.
    pub(super) fn open(&self, organization: &OrganizationId, sealed: &Sealed) -> Option<String> {
        String::from_utf8(decrypt(&self.cipher(), &sealed.text, &self.associated(), organization)?).ok()
    }
}
