//! A TUN device: the kernel's IP packets, one a read, one a write.
#![allow(
    unsafe_code,
    reason = "a TUN device is named by an ioctl, for which nix has only the macro"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;

/// Where devices are made.
pub const CLONE: &str = "/dev/net/tun";

/// What the device at each end is called.
pub const NAME: &str = "wan";

/// The packet's size on the link.
pub const MTU: usize = 1_500;

/// `struct ifreq` as far as `TUNSETIFF` reads it, and as long as the kernel copies.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

const _: () = assert!(size_of::<Request>() == size_of::<libc::ifreq>());

nix::ioctl_write_ptr_bad!(
    /// Names the interface behind a descriptor.
    set_interface,
    libc::TUNSETIFF,
    Request
);

/// Opens a device of this name in the calling thread's network namespace. Reading it never blocks.
///
/// # Errors
/// What the kernel refuses.
pub fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(CLONE)?;
    let mut request = Request {
        name: [0; libc::IFNAMSIZ],
        flags: i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_NAPI)
            .map_err(io::Error::other)?,
        rest: [0; 22],
    };
    let bytes = name.as_bytes();
    let place = request.name.get_mut(..bytes.len().min(libc::IFNAMSIZ - 1));
    if let Some(place) = place {
        place.copy_from_slice(&bytes[..place.len()]);
    }
    // SAFETY: the descriptor is open, and `request` is as long as the kernel's `struct ifreq` (asserted above), initialised in
    // full, with a name that ends in a zero, and alive during the call. TUNSETIFF reads it and keeps no pointer.
    unsafe { set_interface(file.as_raw_fd(), &raw const request) }?;
    Ok(file)
}
