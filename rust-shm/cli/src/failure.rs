//! Why a command could not do what it was asked for, and the exit code that says so.

use std::io;
use std::path::Path;

use vas_frame_protocol::{GeometryError, ShapeError};
use vas_frame_segment::{BaseDirError, CameraIdError, OpenError};

/// The exit codes of every command; `--help` and the manual page list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is so.
    Yes = 0,
    /// It is not.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no export of that camera.
    Absent = 3,
    /// The operating system refused.
    Refused = 4,
    /// There is something that this version cannot read.
    Incompatible = 5,
}

/// The command ends here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    CameraId(#[from] CameraIdError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    BaseDir(#[from] BaseDirError),
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("{0}")]
    Said(String, &'static str, Exit),
}

impl Failure {
    pub(crate) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::Io { what, source }
    }

    /// The stable code, the same as in every language.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::CameraId(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::BaseDir(error) => error.code(),
            Self::Geometry(error) => error.code(),
            Self::Shape(error) => error.code(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "PERMISSION_DENIED"
            }
            Self::Io { .. } => "IO",
            Self::Said(_, code, _) => code,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Said(_, _, exit) => *exit,
            _ => match self.code() {
                "BAD_CAMERA_ID" | "BAD_GEOMETRY" | "BAD_OPTION" => Exit::Usage,
                "SOURCE_NOT_FOUND" => Exit::Absent,
                "INCOMPATIBLE_LAYOUT" => Exit::Incompatible,
                _ => Exit::Refused,
            },
        }
    }

    /// Whether the reader of our output has closed it, as `head` does, which is no failure.
    pub(crate) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Errors of writing to standard output.
impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        Self::Io {
            what: "write the output".to_owned(),
            source,
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}
