//! The allocator that notes what a thread asks for, so that others can tell what a poll has cost. All memory is
//! the system's; only the largest blocks are not glibc's.
//!
//! An allocator cannot be written without `unsafe`, and nothing else belongs into this file.
#![expect(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{copy_nonoverlapping, null_mut};

use rustix::mm::{MapFlags, MremapFlags, ProtFlags, mmap_anonymous, mremap, munmap};

/// Blocks of this size are mappings of their own, and gone when given back. glibc would keep up to twice the
/// largest block that it ever saw for each thread: 60 MB after some attacks of one camera.
const MAPPED: usize = 1 << 20;

/// The smallest there is.
const PAGE: usize = 4096;

/// To be installed by the program with `#[global_allocator]`; without it no camera is kept from filling the
/// memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotingAllocator;

/// What a thread has asked for since the last [`begin`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Asked for, less what was given back. Negative where older blocks were given back.
    pub(crate) grown: isize,
    /// The most that `grown` was.
    pub(crate) most: isize,
    /// The largest single block.
    pub(crate) largest: usize,
}

thread_local! {
    // constant and without a destructor: reading it allocates nothing, and works until the thread's very end
    static NOTED: Cell<Noted> = const { Cell::new(Noted { grown: 0, most: 0, largest: 0 }) };
}

/// Begins anew on this thread.
pub(crate) fn begin() {
    NOTED.set(Noted::default());
}

pub(crate) fn noted() -> Noted {
    NOTED.get()
}

#[inline]
fn note_asked(size: usize) {
    let mut noted = NOTED.get();
    noted.grown = noted.grown.wrapping_add_unsigned(size);
    noted.most = noted.most.max(noted.grown);
    noted.largest = noted.largest.max(size);
    NOTED.set(noted);
}

#[inline]
fn note_given_back(size: usize) {
    let mut noted = NOTED.get();
    noted.grown = noted.grown.wrapping_sub_unsigned(size);
    NOTED.set(noted);
}

// SAFETY: each block comes from the system's allocator or from a mapping of its own, and goes back to where it
// came from, which its layout tells. What is noted neither allocates nor panics.
unsafe impl GlobalAlloc for NotingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note_asked(layout.size());
        if is_mapped(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promises are passed on, as in all that follow.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note_asked(layout.size());
        if is_mapped(layout) {
            return map(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size` is not zero and fits.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_mapped(layout), is_mapped(wanted)) {
            (false, false) => {
                // old and new block may exist at the same time
                note_asked(size);
                note_given_back(layout.size());
                // SAFETY: as above.
                unsafe { System.realloc(block, layout, size) }
            }
            (true, true) => {
                note_asked(size);
                note_given_back(layout.size());
                // SAFETY: the block is a mapping of that size.
                let moved = unsafe { mremap(block.cast(), layout.size(), size, MremapFlags::MAYMOVE) };
                moved.map_or(null_mut(), <*mut _>::cast)
            }
            // SAFETY: two blocks of their own, of at least the size that is copied.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    copy_nonoverlapping(block, moved, size.min(layout.size()));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note_given_back(layout.size());
        if is_mapped(layout) {
            // SAFETY: the block is a mapping of that size, and nobody uses it any more.
            let _ = unsafe { munmap(block.cast(), layout.size()) };
            return;
        }
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

fn is_mapped(layout: Layout) -> bool {
    layout.size() >= MAPPED && layout.align() <= PAGE
}

#[cold]
fn map(size: usize) -> *mut u8 {
    // SAFETY: a mapping of its own, anywhere.
    let mapped =
        unsafe { mmap_anonymous(null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) };
    mapped.map_or(null_mut(), <*mut _>::cast)
}

/// Tells whether the program has installed it.
pub(crate) fn is_installed() -> bool {
    let before = noted();
    drop(std::hint::black_box(Box::new(before)));
    let after = noted();
    NOTED.set(before);
    after.largest > 0
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn blocks_keep_their_bytes_when_they_grow_and_shrink() {
        let mut bytes: Vec<u8> = (0..1000).map(|n| (n % 251) as u8).collect();
        let is_whole = |bytes: &Vec<u8>| bytes.iter().enumerate().all(|(n, &byte)| byte == (n % 251) as u8);
        for size in [PAGE, MAPPED - 1, MAPPED, MAPPED + 1, 5 * MAPPED, 3 * MAPPED + 7, MAPPED, MAPPED - 1, 9]
        {
            while bytes.len() < size {
                bytes.push((bytes.len() % 251) as u8);
            }
            bytes.truncate(size);
            bytes.shrink_to_fit();
            assert!(is_whole(&black_box(bytes.clone())) && is_whole(&bytes), "{size} bytes");
        }
    }

    #[test]
    fn large_blocks_are_zeroed_and_aligned_where_that_is_asked_for() {
        assert!(black_box(vec![0u8; 3 * MAPPED]).iter().all(|&byte| byte == 0));
        #[repr(align(8192))]
        struct Aligned {
            _bytes: [u8; 2 * MAPPED],
        }
        let aligned = black_box(Box::<Aligned>::new_uninit());
        assert_eq!(aligned.as_ptr().addr() % 8192, 0);
    }

    #[test]
    fn blocks_are_noted_when_asked_for_and_when_given_back() {
        begin();
        let first = black_box(vec![7u8; 1000]);
        let second = black_box(vec![0u8; 5000]);
        drop(first);
        let mut third: Vec<u8> = black_box(Vec::with_capacity(100));
        third.reserve_exact(3000);
        let told = noted();
        assert_eq!(told, Noted { grown: 8000, most: 8100, largest: 5000 });
        drop((second, third));
        assert_eq!(noted().grown, 0);
        assert!(is_installed());
        assert_eq!(noted().most, 8100, "asking does not disturb");
    }

    #[test]
    fn each_thread_has_its_own_notes() {
        begin();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                begin();
                drop(black_box(vec![1u8; 1 << 20]));
                noted().largest
            });
            assert_eq!(other.join().unwrap(), 1 << 20);
        });
        assert!(noted().largest < 1 << 20, "{:?}", noted());
    }

    #[test]
    #[ignore = "measures, best with --release"]
    fn noting_costs_next_to_nothing() {
        fn nanoseconds(allocator: &impl GlobalAlloc) -> f64 {
            const ROUNDS: u32 = 5_000_000;
            let layout = Layout::new::<[u64; 12]>();
            let begun = std::time::Instant::now();
            for _ in 0..ROUNDS {
                // SAFETY: given back as it was asked for.
                unsafe { allocator.dealloc(black_box(allocator.alloc(black_box(layout))), layout) };
            }
            begun.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
        }
        for _ in 0..3 {
            let (system, noting) = (nanoseconds(&System), nanoseconds(&NotingAllocator));
            println!("a block asked for and given back: {system:.1} ns, noted {noting:.1} ns");
            assert!(noting < system + 20.0 || cfg!(debug_assertions));
        }
    }
}
