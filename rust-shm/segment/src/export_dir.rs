//! A camera's folder as it is found in the base folder: whether it is an export of this user, and how such a
//! folder is removed.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat, unlinkat};
use rustix::io::{Errno, pread, pwrite};
use rustix::process::geteuid;
use vas_frame_protocol::{State, layout};

use crate::base_dir::BaseDir;
use crate::fail_point::fail_point;
use crate::file_id::FileId;
use crate::file_size_limit::file_size_limit;
use crate::mapping::BellPage;
use crate::writer_lock;

/// The file of the metadata.
pub(crate) const META: &str = "frame.meta";
/// The file of the pictures.
pub(crate) const DATA: &str = "frame.data";

/// What stands at a name in the base folder.
pub(crate) enum Found {
    Nothing,
    /// A folder of this user that holds our two files, or fewer, and nothing else.
    Export(ExportDir),
    /// Anything else. It is never touched.
    Foreign,
}

/// The news for the readers of a ring that another writer left behind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// The camera goes on in a newer ring, or is about to.
    Replaced,
    /// Its writer died, and nothing takes its place. The camera was not closed: it may come back.
    Dead,
}

/// An open folder that may be removed by us.
pub(crate) struct ExportDir {
    dir: OwnedFd,
    pub(crate) id: FileId,
}

/// Looks at what stands at `name`, following no link.
pub(crate) fn find(base: &BaseDir, name: &str) -> Result<Found, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match openat(&base.fd, name, flags, Mode::empty()) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(Found::Nothing),
        Err(Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => return Ok(Found::Foreign),
        Err(errno) => return Err(errno),
    };
    let stat = fstat(&dir)?;
    if !is_ours(&stat) || !holds_only_our_files(&dir)? {
        return Ok(Found::Foreign);
    }
    Ok(Found::Export(ExportDir {
        dir,
        id: FileId::from_stat(&stat),
    }))
}

fn is_ours(stat: &Stat) -> bool {
    stat.st_uid == geteuid().as_raw()
}

pub(crate) fn is_our_regular_file(stat: &Stat) -> bool {
    is_ours(stat) && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn holds_only_our_files(dir: &OwnedFd) -> Result<bool, Errno> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        match entry.file_name().to_bytes() {
            b"." | b".." => {}
            name if name == META.as_bytes() || name == DATA.as_bytes() => {
                match statat(dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) if is_our_regular_file(&stat) => {}
                    Err(Errno::NOENT) => {}
                    Ok(_) => return Ok(false),
                    Err(errno) => return Err(errno),
                }
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

impl ExportDir {
    /// Whether a living process holds the writer's lock.
    pub(crate) fn has_living_writer(&self) -> bool {
        self.living_writer().is_some()
    }

    /// The meta file whose lock a living process holds, this one included.
    pub(crate) fn living_writer(&self) -> Option<FileId> {
        let meta = self.open_meta(OFlags::RDONLY).ok()?;
        writer_lock::is_held_by_writer(&meta).then_some(())?;
        FileId::of(meta).ok()
    }

    /// Tells the readers that are still attached, and removes the files and the folder. Best effort: whatever
    /// cannot be removed stays for the next sweep. Returns whether the folder is gone.
    pub(crate) fn remove(self, base: &BaseDir, name: &str, fate: Fate) -> bool {
        let _ = self.tell(fate);
        fail_point!("former-told");
        remove_files(&self.dir);
        fail_point!("former-emptied");
        remove_dir(base, name, self.id)
    }

    /// Tells the readers of a ring that has no mapping here and whose state is `Live`. The state of a dead writer's
    /// ring stays `Live`: its heartbeat is made as old as can be, so that readers find the writer dead at once.
    ///
    /// The few bytes are written through the file and not through a mapping, so neither what the file holds nor
    /// somebody who cuts it short meanwhile can harm this process.
    fn tell(&self, fate: Fate) -> Result<(), Errno> {
        let meta = self.open_meta(OFlags::RDWR)?;
        if !is_our_regular_file(&fstat(&meta)?) || file_size_limit() < layout::SLOT_RECORDS as u64 {
            return Ok(());
        }
        let (mut magic, mut state) = ([0; layout::MAGIC.len()], [0; 4]);
        let magic_len = pread(&meta, &mut magic, layout::header::MAGIC as u64)?;
        let state_len = pread(&meta, &mut state, layout::header::STATE as u64)?;
        let is_live_ring = magic_len == magic.len()
            && magic == layout::MAGIC
            && state_len == state.len()
            && u32::from_le_bytes(state) == State::Live.number();
        match fate {
            Fate::Replaced if is_live_ring => {
                let replaced = State::Replaced.number().to_le_bytes();
                pwrite(&meta, &replaced, layout::header::STATE as u64)?;
            }
            Fate::Dead if is_live_ring => {
                pwrite(&meta, &[0; 8], layout::header::HEARTBEAT_NS as u64)?;
            }
            Fate::Replaced | Fate::Dead => {}
        }
        if is_live_ring {
            BellPage::map(meta.as_fd())?.bell().ring();
        }
        Ok(())
    }

    fn open_meta(&self, access: OFlags) -> Result<OwnedFd, Errno> {
        openat(
            &self.dir,
            META,
            access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }
}

/// Unlinks both files of an open folder; meta first, so that whoever opens both gives up early.
pub(crate) fn remove_files(dir: impl AsFd) {
    for file in [META, DATA] {
        let _ = unlinkat(&dir, file, AtFlags::empty());
    }
}

/// Does what [`remove_files`] does for a folder that is not open, unless something else stands at its name by now.
/// Needs no descriptor, so that it works when there is none left.
pub(crate) fn remove_files_of(base: &BaseDir, name: &str, id: FileId) {
    // Only this user and root can put a link there between the check and the removal.
    if FileId::at(&base.fd, name) == Ok(id) {
        for file in [META, DATA] {
            let _ = unlinkat(&base.fd, format!("{name}/{file}"), AtFlags::empty());
        }
    }
}

/// Removes an empty folder, unless something else stands at its name by now.
pub(crate) fn remove_dir(base: &BaseDir, name: &str, id: FileId) -> bool {
    FileId::at(&base.fd, name) == Ok(id) && unlinkat(&base.fd, name, AtFlags::REMOVEDIR).is_ok()
}
