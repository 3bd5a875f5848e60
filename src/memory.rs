//! What a long-running process gives back: an idle node is small beside what it serves.

use std::ptr::NonNull;

use nix::sys::mman::{MmapAdvise, madvise};
use nix::sys::prctl;

/// mimalloc asks the kernel for huge pages, and then a process that uses one megabyte holds nine.
///
/// Called first of all, before anything large is allocated. Children inherit it: see [`allow_huge_pages`].
pub(crate) fn use_small_pages() {
    set_huge_pages_disabled(true);
}

/// Undoes [`use_small_pages`], for commands that start programs of the user.
pub(crate) fn allow_huge_pages() {
    set_huge_pages_disabled(false);
}

fn set_huge_pages_disabled(disabled: bool) {
    if let Err(error) = prctl::set_thp_disable(disabled) {
        tracing::debug!(%error, disabled, "the use of huge pages stays as it is");
    }
}

/// Lets go of the code that only the start needed. What is run again comes back from the page cache, without a disk.
pub(crate) fn forget_start_up_code() {
    let (Ok(maps), Ok(binary)) = (
        std::fs::read_to_string("/proc/self/maps"),
        std::env::current_exe(),
    ) else {
        return;
    };
    for (start, length) in code_of(&maps, &binary.to_string_lossy()) {
        let Some(address) = NonNull::new(std::ptr::without_provenance_mut::<u8>(start)) else {
            continue;
        };
        // SAFETY: the range is a mapping of this program's file, executable and not writable (`r-xp`), so no page of it has ever been
        // changed: what is dropped is read again from the file, byte for byte, on the next access. Nothing is unmapped.
        #[allow(unsafe_code, reason = "see above")]
        let advised = unsafe { madvise(address.cast(), length, MmapAdvise::MADV_DONTNEED) };
        if let Err(error) = advised {
            tracing::debug!(%error, "code that is not needed any more stays in memory");
        }
    }
}

/// Where `maps` (proc(5)) says that code of `binary` is: start and length of each mapping that can be run and not be written.
fn code_of<'a>(maps: &'a str, binary: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    maps.lines().filter_map(move |line| {
        let mut parts = line.split_ascii_whitespace();
        let (range, rights) = (parts.next()?, parts.next()?);
        if rights != "r-xp" || parts.nth(3)? != binary {
            return None;
        }
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        Some((start, end.checked_sub(start)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_this_program_is_let_go() {
        let maps = "\
55d0c0000000-55d0c0100000 r--p 00000000 08:01 1234 /usr/bin/weft
55d0c0100000-55d0c0900000 r-xp 00100000 08:01 1234 /usr/bin/weft
55d0c0900000-55d0c0a00000 r--p 00900000 08:01 1234 /usr/bin/weft
55d0c0a00000-55d0c0b00000 rw-p 00a00000 08:01 1234 /usr/bin/weft
7f0000000000-7f0000100000 r-xp 00000000 08:01 5678 /lib/libc.so.6
7f0000200000-7f0000300000 r-xp 00000000 00:00 0
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]
";
        let found: Vec<_> = code_of(maps, "/usr/bin/weft").collect();
        assert_eq!(found, [(0x55d0_c010_0000, 0x80_0000)]);
    }

    #[test]
    fn the_program_goes_on_without_its_start_up_code() {
        forget_start_up_code();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let binary = std::env::current_exe().unwrap_or_default();
        assert!(code_of(&maps, &binary.to_string_lossy()).next().is_some());
    }
}
