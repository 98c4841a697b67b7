//! Pages that are not in use: given back, so that a recorder that runs for months does not keep in memory what only
//! starting needed, or what waited for a slow disk once.
//!
//! `madvise`, `mallopt` and `malloc_trim` cannot be called without `unsafe`, and nothing else belongs into this file.
#![expect(unsafe_code, reason = "`madvise` works on addresses, the others are C")]

use std::ffi::c_void;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;

use rustix::mm::{Advice, madvise};

/// Larger blocks are mappings of their own, gone when given back. The largest that a recorder often asks for are
/// keyframes.
#[cfg(target_env = "gnu")]
const MAPPED: libc::c_int = 64 << 10;

/// Makes the allocator keep little: one heap for all threads, not one each, and no large blocks. To be called before
/// there are threads, by what asks for little memory from few of them.
pub(crate) fn keep_few() {
    #[cfg(target_env = "gnu")]
    for (setting, value) in [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, MAPPED)] {
        // SAFETY: only sets a number. Refused, it stays as it was, which costs memory and nothing else.
        let _ = unsafe { libc::mallopt(setting, value) };
    }
}

/// A part of a file that lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapping<'a> {
    begin: usize,
    end: usize,
    use_of: Use,
    path: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// As it is in the file, and bound to stay so.
    AsInFile,
    Other,
}

/// Lets go of all pages of the program, and of what the allocator keeps free. Those in use come back at once, with
/// their neighbours, out of the system's cache: some milliseconds, all together.
pub(crate) fn give_back() -> io::Result<()> {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes the allocator's own locks, and touches only what nobody holds.
    let _ = unsafe { libc::malloc_trim(0) };
    let program = fs::read_link("/proc/self/exe")?;
    let listed = fs::read("/proc/self/smaps")?;
    let mappings = mappings(&listed);
    let of_program = mappings.iter().filter(|mapping| mapping.path == program.as_os_str().as_bytes());
    for mapping in of_program.filter(|mapping| mapping.use_of == Use::AsInFile) {
        let (begin, length) = (mapping.begin as *mut c_void, mapping.end - mapping.begin);
        // SAFETY: nobody can write to the mapping and none of its pages was ever changed, so that each comes
        // back from the file as it was. The program's own file stays mapped where it is until its end.
        unsafe { madvise(begin, length, Advice::LinuxDontNeed)? };
    }
    Ok(())
}

/// Reads proc(5)'s `smaps`: a line per mapping, `BEGIN-END PERMISSIONS OFFSET DEVICE INODE PATH`, then what is known
/// of it, a line each.
fn mappings(listed: &[u8]) -> Vec<Mapping<'_>> {
    let mut mappings: Vec<Mapping<'_>> = Vec::new();
    for line in listed.split(|&byte| byte == b'\n') {
        if let Some(mapping) = mapping(line) {
            mappings.push(mapping);
        } else if let Some(last) = mappings.last_mut()
            && let Some(changed) = line.strip_prefix(b"Anonymous:")
            && changed.trim_ascii() != b"0 kB"
        {
            last.use_of = Use::Other;
        }
    }
    mappings
}

fn mapping(line: &[u8]) -> Option<Mapping<'_>> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let (begin, end) = str::from_utf8(fields.next()?).ok()?.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let permissions = fields.next()?;
    let path = fields.nth(3)?.trim_ascii();
    let use_of = if permissions.contains(&b'w') { Use::Other } else { Use::AsInFile };
    Some(Mapping { begin: address(begin)?, end: address(end)?, use_of, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_as_in_its_file_is_given_back() {
        let listed = b"\
            5580-6580 r-xp 00001000 fe:00 1234                       /opt/night reel\n\
            Size:                  4 kB\nAnonymous:             0 kB\nVmFlags: rd ex\n\
            6580-7580 r--p 00002000 fe:00 1234                       /opt/night reel\n\
            Anonymous:             8 kB\n\
            7580-8580 rw-p 00003000 fe:00 1234                       /opt/night reel\n\
            Anonymous:             0 kB\n\
            8580-9580 r--p 00000000 00:00 0 \n";
        let found: Vec<_> = mappings(listed).iter().map(|m| (m.begin, m.use_of, m.path)).collect();
        let program = &b"/opt/night reel"[..];
        assert_eq!(
            found,
            [
                (0x5580, Use::AsInFile, program),
                (0x6580, Use::Other, program),
                (0x7580, Use::Other, program),
                (0x8580, Use::AsInFile, b""),
            ]
        );
    }

    #[test]
    fn the_program_goes_on_without_its_pages() {
        let sum = |words: &[&str]| words.iter().map(|word| word.len()).sum::<usize>();
        give_back().unwrap();
        assert_eq!(sum(&["constants", "are", "back"]), 16);
        assert!(std::panic::catch_unwind(|| panic!("and it unwinds")).is_err());
    }
}
