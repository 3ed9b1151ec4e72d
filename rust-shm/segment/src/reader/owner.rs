//! The owner whose frames a reader accepts. All checks look at open files, so that nothing can be exchanged afterwards.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, Stat, StatxAttributes, StatxFlags, fstat, statat, statx};
use rustix::io::Errno;
use rustix::process::geteuid;

const ROOT: u32 = 0;

/// The user that the kernel names instead of one that this user namespace does not know.
const UNKNOWN: u32 = 65534;

/// The owner whose frames a source accepts.
///
/// `/dev/shm` is open to every local user: whoever makes the base folder there first, while no video server runs, could
/// show readers any picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// This process's user and root; and any user if the base folder must have been put where it is by an
    /// administrator: it is a mount point, as in a container, or nobody else may write to the folder above.
    #[default]
    Trusted,
    /// The user with this id.
    User(u32),
    /// Any user.
    Anyone,
}

/// The export belongs to a user whose frames are not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} belongs to user {owner}, whose frames are not accepted: {}", path.display(),
    advice(*accepted, *owner)
)]
pub struct WrongOwner {
    /// What has the wrong owner: the camera's folder, or the base folder.
    pub path: PathBuf,
    /// Its owner. If the files and the folder have different ones, a file's.
    pub owner: u32,
    /// What the source accepts.
    pub accepted: Owner,
}

fn advice(accepted: Owner, owner: u32) -> String {
    match accepted {
        Owner::User(user) => format!("this reader insists on user {user}"),
        Owner::Trusted | Owner::Anyone => format!(
            "if that is the video server's user, say so (owner {owner}); if not, somebody else has taken the name"
        ),
    }
}

pub(super) enum CheckError {
    WrongOwner(WrongOwner),
    Os(Errno),
}

impl From<Errno> for CheckError {
    fn from(errno: Errno) -> Self {
        Self::Os(errno)
    }
}

/// The user ids of what was opened, and of this process.
struct Owners {
    /// The owner of the camera's folder.
    folder: u32,
    files: [u32; 2],
    base: u32,
    /// The effective user of this process.
    user: u32,
}

impl Owner {
    /// Checks the open folder of a camera, the files in it, and the base folder that it is in.
    pub(super) fn check(self, path: &Path, dir: &OwnedFd, files: [&Stat; 2]) -> Result<(), CheckError> {
        if self == Self::Anyone {
            return Ok(());
        }
        let base = statat(dir, "..", AtFlags::empty())?;
        let owners = Owners {
            folder: fstat(dir)?.st_uid,
            files: files.map(|file| file.st_uid),
            base: base.st_uid,
            user: geteuid().as_raw(),
        };
        let is_put_there = || is_put_there_by_administrator(dir, &base, owners.user);
        match self.stranger(&owners, is_put_there) {
            None => Ok(()),
            Some((is_base, owner)) => Err(CheckError::WrongOwner(WrongOwner {
                path: path.parent().filter(|_| is_base).unwrap_or(path).to_owned(),
                owner,
                accepted: self,
            })),
        }
    }

    /// The owner who is not accepted, and whether it is that of the base folder.
    fn stranger(self, owners: &Owners, is_put_there: impl FnOnce() -> bool) -> Option<(bool, u32)> {
        let owner = owners.folder;
        if let Some(&other) = owners.files.iter().find(|&&file| file != owner) {
            return Some((false, other));
        }
        if ![owner, ROOT, UNKNOWN].contains(&owners.base) {
            return Some((true, owners.base));
        }
        let is_accepted = match self {
            Self::User(user) => owner == user,
            Self::Trusted => owner == owners.user || owner == ROOT || is_put_there(),
            Self::Anyone => true,
        };
        (!is_accepted).then_some((false, owner))
    }
}

/// Whether nobody but root and this process's user can have made the base folder, or one in its place, and nobody but
/// its owner and root can make folders in it.
fn is_put_there_by_administrator(dir: &OwnedFd, base: &Stat, user: u32) -> bool {
    if may_be_written_by_others(base) {
        return false;
    }
    let mount = statx(dir, "..", AtFlags::empty(), StatxFlags::empty());
    if mount.is_ok_and(|base| base.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)) {
        return true;
    }
    statat(dir, "../..", AtFlags::empty()).is_ok_and(|above| {
        (above.st_uid == ROOT || above.st_uid == user) && !may_be_written_by_others(&above)
    })
}

fn may_be_written_by_others(dir: &Stat) -> bool {
    Mode::from_raw_mode(dir.st_mode).intersects(Mode::WGRP | Mode::WOTH)
}

#[cfg(test)]
mod tests {
    use super::{Owner, Owners, ROOT, UNKNOWN};

    const US: u32 = 1000;
    const HOST: u32 = 1001;
    const ATTACKER: u32 = 1002;

    fn owners(folder: u32, files: [u32; 2], base: u32) -> Owners {
        Owners {
            folder,
            files,
            base,
            user: US,
        }
    }

    #[test]
    fn p2_16_frames_of_this_user_and_of_root_are_trusted_wherever_they_are() {
        for owner in [US, ROOT] {
            for base in [owner, ROOT, UNKNOWN] {
                let owners = owners(owner, [owner; 2], base);
                assert_eq!(Owner::Trusted.stranger(&owners, || false), None);
            }
        }
    }

    #[test]
    fn p2_16_a_base_folder_that_anybody_could_have_made_is_not_trusted() {
        let squatted = owners(ATTACKER, [ATTACKER; 2], ATTACKER);
        assert_eq!(
            Owner::Trusted.stranger(&squatted, || false),
            Some((false, ATTACKER))
        );
        assert_eq!(Owner::Trusted.stranger(&squatted, || true), None);
        assert_eq!(
            Owner::User(HOST).stranger(&squatted, || true),
            Some((false, ATTACKER))
        );
        assert_eq!(Owner::User(ATTACKER).stranger(&squatted, || false), None);
        assert_eq!(Owner::Anyone.stranger(&squatted, || false), None);
    }

    #[test]
    fn p2_16_a_folder_or_file_of_somebody_else_is_refused() {
        for (owners, stranger) in [
            (owners(HOST, [HOST, ATTACKER], HOST), (false, ATTACKER)),
            (owners(HOST, [ATTACKER, HOST], HOST), (false, ATTACKER)),
            (owners(ATTACKER, [ATTACKER; 2], HOST), (true, HOST)),
            (owners(HOST, [HOST; 2], ATTACKER), (true, ATTACKER)),
            (owners(US, [US; 2], ATTACKER), (true, ATTACKER)),
        ] {
            assert_eq!(Owner::Trusted.stranger(&owners, || true), Some(stranger));
            assert_eq!(
                Owner::User(owners.folder).stranger(&owners, || true),
                Some(stranger)
            );
        }
    }
}
