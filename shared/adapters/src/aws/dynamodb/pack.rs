//! Text made small. What is written is billed by the kilobyte, and an execution's texts repeat the same words: they are
//! deflated behind a text of those words that both sides know.
//!
//! The words are made known by running them through both machines first: a compressor that has already seen them only
//! refers back to them. The first byte of what is stored says which words, so that they can change without what is stored.

use assay_app::ports::PortError;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What stands before a text that was deflated behind [`WORDS`].
const FORMAT: u8 = 1;
/// Never changed: what is stored refers into it.
const WORDS: &[u8] = include_bytes!("words.txt");
/// More than any text here can be: a damaged one must not fill the memory.
const LARGEST: usize = 64 << 20;

/// Packs a text.
pub(super) fn pack(text: &[u8]) -> Result<Vec<u8>, PortError> {
    let mut machine = Compress::new(Compression::new(7), false);
    let mut words = Vec::new();
    deflate(&mut machine, WORDS, &mut words, FlushCompress::Sync)?;
    let mut packed = vec![FORMAT];
    deflate(&mut machine, text, &mut packed, FlushCompress::Finish)?;
    Ok(packed)
}

/// What was packed.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, PortError> {
    let Some((&FORMAT, packed)) = packed.split_first() else {
        return Err(PortError::bug("unpack what is stored: no format that is known here"));
    };
    let mut words = Vec::new();
    deflate(&mut Compress::new(Compression::new(7), false), WORDS, &mut words, FlushCompress::Sync)?;
    let mut machine = Decompress::new(false);
    inflate(&mut machine, &words, &mut Vec::new())?;
    let mut text = Vec::new();
    inflate(&mut machine, packed, &mut text)?;
    Ok(text)
}

/// Runs all of the input through; what comes out is appended.
fn deflate(machine: &mut Compress, input: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> Result<(), PortError> {
    let begin = machine.total_in();
    loop {
        out.reserve(input.len() / 4 + 256);
        let taken = usize::try_from(machine.total_in() - begin).unwrap_or(usize::MAX);
        let status = machine.compress_vec(input.get(taken..).unwrap_or_default(), out, flush);
        let status = status.map_err(|error| PortError::bug("pack what is to be stored").because(error))?;
        let all_in = machine.total_in() - begin == input.len() as u64;
        if status == Status::StreamEnd || (all_in && flush != FlushCompress::Finish && out.len() < out.capacity()) {
            return Ok(());
        }
    }
}

/// Runs all of the input through; what comes out is appended.
fn inflate(machine: &mut Decompress, input: &[u8], out: &mut Vec<u8>) -> Result<(), PortError> {
    let begin = machine.total_in();
    loop {
        out.reserve(input.len() * 4 + 256);
        let (taken, before) = (machine.total_in() - begin, out.len());
        let rest = input.get(usize::try_from(taken).unwrap_or(usize::MAX)..).unwrap_or_default();
        let status = machine.decompress_vec(rest, out, FlushDecompress::None);
        let status = status.map_err(|error| PortError::bug("unpack what is stored").because(error))?;
        if out.len() > LARGEST {
            return Err(PortError::bug("unpack what is stored: it is larger than anything that was stored"));
        }
        let moved = machine.total_in() - begin > taken || out.len() > before;
        match status {
            Status::StreamEnd => return Ok(()),
            _ if moved => {}
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let long: Vec<u8> =
            (0..300_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_be_bytes()).collect();
        for text in [&b""[..], b"a", b"{\"kind\":\"step.finished\"}", WORDS, &long, &vec![b'x'; 3 << 20]] {
            assert_eq!(unpack(&pack(text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn words_that_both_sides_know_cost_next_to_nothing() {
        assert!(pack(WORDS).unwrap().len() < 64);
    }

    #[test]
    fn what_was_stored_with_these_words_is_read_for_ever() {
        // made once by zlib with these words as its dictionary; a change of the words or of the format breaks it
        let stored = include_bytes!("stored_1.bin");
        assert_eq!(unpack(stored).unwrap(), b"{\"execution\":\"exe_golden\",\"seq\":1,\"kind\":\"execution.queued\"}");
    }

    #[test]
    fn what_is_damaged_is_told() {
        assert!(unpack(b"").is_err());
        assert!(unpack(&[9, 1, 2]).is_err());
        assert!(unpack(&[FORMAT, 0xff, 0xff, 0xff]).is_err());
    }
}
