//! The sealed form, AES-256-GCM twice: a key of its own for each text, itself sealed under the master key. Both name the
//! organization in their associated data.
//!
//! Base64 of: version 1, nonce (12 bytes), sealed key (32 + 16), nonce (12), sealed text (its length + 16).

use aes_gcm::aead::rand_core::RngCore as _;
use aes_gcm::aead::{Aead as _, OsRng, Payload};
use aes_gcm::{AeadCore as _, Aes256Gcm, Key, KeyInit as _, Nonce};
use assay_app::ports::PortError;
use assay_engine::id::OrganizationId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Bytes of a key.
pub(crate) const KEY: usize = 32;

/// What a ciphertext is: one can never stand for the other.
const OF_KEY: &[u8] = b"assay sealed key, organization ";
const OF_TEXT: &[u8] = b"assay sealed text, organization ";

/// Seals and opens under one master key.
pub(super) struct Envelope {
    master: Aes256Gcm,
}

impl Envelope {
    pub(super) fn new(master: &[u8; KEY]) -> Self {
        Self { master: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(master)) }
    }

    pub(super) fn seal(&self, organization: &OrganizationId, text: &str) -> Result<String, PortError> {
        let mut key = [0; KEY];
        random(&mut key)?;
        let own = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key));
        let mut sealed = vec![VERSION];
        encrypt(&self.master, &key, OF_KEY, organization, &mut sealed)?;
        encrypt(&own, text.as_bytes(), OF_TEXT, organization, &mut sealed)?;
        Ok(STANDARD.encode(sealed))
    }

    pub(super) fn open(&self, organization: &OrganizationId, sealed: &str) -> Result<String, PortError> {
        self.opened(organization, sealed).ok_or_else(|| {
            PortError::permanent("open a sealed value: it was changed, or sealed for another organization or key")
        })
    }

    fn opened(&self, organization: &OrganizationId, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (key, text) = rest.split_at_checked(NONCE + KEY + TAG)?;
        let key: [u8; KEY] = decrypt(&self.master, key, OF_KEY, organization)?.try_into().ok()?;
        let own = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key));
        String::from_utf8(decrypt(&own, text, OF_TEXT, organization)?).ok()
    }
}

/// Fills with randomness of the operating system.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), PortError> {
    OsRng.try_fill_bytes(bytes).map_err(|error| PortError::retry(format!("draw randomness: {error}")))
}

fn associated(what: &[u8], organization: &OrganizationId) -> Vec<u8> {
    [what, organization.as_str().as_bytes()].concat()
}

pub(crate) fn encrypt(
    cipher: &Aes256Gcm,
    clear: &[u8],
    what: &[u8],
    organization: &OrganizationId,
    onto: &mut Vec<u8>,
) -> Result<(), PortError> {
    let nonce = Aes256Gcm::generate_nonce(OsRng);
    let payload = Payload { msg: clear, aad: &associated(what, organization) };
    let sealed = cipher.encrypt(&nonce, payload).map_err(|_| PortError::permanent("seal a value: it is too long"))?;
    onto.extend_from_slice(&nonce);
    onto.extend_from_slice(&sealed);
    Ok(())
}

pub(crate) fn decrypt(
    cipher: &Aes256Gcm,
    sealed: &[u8],
    what: &[u8],
    organization: &OrganizationId,
) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
    let payload = Payload { msg: sealed, aad: &associated(what, organization) };
    cipher.decrypt(Nonce::from_slice(nonce), payload).ok()
}
