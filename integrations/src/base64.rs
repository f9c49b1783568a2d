//! Base64 as RFC 4648 writes it, with `+`, `/` and padding: for signatures and for HTTP's basic credentials.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let part = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let group = part(0) << 16 | part(1) << 8 | part(2);
        for at in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * at) & 63) as usize];
            text.push(if at > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// Reads bytes; none where it is not written exactly as [`encode`] would.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in letters.chunks(4) {
        let mut group = 0_u32;
        for at in 0..4 {
            let value = match chunk.get(at) {
                Some(letter) => ALPHABET.iter().position(|known| known == letter)?,
                None => 0,
            };
            group = group << 6 | u32::try_from(value).ok()?;
        }
        bytes.extend(group.to_be_bytes().into_iter().skip(1).take(chunk.len().checked_sub(1)?));
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn the_vectors_of_the_standard_hold() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, written) in vectors {
            assert_eq!(encode(plain.as_bytes()), written);
            assert_eq!(decode(written), Some(plain.as_bytes().to_vec()));
        }
        for wrong in ["Zg", "Zg=", "Zh==", "Z", "Zm9v!", "Zm9v Zm9v", "===="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(decode(&encode(&[0xff, 0xfb, 0x00])), Some(vec![0xff, 0xfb, 0x00]));
    }
}
