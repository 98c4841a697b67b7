//! Memory for footage on its way to the disk: blocks of one size that are handed round.
//!
//! Buffers of a fragment's size would be asked for and given back every second per camera, in ever other
//! sizes, and leave the heap many times larger than what is in use.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The last of a fragment is half empty on average.
const BLOCK: usize = 16 << 10;

/// Free blocks kept, 1 MB; what a slow disk or a burst needed beyond that goes back to the allocator.
const KEPT: usize = 64;

#[derive(Clone, Debug, Default)]
pub(crate) struct BlockPool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl BlockPool {
    fn take(&self) -> Vec<u8> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Vec::with_capacity(BLOCK))
    }

    fn give_back(&self, blocks: &mut Vec<Vec<u8>>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        for mut block in blocks.drain(..) {
            if free.len() < KEPT {
                block.clear();
                free.push(block);
            }
        }
    }
}

/// Bytes in blocks of a pool, which get them back when this is dropped.
#[derive(Debug)]
pub(crate) struct Blocks {
    pool: BlockPool,
    blocks: Vec<Vec<u8>>,
    length: usize,
}

impl Blocks {
    pub(crate) fn new(pool: &BlockPool) -> Self {
        Self { pool: pool.clone(), blocks: Vec::new(), length: 0 }
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len();
        while !bytes.is_empty() {
            if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
                self.blocks.push(self.pool.take());
            }
            let Some(block) = self.blocks.last_mut() else { return };
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - block.len()));
            block.extend_from_slice(now);
            bytes = later;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(Vec::as_slice)
    }

    /// Returns the bytes of a part, and nothing of what lies beyond the end.
    pub(crate) fn part(&self, part: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let blocks = part.start / BLOCK..part.end.div_ceil(BLOCK);
        self.slices().enumerate().take(blocks.end).skip(blocks.start).map(move |(number, block)| {
            let within = |at: usize| at.saturating_sub(number * BLOCK).min(block.len());
            &block[within(part.start)..within(part.end)]
        })
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        self.pool.give_back(&mut self.blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_order_and_blocks_are_used_again() {
        let pool = BlockPool::default();
        let bytes: Vec<u8> = (0..3 * BLOCK + 7).map(|n| (n % 251) as u8).collect();
        for _ in 0..2 {
            let mut blocks = Blocks::new(&pool);
            bytes.chunks(1000).for_each(|chunk| blocks.push(chunk));
            assert_eq!(blocks.len(), bytes.len());
            assert_eq!(blocks.slices().collect::<Vec<_>>().concat(), bytes);
        }
        assert_eq!(pool.free.lock().unwrap().len(), 4);
    }
    #[test]
    fn a_part_is_found_wherever_it_lies() {
        let mut blocks = Blocks::new(&BlockPool::default());
        let bytes: Vec<u8> = (0..2 * BLOCK + 7).map(|n| (n % 251) as u8).collect();
        blocks.push(&bytes);
        let cases = [0..0, 0..1, 5..BLOCK, BLOCK - 1..BLOCK + 1, BLOCK..2 * BLOCK, 3..2 * BLOCK + 7];
        for part in cases {
            assert_eq!(blocks.part(part.clone()).collect::<Vec<_>>().concat(), bytes[part]);
        }
        assert_eq!(
            blocks.part(2 * BLOCK + 6..9 * BLOCK).collect::<Vec<_>>().concat(),
            bytes[2 * BLOCK + 6..]
        );
    }
}
