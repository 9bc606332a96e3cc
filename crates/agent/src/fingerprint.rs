//! A hash that is kept: the same in every process and every version.

use sha2::{Digest as _, Sha256};

/// The first 64 bits of SHA-256 over the parts, a zero byte between two of them.
pub(crate) fn fingerprint<const N: usize>(parts: [&str; N]) -> u64 {
    let digest = Sha256::digest(parts.join("\0"));
    digest
        .iter()
        .take(8)
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    /// Stored sessions name accounts and tools by it.
    #[test]
    fn it_is_the_same_in_every_version() {
        let hash = fingerprint(["respair account", "https://relay.example/v1", "sk-one"]);
        assert_eq!(format!("{hash:016x}"), "2a043e4ed0dead06");
    }
}
