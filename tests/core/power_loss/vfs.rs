//! An `SQLite` VFS in front of the default one. It tells a simulated `Disk` what `SQLite` does to the files in the disk's
//! folder, and fails once the disk has no power. Files in other folders go straight to the default VFS.
//!
//! This is the only module of the tests with unsafe code. Each function that `SQLite` calls relies on its contract: the
//! pointers are valid for the call, a file was opened by `open` and is not closed yet, and no two threads use the same
//! file at once (<https://sqlite.org/c3ref/io_methods.html>).
//!
//! Syncs are not passed on: the disk model decides what survives, and the files are only what the system would show.
//! There is no shared memory (version 1 of the methods), because the journal never uses a write-ahead log.

#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Once};

use rusqlite::ffi;

use super::disk::Disk;

/// The default VFS before `install`.
static INNER: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(null_mut());

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// A file on a simulated disk. The file of the default VFS follows it in memory.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    opened: *mut Opened,
}

struct Opened {
    disk: Arc<Disk>,
    number: usize,
    /// The first sync of a new rollback journal also syncs its folder (`UNIXFILE_DIRSYNC` in `os_unix.c`).
    syncs_folder: bool,
}

/// Makes this VFS the default of the process.
pub fn install() {
    static INSTALLED: Once = Once::new();
    // SAFETY: `sqlite3_vfs_find` returns the default VFS, which lives as long as the process. The copy lives as long,
    // too. The methods that are not replaced take nothing from a VFS but `pAppData`, which is the same in the copy.
    INSTALLED.call_once(|| unsafe {
        let inner = ffi::sqlite3_vfs_find(null());
        INNER.store(inner, Ordering::Release);
        let own = Box::leak(Box::new(ffi::sqlite3_vfs {
            szOsFile: (*inner).szOsFile + c_int::try_from(size_of::<File>()).unwrap(),
            pNext: null_mut(),
            zName: c"power-loss".as_ptr(),
            xOpen: Some(open),
            xDelete: Some(delete),
            ..*inner
        }));
        assert_eq!(ffi::sqlite3_vfs_register(own, 1), ffi::SQLITE_OK);
    });
}

/// Returns the disk of a file, if it is on a simulated one.
///
/// # Safety
/// `name` is null or a C string.
unsafe fn disk_of(name: *const c_char) -> Option<Arc<Disk>> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Disk::of(unsafe { path(name) })
}

/// # Safety
/// `name` is a C string that lives as long as the path is used.
unsafe fn path<'n>(name: *const c_char) -> &'n Path {
    // SAFETY: the caller's promise.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

/// Returns the parts of an open file: what is known of it, the file of the default VFS, and the methods of that file.
///
/// # Safety
/// `file` was opened by `open` on a simulated disk, and is not closed yet.
unsafe fn parts<'f>(
    file: *mut ffi::sqlite3_file,
) -> (
    &'f mut Opened,
    *mut ffi::sqlite3_file,
    &'f ffi::sqlite3_io_methods,
) {
    // SAFETY: `open` has filled in the `File` at this address and opened the file behind it. SQLite uses a file in one
    // thread at a time, so there is no other reference to `Opened`.
    unsafe {
        let file = file.cast::<File>();
        let inner = inner(file);
        (&mut *(*file).opened, inner, &*(*inner).pMethods)
    }
}

/// Returns the address of the file of the default VFS.
///
/// # Safety
/// `file` points to `szOsFile` bytes.
unsafe fn inner(file: *mut File) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` is the size of a `File` and a file of the default VFS. A `File` consists of pointers, so what
    // follows it is aligned for pointers, as SQLite's own wrappers of a VFS expect.
    unsafe { file.add(1).cast() }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes `szOsFile` writable bytes at `file`, and a C string or null as the name. `pMethods` is set on
    // every way out, as SQLite requires. `INNER` was set before this VFS was registered.
    unsafe {
        let default = INNER.load(Ordering::Acquire);
        let open = (*default).xOpen.unwrap();
        let Some(disk) = disk_of(name) else {
            return open(default, name, file, flags, out);
        };
        (*file).pMethods = null();
        if disk.is_off() {
            return ffi::SQLITE_CANTOPEN;
        }
        let own = file.cast::<File>();
        let opened = open(default, name, inner(own), flags, out);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        let journals = ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let opened = Opened {
            number: disk.number_of(path(name)),
            disk,
            syncs_folder: flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & journals != 0,
        };
        (*own).opened = Box::into_raw(Box::new(opened));
        (*file).pMethods = &raw const METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, syncs_folder: c_int) -> c_int {
    // SAFETY: SQLite passes a C string, and `INNER` was set before this VFS was registered.
    unsafe {
        let default = INNER.load(Ordering::Acquire);
        let delete = (*default).xDelete.unwrap();
        let Some(disk) = disk_of(name) else {
            return delete(default, name, syncs_folder);
        };
        if disk.is_off() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        let deleted = delete(default, name, 0);
        if disk.removed(syncs_folder != 0) {
            deleted
        } else {
            ffi::SQLITE_IOERR_DELETE
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` made the box, and SQLite closes a file once.
    unsafe {
        let (opened, inner, methods) = parts(file);
        let closed = methods.xClose.unwrap()(inner);
        drop(Box::from_raw(std::ptr::from_mut(opened)));
        closed
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    to: *mut c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged.
    unsafe {
        let (opened, inner, methods) = parts(file);
        if opened.disk.is_off() {
            return ffi::SQLITE_IOERR_READ;
        }
        methods.xRead.unwrap()(inner, to, length, at)
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: see the module. SQLite passes `length` readable bytes, and the arguments go on unchanged.
    unsafe {
        let (opened, inner, methods) = parts(file);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(length).unwrap());
        if !opened
            .disk
            .write(opened.number, usize::try_from(at).unwrap(), bytes)
        {
            return ffi::SQLITE_IOERR_WRITE;
        }
        methods.xWrite.unwrap()(inner, from, length, at)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged.
    unsafe {
        let (opened, inner, methods) = parts(file);
        if !opened
            .disk
            .truncate(opened.number, usize::try_from(size).unwrap())
        {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        methods.xTruncate.unwrap()(inner, size)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: see the module.
    let (opened, ..) = unsafe { parts(file) };
    if !opened.disk.sync(opened.number, opened.syncs_folder) {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    opened.syncs_folder = false;
    ffi::SQLITE_OK
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xFileSize.unwrap()(inner, size)
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xLock.unwrap()(inner, level)
    }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xUnlock.unwrap()(inner, level)
    }
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, is_held: *mut c_int) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xCheckReservedLock.unwrap()(inner, is_held)
    }
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: see the module. The arguments go on unchanged. Without a chunk size or a memory map, which nobody sets, no
    // operation of the default VFS changes the file.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xFileControl.unwrap()(inner, operation, argument)
    }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: see the module.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xSectorSize.unwrap()(inner)
    }
}

unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: see the module.
    unsafe {
        let (_, inner, methods) = parts(file);
        methods.xDeviceCharacteristics.unwrap()(inner)
    }
}
